"""The other person: a real Neovim with our plugin, as a mentor or a learner."""

import multiprocessing
from multiprocessing.connection import Connection
from pathlib import Path
from types import TracebackType
from typing import Any

from cm_server.demo.neovim import Neovim, NotSeen, wait_until

PATIENCE_SECONDS = 90.0


def wait(condition: Any, what: str) -> Any:
    return wait_until(condition, what, PATIENCE_SECONDS)


class Peer:
    """A Neovim driven from a process of its own: its library runs an event loop in the main thread, and so does
    Playwright in ours.
    """

    def __init__(self, home: Path, variables: dict[str, str]) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, there = context.Pipe()
        self._process = context.Process(target=_drive, args=(there, home, variables))
        self._process.start()
        there.close()
        self._answer()

    def lua(self, code: str, *arguments: Any) -> Any:
        return self._ask("lua", code, *arguments)

    def command(self, command: str) -> None:
        self._ask("command", command)

    def press(self, keys: str) -> None:
        self._ask("press", keys)

    def type_text(self, text: str) -> None:
        self._ask("type_text", text)

    def text(self) -> str:
        return str(self._ask("text"))

    def __enter__(self) -> "Peer":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._pipe.send(None)
        self._process.join(PATIENCE_SECONDS)
        self._pipe.close()

    def _ask(self, method: str, *arguments: Any) -> Any:
        self._pipe.send((method, arguments))
        return self._answer()

    def _answer(self) -> Any:
        assert self._pipe.poll(PATIENCE_SECONDS), "Neovim does not answer"
        value, problem = self._pipe.recv()
        if problem:
            raise AssertionError(problem)
        return value


def _drive(pipe: Connection, home: Path, variables: dict[str, str]) -> None:
    with Neovim.headless(home, variables) as editor:
        pipe.send((None, ""))
        while (asked := pipe.recv()) is not None:
            method, arguments = asked
            try:
                pipe.send((getattr(editor, method)(*arguments), ""))
            except Exception as error:  # noqa: BLE001 - raised again on the other side
                pipe.send((None, f"{method}{arguments}: {error}"))


def mentor_online(home: Path, variables: dict[str, str]) -> Peer:
    editor = Peer(home, variables)
    connect(editor)
    editor.command("Codementor online")
    wait(lambda: status(editor, "online"), "the mentor in Neovim to be online")
    return editor


def connect(editor: Peer, file: Path | None = None) -> None:
    """With a file open, or an empty buffer."""
    editor.lua(
        """
        asked = nil
        vim.ui.select = function(items, options, choose)
          asked = { items = items, options = options, choose = choose }
        end
        """
    )
    if file:
        editor.command(f"edit {file}")
    editor.command("Codementor start_server")
    if not file:
        editor.command("enew")
    wait(lambda: status(editor, "connection") == "connected", "Neovim's cm-lsp to connect")


def accept(editor: Peer) -> None:
    wait(lambda: editor.lua("return require('codementor.offers').latest()"), "the offer in Neovim")
    editor.command("Codementor accept")
    wait(lambda: session(editor, "state"), "the session in Neovim")


def answer(editor: Peer, label: str) -> None:
    """Answers the question on screen with the choice that starts with `label`."""
    try:
        wait(lambda: editor.lua("return asked ~= nil"), f"a question to answer with {label}")
    except NotSeen as failure:
        said = editor.lua("return vim.api.nvim_exec2('messages', { output = true }).output")
        raise NotSeen(f"{failure}; Neovim says: {said}") from None
    editor.lua(
        """
        local question, label = asked, ...
        local format = question.options.format_item or function(item) return item.title or item end
        for index, item in ipairs(question.items) do
          if vim.startswith(format(item), label) then
            asked = nil
            return question.choose(item, index)
          end
        end
        error('no choice starts with ' .. label)
        """,
        label,
    )


def session(editor: Peer, member: str) -> Any:
    return editor.lua("return (require('codementor.session').get() or {})[...]", member)


def status(editor: Peer, member: str) -> Any:
    return editor.lua("return (require('codementor.session').status() or {})[...]", member)


def remote_cursor(editor: Peer) -> list[int] | None:
    """Line and byte column of the other's caret, as drawn."""
    found: list[int] | None = editor.lua(
        """
        local namespace = vim.api.nvim_get_namespaces()['codementor.cursors']
        local marks = vim.api.nvim_buf_get_extmarks(0, namespace, 0, -1, {})
        return marks[1] and { marks[1][2], marks[1][3] } or nil
        """
    )
    return found
