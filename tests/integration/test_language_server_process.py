"""`cm-lsp` as a program: what it loads, what it says to a person, other ways in, and its doctor."""

import asyncio
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from cm_server.clock import SystemClock
from tests.support import world
from tests.support.server_process import environment

INITIALIZE = {
    "jsonrpc": "2.0",
    "id": 1,
    "method": "initialize",
    "params": {"processId": None, "capabilities": {}},
}


def cm_lsp(*words: str, **more: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "cm_lsp", *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(**more),
    )


def test_opening_an_editor_loads_neither_crdt_nor_websockets_nor_the_server() -> None:
    script = (
        "import random, sys\n"
        "from pathlib import Path\n"
        "from cm_lsp import cli, methods, transports\n"
        "from cm_lsp.app import Machine\n"
        "from cm_lsp.language_server import Server\n"
        "from lsprotocol import types\n"
        "server = Server('1')\n"
        "machine = Machine({}, Path('.'), random.Random(), '1', lambda: 0.0)\n"
        "handlers = methods.register(server, machine)\n"
        "server.protocol.lsp_initialize\n"
        "server.protocol.client_capabilities = types.ClientCapabilities()\n"
        "handlers.initialize(types.InitializeParams(types.ClientCapabilities()))\n"
        "heavy = {'pycrdt', 'websockets', 'cm_server', 'starlette', 'sqlmodel', 'anyio'}\n"
        "print(sorted(heavy & set(sys.modules)))\n"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=60, check=True
    )
    assert loaded.stdout.strip() == "[]"


def test_it_says_its_version_its_usage_and_what_is_wrong_with_a_flag(tmp_path: Path) -> None:
    assert re.match(r"cm-lsp \S+\n$", cm_lsp("--version").stdout)
    assert "CM_TOKEN" in cm_lsp("--help").stdout
    for wrong in (["--tcp", "70000"], ["--tcp", "http"], ["--no-such"], ["surgeon"]):
        refused = cm_lsp(*wrong)
        assert refused.returncode == 2, wrong
        assert "error" in refused.stderr


def test_started_by_hand_on_a_terminal_it_says_what_it_is(tmp_path: Path) -> None:
    import pty

    master, slave = pty.openpty()
    shown = subprocess.run(
        [sys.executable, "-m", "cm_lsp"],
        stdin=slave,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env=environment(XDG_CACHE_HOME=str(tmp_path)),
    )
    assert shown.returncode == 2
    assert "your editor starts it" in shown.stderr
    for end in (master, slave):
        __import__("os").close(end)


@pytest.mark.parametrize("way", ["--tcp", "--ws"])
async def test_an_editor_may_come_by_port_and_a_web_page_may_not(tmp_path: Path, way: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cm_lsp",
        way,
        "0",
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
        env=environment(XDG_CACHE_HOME=str(tmp_path)),
    )
    try:
        assert process.stderr is not None
        async with asyncio.timeout(30):
            line = (await process.stderr.readline()).decode()
        found = re.fullmatch(r"cm-lsp: listening on 127\.0\.0\.1:(\d+)\n", line)
        assert found is not None, line
        answer = await (_by_tcp if way == "--tcp" else _by_websocket)(int(found[1]))
        assert answer["result"]["serverInfo"]["name"] == "cm-lsp"
        async with asyncio.timeout(30):
            assert await process.wait() == 0
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _by_tcp(port: int) -> dict[str, dict[str, dict[str, str]]]:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    body = json.dumps(INITIALIZE).encode()
    writer.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
    async with asyncio.timeout(30):
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.split(b"Content-Length: ")[1].split(b"\r\n")[0])
        answer: dict[str, dict[str, dict[str, str]]] = json.loads(await reader.readexactly(length))
    writer.close()
    await writer.wait_closed()
    return answer


async def _by_websocket(port: int) -> dict[str, dict[str, dict[str, str]]]:
    address = f"ws://127.0.0.1:{port}"
    with pytest.raises(InvalidStatus):
        await connect(address, origin="https://page.example")  # type: ignore[arg-type]
    async with connect(address) as socket, asyncio.timeout(30):
        await socket.send(json.dumps(INITIALIZE))
        answer: dict[str, dict[str, dict[str, str]]] = json.loads(await socket.recv())
    return answer


async def test_the_doctor_finds_all_well_or_names_each_fault_with_a_remedy(tmp_path: Path) -> None:
    async with world.running(tmp_path / "data", SystemClock()) as here:
        lea = await here.learner()
        address = f"http://127.0.0.1:{here.port}"
        cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
        well = await asyncio.to_thread(
            cm_lsp, "doctor", CM_SERVER_URL=address, CM_TOKEN=lea.token, **cache
        )
        assert well.returncode == 0, well.stdout
        assert "you are Lea" in well.stdout
        assert lea.token not in well.stdout + well.stderr
        stranger = await asyncio.to_thread(
            cm_lsp, "doctor", CM_SERVER_URL=address, CM_TOKEN="cm_wrong", **cache
        )
        assert stranger.returncode == 4
        assert "CM_TOKEN" in stranger.stdout
    down = await asyncio.to_thread(cm_lsp, "doctor", CM_SERVER_URL=address, **cache)
    assert down.returncode == 4
    assert "cannot be reached" in down.stdout
    assert "try: start it" in down.stdout
