"""Emacs loses what it reads together with an answer it waits for, so nothing is written behind one for a while."""

import json
from collections.abc import Callable, Sequence

import pytest
from lsprotocol import types

from cm_lsp.answers_apart import AnswersApart
from cm_lsp.language_server import Server
from cm_lsp.lsp_ext import Capabilities
from cm_lsp.to_editor import Editor
from tests.support.waiting import until


class Alarm:
    """Rings when the test says so."""

    def __init__(self) -> None:
        self._set: list[Callable[[], None]] = []

    def __call__(self, _: float, callback: Callable[[], None]) -> None:
        self._set.append(callback)

    def ring(self) -> None:
        (callback,) = self._set
        self._set.clear()
        callback()


class Written:
    def __init__(self) -> None:
        self.messages: list[dict[str, object]] = []

    def write(self, message: bytes) -> None:
        self.messages.append(json.loads(message))

    def close(self) -> None:
        pass


def test_what_follows_an_answer_waits_and_keeps_its_order() -> None:
    alarm, out = Alarm(), list[object]()
    apart = AnswersApart(out.append, alarm)
    apart.send("before")
    apart.send("answer")
    apart.pause()
    for message in ("then", "and then"):
        apart.send(message)
    assert out == ["before", "answer"]
    alarm.ring()
    assert out == ["before", "answer", "then", "and then"]
    apart.send("at once")
    assert out[-1] == "at once"


def test_each_answer_of_several_stands_alone() -> None:
    alarm, out = Alarm(), list[object]()
    apart = AnswersApart(out.append, alarm)
    for message in ("first answer", "second answer"):
        apart.send(message)
        apart.pause()
    apart.send("told")
    assert out == ["first answer"]
    alarm.ring()
    assert out == ["first answer", "second answer"]
    alarm.ring()
    assert out == ["first answer", "second answer", "told"]


@pytest.mark.parametrize("refused", [False, True])
async def test_a_command_is_answered_apart_from_what_it_brings_about(*, refused: bool) -> None:
    server, written, alarm = Server("1"), Written(), Alarm()
    server.protocol.set_writer(written, include_headers=False)
    server.began = True
    server.wire.set_answers_apart(alarm)
    _command(server, ValueError("no") if refused else None)
    await until(lambda: bool(written.messages), "the answer")
    _log(server, "what it brings about")
    assert [message.get("id") for message in written.messages] == [7]
    alarm.ring()
    assert written.messages[-1]["method"] == "window/logMessage"


@pytest.mark.parametrize(
    ("name", "claims", "apart"),
    [
        ("", Capabilities(), True),
        ("emacs", Capabilities(), True),
        ("Neovim", Capabilities(), False),
        ("emacs", Capabilities(chat=True), False),
    ],
)
async def test_only_an_emacs_gets_its_answers_apart(
    name: str, claims: Capabilities, *, apart: bool
) -> None:
    server, written = Server("1"), Written()
    server.protocol.set_writer(written, include_headers=False)
    server.protocol.client_capabilities = types.ClientCapabilities()
    server.began = True
    Editor(server, claims, name)

    _command(server, None)
    await until(lambda: bool(written.messages), "the answer")
    _log(server, "after")
    assert len(written.messages) == (1 if apart else 2)


def _command(server: Server, error: Exception | None) -> None:
    async def run(_: str, __: Sequence[object] | None) -> object:
        if error is not None:
            raise error
        return None

    server.command("codementor.status")(lambda: None)
    server.run_command = run
    params = {"command": "codementor.status", "arguments": []}
    server.wire.take(
        {"jsonrpc": "2.0", "id": 7, "method": "workspace/executeCommand", "params": params}
    )


def _log(server: Server, text: str) -> None:
    server.window_log_message(types.LogMessageParams(types.MessageType.Info, text))
