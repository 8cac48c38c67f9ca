"""A person with Neovim and our plugin."""

from pathlib import Path
from typing import Any

from cm_server.demo.neovim import Neovim
from tests.e2e.plain.actors import wait
from tests.e2e.plain.neovim_keys import Keys


class PluginNeovim:
    def __init__(self, name: str, editor: Neovim) -> None:
        self.name = name
        self.editor = editor
        self._keys = Keys(editor)
        editor.lua("vim.o.statusline = \"%<%f %=%{%v:lua.require'codementor'.statusline()%}\"")

    def open(self, path: Path) -> None:
        self._keys.open(path)
        connected = "return (require('codementor.session').status() or {}).connection"
        wait(lambda: self.editor.lua(connected) == "connected", f"{self.name} to be connected")

    def text(self) -> str:
        return self.editor.text(self._buffer())

    def catch_up(self) -> None:
        """It does so by itself."""

    def insert_line(self, line: int, text: str) -> None:
        self._focus()
        self._keys.insert_line(line, text)

    def move_to(self, line: int) -> None:
        self._focus()
        self._keys.move_to(line)

    def line(self) -> int:
        return self._keys.line()

    def go_online(self) -> None:
        self.run("online")
        online = "return (require('codementor.session').status() or {}).online"
        wait(lambda: self.editor.lua(online), "the mentor to be on the list")

    def go_offline(self) -> None:
        self.run("offline")
        online = "return (require('codementor.session').status() or {}).online"
        wait(lambda: not self.editor.lua(online), "the mentor to be off the list")

    def ask(self, line: int) -> None:
        self.move_to(line)
        self.run("ask what is wrong here?")
        self._keys.answer(self.name, "Send")

    def accept(self) -> None:
        offered = "return require('codementor.offers').latest() ~= nil"
        wait(lambda: self.editor.lua(offered), "the offer")
        self.run("accept")

    def sees_partner(self) -> dict[str, int]:
        marks = self.marks("codementor.cursors")
        return dict.fromkeys(["extmark"], marks[-1][1]) if marks else {}

    def sees_meter(self) -> dict[str, str]:
        shown = self.editor.lua("return vim.api.nvim_eval_statusline(vim.o.statusline, {}).str")
        return {"statusline": shown} if any(sign in shown for sign in "▶⏸■") else {}

    def sees_pointer(self) -> dict[str, int]:
        marks = self.marks("codementor.pointer")
        return {"extmark": marks[0][1]} if marks else {}

    def hears(self, text: str) -> set[str]:
        ways = {"message"} if text in self.editor.messages() else set()
        self.run("chat")
        chat = self.editor.text(self.editor.lua("return vim.fn.bufnr('Codementor chat')"))
        self.editor.command("close")
        return {*ways, "chat"} if text in chat else ways

    def diagnose(self, text: str) -> None:
        self.run(f"diagnose 5 {text}")

    def let_type(self) -> None:
        wait(lambda: self.session("state"), "the session")
        self.run("mode live")
        wait(lambda: self.session("mode") == "live", "the mode to be live")

    def start_meter(self) -> None:
        wait(lambda: self.session("diagnosis"), "the diagnosis")
        self.run("start")

    def pause(self) -> None:
        self.run("pause")

    def resume(self) -> None:
        self.run("resume")

    def extend(self) -> None:
        self.run("extend 15")

    def chat(self, text: str) -> None:
        self.run(f"chat {text}")

    def point(self, line: int) -> None:
        self.move_to(line)
        self.run("point")

    def follow(self) -> None:
        self.run("follow")

    def end(self) -> None:
        self.run("end")

    def rate(self) -> None:
        wait(lambda: self.session("state") == "ended", "the end")
        self.run("rate 5 solved")

    def ask_money_back(self) -> None:
        self.run("refund it did not help")

    def receipt(self) -> str:
        self.run("receipt")
        return self.shown("receipt")

    def shown(self, name: str) -> str:
        return self._keys.shown(self.name, name)

    def said(self) -> str:
        told = self.editor.lua("return table.concat(require('codementor.client').said(), '\\n')")
        return f"{self._keys.said()}\n{told}"

    def run(self, words: str) -> None:
        self.editor.command(f"Codementor {words}")

    def _buffer(self) -> int:
        return self._keys.buffer("^codementor://")

    def _focus(self) -> None:
        self._keys.focus(self._buffer())

    def marks(self, namespace: str) -> Any:
        return self.editor.lua(
            """
            local namespace = vim.api.nvim_get_namespaces()[...]
            local buf = select(2, ...)
            return namespace and vim.api.nvim_buf_get_extmarks(buf, namespace, 0, -1, { details = true }) or {}
            """,
            namespace,
            self._buffer(),
        )

    def session(self, member: str) -> Any:
        return self.editor.lua("return (require('codementor.session').get() or {})[...]", member)
