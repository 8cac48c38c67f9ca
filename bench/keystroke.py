"""From a key in one editor to the edit in the other: two real `cm-lsp` and the whole server, against a bare websocket echo.

    python -m bench.keystroke [--keys 100] [--rounds 3]

The reference is the same server stack (uvicorn, websockets-sansio, Starlette) echoing frames of the size of our updates: what
one message there and back costs on this machine in this minute. Both are measured in turns in one run, key by key, from
processes of their own. Ours is didChange into the learner's `cm-lsp` to `workspace/applyEdit` out of the mentor's: four
processes, an admission check, a CRDT on each side. It does not wait for the disk; the acknowledgement does.
"""

import argparse
import asyncio
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect
from websockets.asyncio.client import ClientConnection, connect

from cm_server.clock import SystemClock
from tests.support import world

UPDATE_BYTES = 30
"""One typed character on the wire: frame, struct, id, origin."""

P50_RATIO_MAX = 12.0
URI = "file:///bench/learner/app.py"
WARM_UP_KEYS = 20
PAUSE_SECONDS = 0.04
"""Between keys: faster than anybody types, and slower than the 50 frames a second to which keys are gathered."""


class Editor:
    """The least of an editor: JSON-RPC over pipes, every question answered, every edit taken."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._next = 0
        self.edited = asyncio.Event()
        self.offer: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.session: dict[str, Any] = {}
        self.changed = asyncio.Event()
        self.version = 1
        self.reading = asyncio.create_task(self._read())

    async def request(self, method: str, params: object) -> Any:
        self._next += 1
        answer = self._answers[self._next] = asyncio.get_running_loop().create_future()
        self._send({"id": self._next, "method": method, "params": params})
        return await asyncio.wait_for(answer, 20)

    async def command(self, name: str, **argument: object) -> Any:
        params = {"command": f"codementor.{name}", "arguments": [argument]}
        return await self.request("workspace/executeCommand", params)

    def notify(self, method: str, params: object) -> None:
        self._send({"method": method, "params": params})

    def open(self, uri: str, text: str) -> None:
        document = {"uri": uri, "languageId": "python", "version": self.version, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def type_key(self, uri: str, column: int) -> None:
        self.version += 1
        place = {"line": 0, "character": column}
        change = {"range": {"start": place, "end": place}, "text": "x"}
        document = {"uri": uri, "version": self.version}
        self.notify(
            "textDocument/didChange", {"textDocument": document, "contentChanges": [change]}
        )

    async def until(self, ready: Any) -> None:
        async with asyncio.timeout(20):
            while not ready():
                self.changed.clear()
                await self.changed.wait()

    def _send(self, message: dict[str, object]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    async def _read(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while head := await stream.readline():
            length = int(head.split(b":")[1])
            while (await stream.readline()).strip():
                pass
            self._take(json.loads(await stream.readexactly(length)))

    def _take(self, message: dict[str, Any]) -> None:
        method: str | None = message.get("method")
        params: Any = message.get("params")
        if method is None:
            answer = self._answers.pop(message["id"])
            if "error" in message:
                answer.set_exception(RuntimeError(message["error"]["message"]))
            else:
                answer.set_result(message["result"])
        elif method == "codementor/offer" and params["state"] == "open":
            self.offer.set_result(params["offerId"])
        elif method == "codementor/session":
            self.session = params
            self.changed.set()
        elif "id" in message:
            self._send({"id": message["id"], "result": self._answered(method, params)})

    def _answered(self, method: str, params: Any) -> object:
        if method == "codementor/applyEdit":
            self.edited.set()
            self.version += 1
            changes = [
                {"range": edit["range"], "text": edit["newText"]} for edit in params["edits"]
            ]
            document = {"uri": params["uri"], "version": self.version}
            self.notify(
                "textDocument/didChange", {"textDocument": document, "contentChanges": changes}
            )
            return {"applied": True, "version": self.version}
        if method == "window/showMessageRequest":
            return params["actions"][-1]
        return None


@asynccontextmanager
async def editor(server_url: str, token: str, home: Path) -> AsyncIterator[Editor]:
    """A `cm-lsp` with our least editor before it, initialised, claiming what a plugin does."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "cm_lsp",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        limit=1 << 20,
        env={**os.environ, "CM_SERVER_URL": server_url, "CM_TOKEN": token, "XDG_CACHE_HOME": str(home)},
    )  # fmt: skip
    opened = Editor(process)
    claims = dict.fromkeys(("cursors", "meter", "offers", "sharedBuffers", "chat", "rebase"), True)
    capabilities = {"general": {"positionEncodings": ["utf-16"]}, "workspace": {"applyEdit": True}}
    try:
        await opened.request(
            "initialize",
            {
                "processId": None,
                "rootUri": "file:///bench/learner",
                "capabilities": capabilities,
                "initializationOptions": {"codementor": {"capabilities": claims}},
            },
        )
        opened.notify("initialized", {})
        yield opened
    finally:
        process.kill()
        await process.wait()
        opened.reading.cancel()


async def meet(learner: Editor, mentor: Editor) -> str:
    """From the ask to live mode; the mentor's address of the shared file."""
    learner.open(URI, "\n")
    await mentor.command("goOnline")
    place = {"line": 0, "character": 0}
    about = {"uri": URI, "range": {"start": place, "end": place}, "question": "why?"}
    await learner.command("ask", **about, confirm=False)
    await mentor.command("accept", offerId=await asyncio.wait_for(mentor.offer, 20))
    await mentor.until(lambda: bool(mentor.session.get("files")))
    await learner.command("mode", mode="live")
    await mentor.until(lambda: mentor.session["mode"] == "live")
    shared: str = mentor.session["files"][0]["uri"]
    text = (await mentor.request("codementor/openShared", {"uri": shared}))["text"]
    mentor.open(shared, text)
    return shared


async def type_keys(learner: Editor, mentor: Editor, first: int, keys: int) -> list[float]:
    took = []
    for column in range(first, first + keys):
        mentor.edited.clear()
        began = time.perf_counter()
        learner.type_key(URI, column)
        await asyncio.wait_for(mentor.edited.wait(), 20)
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(PAUSE_SECONDS)
    return took


async def echo_frames(wire: ClientConnection, frames: int) -> list[float]:
    took = []
    for _ in range(frames):
        began = time.perf_counter()
        await wire.send(b"x" * UPDATE_BYTES)
        await wire.recv()
        took.append((time.perf_counter() - began) * 1000)
        await asyncio.sleep(PAUSE_SECONDS)
    return took


@asynccontextmanager
async def served(what: str) -> AsyncIterator[dict[str, str]]:
    """One of the two servers as a process of its own; it prints one line when it serves."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.keystroke", "--serve", what,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    try:
        while not (line := await asyncio.wait_for(process.stdout.readline(), 60)).startswith(b"{"):
            assert line, f"the server for {what} ended"
        told: dict[str, str] = json.loads(line)
        yield told
    finally:
        process.kill()
        await process.wait()


async def compare(keys: int, rounds: int) -> int:
    ours: list[float] = []
    echoes: list[float] = []
    async with AsyncExitStack() as stack:
        home = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = await stack.enter_async_context(served("ours"))
        reference = await stack.enter_async_context(served("echo"))
        learner, mentor = [
            await stack.enter_async_context(editor(server["url"], server[who], home / who))
            for who in ("learner", "mentor")
        ]
        wire = await stack.enter_async_context(
            connect(reference["url"], compression=None, proxy=None)
        )
        await meet(learner, mentor)
        await type_keys(learner, mentor, 0, WARM_UP_KEYS)
        await echo_frames(wire, WARM_UP_KEYS)
        for number in range(rounds):
            ours += await type_keys(learner, mentor, WARM_UP_KEYS + number * keys, keys)
            echoes += await echo_frames(wire, keys)
    for name, share in (("p50", 0.5), ("p95", 0.95), ("p99", 0.99)):
        key, echo = _quantile(ours, share), _quantile(echoes, share)
        print(f"key to edit {name}: {key:6.2f} ms, echo {echo:6.2f} ms, ratio {key / echo:5.1f}")
    ratio = statistics.median(ours) / statistics.median(echoes)
    print(f"ratio of the medians {ratio:.1f} (at most {P50_RATIO_MAX})")
    return 0 if ratio <= P50_RATIO_MAX else 1


async def serve(what: str) -> None:
    if what == "echo":
        listening = socket.create_server(("127.0.0.1", 0))
        url = f"ws://127.0.0.1:{listening.getsockname()[1]}/"
        print(json.dumps({"url": url}), flush=True)
        config = uvicorn.Config(
            Starlette(routes=[WebSocketRoute("/", _echo)]),
            ws="websockets-sansio",
            ws_per_message_deflate=False,
            ws_ping_interval=None,
            log_config=None,
            access_log=False,
        )
        await uvicorn.Server(config).serve(sockets=[listening])
        return
    with tempfile.TemporaryDirectory() as folder:
        async with world.running(Path(folder), SystemClock()) as here:
            people = {
                "learner": (await here.learner()).token,
                "mentor": (await here.mentor()).token,
            }
            print(json.dumps({"url": f"http://127.0.0.1:{here.port}", **people}), flush=True)
            await asyncio.Event().wait()


async def _echo(websocket: WebSocket) -> None:
    await websocket.accept()
    try:
        while True:
            await websocket.send_bytes(await websocket.receive_bytes())
    except WebSocketDisconnect:
        return


def _quantile(values: list[float], share: float) -> float:
    return sorted(values)[min(len(values) - 1, int(len(values) * share))]


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--keys", type=int, default=100, help="typed in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--serve", choices=["ours", "echo"], help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    if chosen.serve:
        asyncio.run(serve(chosen.serve))
        return 0
    return asyncio.run(compare(chosen.keys, chosen.rounds))


if __name__ == "__main__":
    sys.exit(main())
