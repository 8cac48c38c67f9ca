"""What it costs to check, merge, store and acknowledge every edit, against a relay that does nothing of it.

    python -m bench.relay [--rate 20] [--seconds 5] [--rounds 3]

Two servers on the same stack (uvicorn, websockets-sansio, Starlette), each in a process of its own, get the same real Yjs
updates from the same generator, in turns: ours, whole and on disk, and a bare Starlette relay. Nobody listens on the control
channel, so acknowledgements are made and not sent. Printed are the time from key to peer and the server's CPU for one
update, with their ratios, at three loads. Quiet: nearly every key pays for a commit of its own, which no other key shares;
that ratio is printed and not limited. Busy, and a burst: commits are shared, and CPU is held to `CPU_RATIO_MAX`.
"""

import argparse
import asyncio
import logging
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
import uvicorn
from pycrdt import Doc, Map
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect

from cm_server.session.connection import Pacing
from cm_server.session.document import SharedDocument
from cm_wire.ids import FilePath, SessionId
from cm_wire.yjs import sync_frames
from cm_wire.yjs.sync_frames import SyncStep2
from tests.support import document_server
from tests.support.document_server import LEARNER, MENTOR

CPU_RATIO_MAX = 4.0
QUIET_PAIRS = 20
BUSY_PAIRS = 100
BURST_UPDATES = 500
BURST_IN_FLIGHT = 32


@dataclass
class Figures:
    """Of one server, over all rounds: microseconds of CPU for one update, and milliseconds from key to peer."""

    cpu_us: list[float] = field(default_factory=list)
    to_peer_ms: list[float] = field(default_factory=list)


class Pair:
    """One who types and one who watches, on two sockets; `updates` are ready-made before the clock runs."""

    def __init__(
        self, typing: ClientConnection, watching: ClientConnection, updates: list[bytes]
    ) -> None:
        self.typing = typing
        self.watching = watching
        self.updates = updates

    async def type_at(self, rate: float, into: list[float]) -> None:
        """One update each `1 / rate` seconds, timed until the other has it."""
        for update in self.updates:
            started = time.perf_counter()
            await self.typing.send(update)
            await self._arrived()
            into.append((time.perf_counter() - started) * 1000)
            await asyncio.sleep(max(0.0, 1 / rate - (time.perf_counter() - started)))

    async def burst(self) -> None:
        """As fast as it goes with `BURST_IN_FLIGHT` on the way."""
        slots = asyncio.Semaphore(BURST_IN_FLIGHT)

        async def watch() -> None:
            for _ in self.updates:
                await self._arrived()
                slots.release()

        watching = asyncio.create_task(watch())
        for update in self.updates:
            await slots.acquire()
            await self.typing.send(update)
        await watching

    async def _arrived(self) -> None:
        while True:
            frame = await self.watching.recv()
            assert isinstance(frame, bytes)
            if frame[:2] == b"\0\2":
                return


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--pairs", type=int, help=argparse.SUPPRESS)
    parser.add_argument(
        "--rate", type=float, default=20.0, help="updates a second of each who types"
    )
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", choices=["relay", "ours"], help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(_serve(chosen.serve, chosen.pairs))
        return 0
    return asyncio.run(_compare(chosen.rate, chosen.seconds, chosen.rounds))


async def _compare(rate: float, seconds: float, rounds: int) -> int:
    loads = ("quiet", "busy", "burst")
    figures = {(load, name): Figures() for load in loads for name in ("relay", "ours")}
    for _ in range(rounds):
        for (load, name), into in figures.items():
            if load == "burst":
                await _measure_burst(name, QUIET_PAIRS, into)
            else:
                pairs = QUIET_PAIRS if load == "quiet" else BUSY_PAIRS
                await _measure_typing(name, pairs, rate, int(rate * seconds), into)
    print(f"{'':36} {'relay':>9} {'ours':>9} {'ratio':>6}")
    for load, pairs in (("quiet", QUIET_PAIRS), ("busy", BUSY_PAIRS)):
        relay, ours = figures[load, "relay"].to_peer_ms, figures[load, "ours"].to_peer_ms
        for what, share in (("p50", 0.5), ("p99", 0.99)):
            title = f"{load} ({pairs * rate:g}/s): key to peer {what}, ms"
            _print(title, _quantile(relay, share), _quantile(ours, share))
    passed = True
    for load in loads:
        relay_us, ours_us = (statistics.median(figures[load, n].cpu_us) for n in ("relay", "ours"))
        _print(f"{load}: CPU us for one update", relay_us, ours_us)
        passed &= load == "quiet" or ours_us / relay_us <= CPU_RATIO_MAX
    return 0 if passed else 1


def _print(what: str, relay: float, ours: float) -> None:
    print(f"{what:36} {relay:9.2f} {ours:9.2f} {ours / relay:6.2f}")


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


async def _measure_typing(name: str, pairs: int, rate: float, updates: int, into: Figures) -> None:
    async with _server(name, pairs) as (pid, port), _joined(name, port, pairs, updates) as joined:
        before = _cpu_seconds(pid)
        await asyncio.gather(*(pair.type_at(rate, into.to_peer_ms) for pair in joined))
        into.cpu_us.append((_cpu_seconds(pid) - before) * 1e6 / (pairs * updates))


async def _measure_burst(name: str, pairs: int, into: Figures) -> None:
    async with (
        _server(name, pairs) as (pid, port),
        _joined(name, port, pairs, BURST_UPDATES) as joined,
    ):
        before = _cpu_seconds(pid)
        await asyncio.gather(*(pair.burst() for pair in joined))
        into.cpu_us.append((_cpu_seconds(pid) - before) * 1e6 / (pairs * BURST_UPDATES))


@asynccontextmanager
async def _joined(name: str, port: int, pairs: int, updates: int) -> AsyncIterator[list[Pair]]:
    async with AsyncExitStack() as stack:
        joined = []
        for number in range(pairs):
            url = f"ws://127.0.0.1:{port}/api/v1/sessions/{_session(number)}/sync"
            typing, watching = [
                await stack.enter_async_context(
                    connect(
                        url,
                        additional_headers={"Authorization": f"Bearer {person}"},
                        compression=None,
                        proxy=None,
                    )
                )
                for person in (LEARNER, MENTOR)
            ]
            doc = Doc[Any](client_id=2) if name == "relay" else await _synced(typing)
            joined.append(Pair(typing, watching, _typed(doc, updates)))
        yield joined


async def _synced(typing: ClientConnection) -> "Doc[Any]":
    """A replica under the id the server gave, with the shared file in it."""
    assert typing.response is not None
    doc: Doc[Any] = Doc(client_id=int(typing.response.headers["Codementor-Yjs-Client"]))
    await typing.send(sync_frames.encode_step_1(b"\0"))
    while True:
        frame = await typing.recv()
        assert isinstance(frame, bytes)
        message = sync_frames.decode(frame)
        if isinstance(message, SyncStep2):
            doc.apply_update(message.update)
            return doc


def _typed(doc: "Doc[Any]", updates: int) -> list[bytes]:
    """Frames of one typed character each; the relay gets the same kind, though it does not look."""
    files = doc.get("files", type=Map)
    if "a.py" not in files:
        seeded = SharedDocument.built(b"", [])
        seeded.take_own(seeded.plan_share(FilePath("a.py"), ""))
        doc.apply_update(seeded.whole())
    text = doc.get("files", type=Map)["a.py"]
    frames: list[bytes] = []
    subscription = doc.observe(lambda event: frames.append(sync_frames.encode_update(event.update)))
    for number in range(updates):
        text.insert(number, "x")
    doc.unobserve(subscription)
    return frames


def _session(number: int) -> SessionId:
    return SessionId(f"ses_{number}")


def _cpu_seconds(pid: int) -> float:
    """User and system time of all threads, from the kernel's own count."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def _server(name: str, pairs: int) -> AsyncIterator[tuple[int, int]]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.relay", "--serve", name, "--pairs", str(pairs),
        stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        port = int(await asyncio.wait_for(process.stdout.readline(), 60))
        yield process.pid, port
    finally:
        process.kill()
        await process.wait()


async def _serve(name: str, pairs: int) -> None:
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    if name == "relay":
        listening = socket.create_server(("127.0.0.1", 0))
        print(listening.getsockname()[1], flush=True)
        route = WebSocketRoute("/api/v1/sessions/{session_id}/sync", _Relay().run)
        await uvicorn.Server(document_server.config([route])).serve(sockets=[listening])
        return
    with tempfile.TemporaryDirectory() as folder:
        pacing = Pacing(frames_per_second=1e6, frames_burst=1e6)
        async with document_server.serving(Path(folder) / "data.sqlite3", pacing=pacing) as server:
            for number in range(pairs):
                await server.open_session(_session(number))
                await server.rooms.share(_session(number), LEARNER, "a.py", "python", "")
            print(server.port, flush=True)
            await asyncio.Event().wait()


class _Relay:
    """The reference: passes every frame to the others of its session; no identity, no check, no document, no disk."""

    def __init__(self) -> None:
        self._rooms: dict[str, list[WebSocket]] = {}

    async def run(self, websocket: WebSocket) -> None:
        room = self._rooms.setdefault(websocket.path_params["session_id"], [])
        await websocket.accept()
        room.append(websocket)
        try:
            while True:
                frame = await websocket.receive_bytes()
                for peer in room:
                    if peer is not websocket:
                        await peer.send_bytes(frame)
        except WebSocketDisconnect:
            room.remove(websocket)


if __name__ == "__main__":
    sys.exit(main())
