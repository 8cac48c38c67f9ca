"""The servers a load can be put on: ours, and the peers from npm at pinned versions; each started, pinned to a core, stopped.

The peers are installed on first use into `~/.cache/codementor-bench`, by the lock file in `bench/peers`. They store nothing and ask
nobody who he is.
"""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from bench.typing_load import Address
from cm_wire import frames
from cm_wire.ids import CommandId
from cm_wire.to_server import Hello, Request
from cm_wire.version import PROTOCOL_VERSION
from cm_wire.yjs.varint import write_bytes

OURS: Final = "ours"
PEERS: Final = ("y-websocket", "hocuspocus")
START_SECONDS: Final = 180
_SOURCES: Final = Path(__file__).parent / "peers"
_HOCUSPOCUS_SIGN_IN: Final = b"\2\0"
"""Message type "auth", token."""


class NoPeers(Exception):  # noqa: N818 - reads as what happened
    """The peers cannot run here; the message says what is missing."""


@dataclass(frozen=True)
class Server:
    name: str
    pid: int
    port: int
    addresses: list[Address]


def installed() -> Path:
    """The folder with the peers in it; installs them when they are not there."""
    if shutil.which("node") is None or shutil.which("npm") is None:
        raise NoPeers("Node.js and npm are not installed: the peers are left out.")
    digest = hashlib.sha256()
    for source in sorted(_SOURCES.iterdir()):
        digest.update(source.read_bytes())
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = cache / "codementor-bench" / f"peers-{digest.hexdigest()[:12]}"
    if not (folder / "node_modules").exists():
        _install(folder)
    return folder


def _install(folder: Path) -> None:
    print("installing the peers from npm, once", file=sys.stderr)
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as beside:
        staged = Path(beside) / "peers"
        shutil.copytree(_SOURCES, staged)
        command = ["npm", "ci", "--no-audit", "--no-fund"]
        done = subprocess.run(command, cwd=staged, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NoPeers(f"npm could not install the peers: {done.stderr.strip()[-300:]}")
        staged.rename(folder)


@asynccontextmanager
async def running(
    name: str, sessions: int, core: int | None, *, unpaced: bool = False
) -> AsyncIterator[Server]:
    """A server with room for `sessions` sessions, on `core` alone."""
    with tempfile.TemporaryDirectory() as data:
        if name == OURS:
            command = [sys.executable, "-m", "bench.product_server", data, str(sessions)]
            command += ["--unpaced"] if unpaced else []
        else:
            command = ["node", str(installed() / "server.mjs"), name]
        process = await _started(command, core)
        try:
            assert process.stdout is not None
            line = await asyncio.wait_for(process.stdout.readline(), START_SECONDS)
            said = json.loads(line)
            yield _server(name, process.pid, said, sessions)
        finally:
            process.kill()
            await process.wait()


async def _started(command: list[str], core: int | None) -> asyncio.subprocess.Process:
    """Threads inherit the core of whoever starts them, so it is ours for that moment."""
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})
    try:
        return await asyncio.create_subprocess_exec(
            *command, stdout=asyncio.subprocess.PIPE, limit=2**24
        )
    finally:
        os.sched_setaffinity(0, before)


def _server(name: str, pid: int, said: Any, sessions: int) -> Server:
    if name == OURS:
        return Server(name, pid, said["port"], [_ours(seat) for seat in said["seats"]])
    make = {"y-websocket": _y_websocket, "hocuspocus": _hocuspocus}[name]
    return Server(name, pid, said, [make(number) for number in range(sessions)])


def _ours(seat: dict[str, str]) -> Address:
    hello = Request(CommandId("h"), Hello(PROTOCOL_VERSION, "bench"))
    return Address(
        path=f"/api/v1/sessions/{seat['session_id']}/sync",
        typist_token=seat["learner_token"],
        watcher_token=seat["mentor_token"],
        control_path="/api/v1/events",
        control_hello=frames.encode(hello).encode(),
        seeds=False,
    )


def _y_websocket(number: int) -> Address:
    return Address(path=f"/room{number}")


def _hocuspocus(number: int) -> Address:
    prefix = bytearray()
    write_bytes(prefix, f"room{number}".encode())
    sign_in = bytearray(prefix + _HOCUSPOCUS_SIGN_IN)
    write_bytes(sign_in, b"anybody")
    return Address(path="/", prefix=bytes(prefix), hello=bytes(sign_in))
