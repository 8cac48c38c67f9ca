"""How long it takes to be sent a document of 100,000 edits, against a bare server that loads, merges and sends it.

    python -m bench.join [--edits 100000] [--sessions 12]

Both servers are on the same stack (uvicorn, uvloop, Starlette), each in a process of its own, and are asked in turns. Cold: the
session is in nobody's memory; ours reads it from the database, checks its digest and who asks, and the bare one from a file.
Warm: somebody was there just before. From the handshake to the last byte of the document. What follows and is not waited for, the
admission check's own order of the text, is printed beside: CPU time, against one `apply_update` of the library.
"""

import argparse
import asyncio
import json
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from pycrdt import Doc
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket
from websockets.asyncio.client import connect

from bench import long_document
from cm_server import serve
from cm_wire.yjs import sync_frames
from cm_wire.yjs.admission import AdmissionState

RATIOS_MAX = {"cold": 2.0, "warm": 4.0}
"""Warm, merging falls away on both sides; what is left is what ours does besides: who asks, and an author's id on disk."""
STATE_BYTES_MAX = 2**26


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--edits", type=int, default=100_000)
    parser.add_argument("--sessions", type=int, default=12)
    parser.add_argument("--serve", type=Path, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        _serve(chosen.serve)
        return 0
    return asyncio.run(_compare(chosen.edits, chosen.sessions))


async def _compare(edits: int, sessions: int) -> int:
    whole = long_document.whole(edits)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "document"
        file.write_bytes(whole)
        data = Path(folder) / "data"
        ours = ["bench.product_server", str(data), str(sessions), "--document", str(file)]
        bare = ["bench.join", "--serve", str(file)]
        async with server_process(ours) as our, server_process(bare) as its:
            places = [
                (f"/api/v1/sessions/{seat['session_id']}/sync", seat["learner_token"])
                for seat in our["seats"]
            ]
            times = await _joins(our["port"], its["port"], places, len(whole))
    print(f"{edits:,} edits, {len(whole) // 1000} kB; median of {sessions} sessions, ms")
    passed = True
    for kind, limit in RATIOS_MAX.items():
        own, bare_ms = (statistics.median(times[kind, name]) for name in ("ours", "bare"))
        passed &= own / bare_ms <= limit
        print(
            f"{kind:5} bare {bare_ms:6.1f}   ours {own:6.1f}   ratio {own / bare_ms:5.2f}   limit {limit}"
        )
    _print_check(whole)
    return int(not passed)


async def _joins(
    own_port: int, bare_port: int, places: list[tuple[str, str]], size: int
) -> dict[tuple[str, str], list[float]]:
    times: dict[tuple[str, str], list[float]] = {}
    for number, (path, token) in enumerate(places):
        for kind in ("cold", "warm"):
            for name, port, where in (("ours", own_port, path), ("bare", bare_port, f"/{number}")):
                took = await _join(port, where, token, size)
                times.setdefault((kind, name), []).append(took * 1000)
        # What ours still does behind the answer must not run into the next.
        await asyncio.sleep(1.0)
    return times


async def _join(port: int, path: str, token: str, size: int) -> float:
    """The seconds from the handshake to the whole document."""
    begun = time.perf_counter()
    async with connect(
        f"ws://127.0.0.1:{port}{path}",
        additional_headers={"Authorization": f"Bearer {token}"},
        compression=None,
        proxy=None,
        max_size=STATE_BYTES_MAX,
    ) as socket:
        await socket.send(sync_frames.encode_step_1(b"\0"))
        while True:
            frame = await socket.recv()
            if frame[:2] == b"\0\1":
                assert len(frame) >= size
                return time.perf_counter() - begun


def _print_check(whole: bytes) -> None:
    begun = time.process_time()
    Doc().apply_update(whole)
    middle = time.process_time()
    AdmissionState.from_trusted_update(whole)
    apply_ms, check_ms = (middle - begun) * 1000, (time.process_time() - middle) * 1000
    print(
        f"behind it, on a thread: check {check_ms:.0f} ms of CPU, {check_ms / apply_ms:.1f} applies"
    )


@asynccontextmanager
async def server_process(words: list[str]) -> AsyncIterator[Any]:
    """What it says when it serves."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", *words, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    try:
        yield json.loads(await asyncio.wait_for(process.stdout.readline(), 120))
    finally:
        process.kill()
        await process.wait()


def _merged(file: Path) -> "Doc[Any]":
    document: Doc[Any] = Doc()
    document.apply_update(file.read_bytes())
    return document


def _serve(file: Path) -> None:
    documents: dict[str, Doc[Any]] = {}

    async def run(websocket: WebSocket) -> None:
        await websocket.accept()
        await websocket.receive_bytes()
        path = websocket.url.path
        if path not in documents:
            documents[path] = _merged(file)
        await websocket.send_bytes(sync_frames.encode_step_2(documents[path].get_update()))
        await websocket.receive()

    listening = serve.listen("127.0.0.1", 0)
    print(json.dumps({"port": listening.getsockname()[1]}), flush=True)
    config = uvicorn.Config(
        Starlette(routes=[WebSocketRoute("/{number}", run)]),
        ws="websockets-sansio",
        ws_per_message_deflate=False,
        lifespan="off",
        log_config=None,
    )
    uvicorn.Server(config).run(sockets=[listening])


if __name__ == "__main__":
    sys.exit(main())
