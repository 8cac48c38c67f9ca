"""What the real `cm-lsp` answers to an editor that sends nonsense: an honest error, and the next message still works."""

import contextlib
import json
import os
import select
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.server_process import environment

PATIENCE_SECONDS = 30


class Wire:
    """A language server and its raw pipes."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "cm_lsp"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(XDG_CACHE_HOME=str(folder), CM_LOG_LEVEL="warning"),
        )
        self._unread = b""
        self._number = 0

    def raw(self, data: bytes) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(data)
        self.process.stdin.flush()

    def body(self, body: bytes) -> None:
        self.raw(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))

    def send(self, **message: object) -> None:
        self.body(json.dumps({"jsonrpc": "2.0", **message}).encode())

    def request(self, method: str, params: object = None) -> dict[str, Any]:
        self._number += 1
        extra = {} if params is None else {"params": params}
        self.send(id=self._number, method=method, **extra)
        return self.answer(self._number)

    def answer(self, identity: object) -> dict[str, Any]:
        """The answer with an id; notifications before it are skipped."""
        while True:
            message = self._next()
            if "method" not in message and message.get("id") == identity:
                return message

    def error_code(self, identity: object) -> int:
        return int(self.answer(identity)["error"]["code"])

    def initialize(self) -> "Wire":
        options = {"codementor": {"capMinutes": "many", "capabilities": {"meter": 7, "chat": True}}}
        params = {"processId": None, "capabilities": {}, "initializationOptions": options}
        assert "codeActionProvider" in self.request("initialize", params)["result"]["capabilities"]
        self.send(method="initialized", params={})
        return self

    def works(self) -> None:
        """The next good input gets its answer."""
        result = self.request("workspace/executeCommand", {"command": "codementor.status"})
        assert "not signed in" in result["result"]["text"]

    def ended(self) -> tuple[int, str]:
        code = self.process.wait(timeout=PATIENCE_SECONDS)
        assert self.process.stderr is not None
        return code, self.process.stderr.read().decode()

    def _next(self) -> dict[str, Any]:
        while b"\r\n\r\n" not in self._unread:
            self._read()
        head, _, rest = self._unread.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        while len(rest) < length:
            self._read()
            rest = self._unread.partition(b"\r\n\r\n")[2]
        self._unread = rest[length:]
        message: dict[str, Any] = json.loads(rest[:length])
        return message

    def _read(self) -> None:
        assert self.process.stdout is not None
        descriptor = self.process.stdout.fileno()
        if not select.select([descriptor], [], [], PATIENCE_SECONDS)[0]:
            raise AssertionError("The language server says nothing.")
        piece = os.read(descriptor, 65_536)
        if not piece:
            raise AssertionError("The language server has ended.")
        self._unread += piece


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    wire = Wire(tmp_path)
    yield wire
    if wire.process.poll() is None:
        wire.process.kill()
    wire.process.wait()
    for stream in (wire.process.stdin, wire.process.stdout, wire.process.stderr):
        assert stream is not None
        stream.close()


@pytest.mark.parametrize(
    ("header", "said"),
    [
        (b"Content-Length: -5\r\n\r\n", "bad header"),
        (b"Content-Length: abc\r\n\r\n", "bad header"),
        (b"Content-Type: x\r\n\r\n", "Content-Length is missing"),
        (b"Content-Length: 4294967296\r\n\r\n", "message-too-large"),
        (b"Content-Length: 2\n\n{}", "CR LF"),
        (b"X: " + b"x" * 100_000 + b"\r\n\r\n", "header-too-large"),
    ],
)
def test_a_stream_that_cannot_be_read_ends_the_server_with_a_reason(
    wire: Wire, header: bytes, said: str
) -> None:
    with contextlib.suppress(BrokenPipeError):
        wire.raw(header)
    code, log = wire.ended()
    assert code == 1
    assert said in log


def test_bodies_that_are_no_messages_are_answered_and_skipped(wire: Wire) -> None:
    wire.initialize()
    for body, code in [
        (b"x", -32700),
        (b"{", -32700),
        (b'{"a": "\xff"}', -32700),
        (b'{"a": NaN}', -32700),
        (b'{"a": %b}' % (b"9" * 5_000), -32700),
        (b"[" * 100_000, -32700),
        (b"[]", -32600),
        (b"42", -32600),
        (b"null", -32600),
        (b'{"jsonrpc": "2.0", "id": {}, "method": "x"}', -32600),
    ]:
        wire.body(body)
        assert wire.error_code(None) == code, body[:40]
    for body, identity in [
        (b'{"jsonrpc": "1.0", "id": 901, "method": "x"}', 901),
        (b'{"jsonrpc": "2.0", "id": 902, "method": 7}', 902),
        (b'{"jsonrpc": "2.0", "id": 903}', 903),
    ]:
        wire.body(body)
        assert wire.error_code(identity) == -32600, body
    wire.works()


def test_messages_out_of_order_or_unknown_are_refused_by_name(wire: Wire) -> None:
    assert wire.request("textDocument/codeAction", {})["error"]["code"] == -32002
    wire.initialize()
    assert wire.request("initialize", {"capabilities": {}})["error"]["code"] == -32600
    assert wire.request("no/such", {"a": 1})["error"]["code"] == -32601
    assert wire.request("no/such")["error"]["code"] == -32601
    wire.send(method="$/no-such", params={})
    wire.send(method="$/no-such")
    wire.send(id="never asked", result={"x": 1})
    assert wire.request("textDocument/codeAction", {"x": 1})["error"]["code"] == -32602
    wire.works()


@pytest.mark.parametrize(
    ("command", "argument", "field"),
    [
        ("ask", {}, "uri"),
        ("ask", {"uri": "", "range": {}}, "uri"),
        ("ask", {"uri": "no scheme", "range": None}, "range"),
        *(
            ("extend", {"minutes": wrong}, "minutes")
            for wrong in (0, -1, 10**9, 2.5, "5", True, None)
        ),
        ("mode", {"mode": "loud"}, "mode"),
        ("rate", {"stars": 6}, "stars"),
        ("chat", {"text": ""}, "text"),
        ("chat", {"text": "x" * 2_001}, "text"),
        ("share", {"uri": "relative/path"}, "uri"),
    ],
)
def test_a_wrong_argument_is_named(
    shared_wire: Wire, command: str, argument: object, field: str
) -> None:
    params = {"command": f"codementor.{command}", "arguments": [argument]}
    error = shared_wire.request("workspace/executeCommand", params)["error"]
    assert error["code"] == -32602
    assert error["data"]["field"] == field
    assert error["message"].startswith(f"{field} must be ")


def test_commands_with_wrong_forms_are_refused(shared_wire: Wire) -> None:
    def code(params: object) -> int:
        error = shared_wire.request("workspace/executeCommand", params)["error"]
        return int(error["code"])

    assert code({"command": "codementor.nothing"}) == -32601
    assert code({"command": 7}) == -32602
    assert code({"command": "codementor.end", "arguments": "x"}) == -32602
    assert code({"command": "codementor.end", "arguments": ["x"]}) == -32602
    assert code({"command": "codementor.end", "arguments": [{}, {}]}) == -32602
    assert code({"command": "codementor.end", "arguments": [{}]}) == -32803
    shared_wire.works()


def test_changes_of_closed_documents_and_wild_positions_do_no_harm(wire: Wire) -> None:
    wire.initialize()
    uri = "untitled:Untitled-1"
    change = {
        "range": {"start": {"line": 9, "character": 9}, "end": {"line": 0, "character": 0}},
        "text": "x",
    }
    changed = {"textDocument": {"uri": uri, "version": 2}, "contentChanges": [change]}
    wire.send(method="textDocument/didChange", params=changed)
    document = {"uri": uri, "languageId": "python", "version": 1, "text": "a\u2028b\fc\n"}
    wire.send(method="textDocument/didOpen", params={"textDocument": document})
    wire.send(method="textDocument/didChange", params=changed)
    found = wire.request(
        "textDocument/codeAction",
        {
            "textDocument": {"uri": uri},
            "range": {"start": {"line": 5, "character": 0}, "end": {"line": 1, "character": 0}},
            "context": {"diagnostics": []},
        },
    )["result"]
    assert found[0]["title"] == "Ask a mentor"
    wire.works()


def test_wrong_options_are_named_and_the_right_ones_count(wire: Wire) -> None:
    wire.initialize()
    said = [wire._next()["params"]["message"] for _ in range(4)]
    assert any("codementor.capMinutes is ignored" in message for message in said)
    assert any("codementor.capabilities.meter is ignored" in message for message in said)


def test_it_leaves_as_the_protocol_says(wire: Wire) -> None:
    wire.initialize()
    assert wire.request("shutdown")["result"] is None
    assert wire.request("textDocument/codeAction", {})["error"]["code"] == -32600
    wire.send(method="exit")
    assert wire.ended()[0] == 0


def test_an_exit_without_shutdown_is_a_failure_and_an_end_of_stdin_is_not(
    wire: Wire, tmp_path: Path
) -> None:
    wire.initialize().send(method="exit")
    assert wire.ended()[0] == 1
    other = Wire(tmp_path / "other").initialize()
    assert other.process.stdin is not None
    other.process.stdin.close()
    began = time.monotonic()
    assert other.process.wait(timeout=PATIENCE_SECONDS) == 0
    assert time.monotonic() - began < 3
    for stream in (other.process.stdout, other.process.stderr):
        assert stream is not None
        stream.close()


@pytest.fixture(scope="module")
def shared_wire(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Wire]:
    """One server for many small questions: starting one takes a second."""
    wire = Wire(tmp_path_factory.mktemp("cache")).initialize()
    yield wire
    wire.process.kill()
    wire.process.wait()
    for stream in (wire.process.stdin, wire.process.stdout, wire.process.stderr):
        assert stream is not None
        stream.close()
