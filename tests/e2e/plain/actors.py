"""People who hold a session, each with a real editor: what a person can do and see, the same for every editor.

Everything is done as a person does it and read back from the editor's own buffers; nothing looks into `cm-lsp`.
"""

from pathlib import Path
from typing import Any, Literal, Protocol

from cm_server.demo.neovim import Neovim, NotSeen, wait_until
from tests.e2e.plain import doc_config

PATIENCE_SECONDS = 60.0

Channel = Literal["question", "action"]
"""By which of its two channels a person without a plugin decides."""


class Actor(Protocol):
    """One of the two people. What is waited for and does not come fails by name."""

    name: str

    def open(self, path: Path) -> None: ...
    def go_online(self) -> None: ...
    def ask(self, line: int) -> None: ...
    def accept(self) -> None: ...
    def text(self) -> str: ...
    def insert_line(self, line: int, text: str) -> None: ...
    def move_to(self, line: int) -> None: ...
    def sees_partner(self) -> dict[str, int]: ...
    def sees_meter(self) -> dict[str, str]: ...
    def diagnose(self, text: str) -> None: ...
    def let_type(self) -> None: ...
    def start_meter(self) -> None: ...
    def end(self) -> None: ...
    def rate(self) -> None: ...
    def receipt(self) -> str: ...
    def said(self) -> str:
        """What the editor has told its user, for failures."""


def wait(condition: Any, what: str) -> Any:
    return wait_until(condition, what, PATIENCE_SECONDS)


REMEMBER_QUESTIONS = """
questions = {}
vim.ui.select = function(items, options, choose)
  local format = options.format_item or function(item) return item.title or item end
  table.insert(questions, { labels = vim.tbl_map(format, items), items = items, choose = choose, prompt = options.prompt })
end
"""

ANSWER = """
for at, question in ipairs(questions) do
  for index, label in ipairs(question.labels) do
    if vim.startswith(label, ...) then
      table.remove(questions, at)
      question.choose(question.items[index], index)
      return true
    end
  end
end
return false
"""


class NeovimActor:
    """What both Neovims have in common: buffers, keys, and lists to choose from."""

    def __init__(self, name: str, editor: Neovim) -> None:
        self.name = name
        self.editor = editor

    def open(self, path: Path) -> None:
        self.editor.command(f"edit {path}")

    def text(self) -> str:
        return self.editor.text(self.buffer())

    def buffer(self) -> int:
        """The one document of the session in this editor."""
        raise NotImplementedError

    def insert_line(self, line: int, text: str) -> None:
        self.focus()
        self.editor.press(f"{line + 1}GO")
        self.editor.type_text(text)
        self.editor.press("<Esc>")

    def move_to(self, line: int) -> None:
        self.focus()
        self.editor.press(f"{line + 1}G0")

    def focus(self) -> None:
        self.editor.lua(
            """
            local window = vim.fn.bufwinid(...)
            if window ~= -1 then
              vim.api.nvim_set_current_win(window)
            else
              vim.cmd.buffer(...)
            end
            """,
            self.buffer(),
        )

    def said(self) -> str:
        asked = self.editor.lua(
            "return vim.inspect(vim.tbl_map(function(q) return q.labels end, questions))"
        )
        names = self.editor.lua(
            "return vim.inspect(vim.tbl_map(vim.api.nvim_buf_get_name, vim.api.nvim_list_bufs()))"
        )
        return f"{self.editor.messages()}\nopen questions: {asked}\nbuffers: {names}"

    def answer(self, label: str) -> None:
        wait(lambda: self.editor.lua(ANSWER, label), f"{self.name}'s question with {label!r}")

    def shown(self, name: str) -> str:
        """The text of a buffer whose file's name has `name` in it."""
        find = """
        for _, buf in ipairs(vim.api.nvim_list_bufs()) do
          local file = vim.fs.basename(vim.api.nvim_buf_get_name(buf))
          if file:find(..., 1, true) and vim.api.nvim_buf_is_loaded(buf) then
            return table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, true), '\\n')
          end
        end
        """
        return str(wait(lambda: self.editor.lua(find, name), f"{name} on {self.name}'s screen"))


class PlainNeovim(NeovimActor):
    """Neovim as the page without a plugin configures it."""

    def __init__(self, name: str, editor: Neovim, role: str, channel: Channel) -> None:
        super().__init__(name, editor)
        self._role = role
        self._channel = channel
        self._opened = -1
        editor.lua(REMEMBER_QUESTIONS)
        editor.lua(doc_config.block("neovim-without-plugin.md", "lua"))

    def open(self, path: Path) -> None:
        super().open(path)
        self._opened = self.editor.lua("return vim.api.nvim_get_current_buf()")
        attached = "return #vim.lsp.get_clients({ name = 'codementor', bufnr = 0 })"
        wait(lambda: self.editor.lua(attached) == 1, f"cm-lsp beside {self.name}'s file")

    def go_online(self) -> None:
        self.take("Codementor: be offered asks")
        wait(lambda: "be offered no asks" in self.actions(), "the mentor to be on the list")

    def ask(self, line: int) -> None:
        self.move_to(line)
        self.take("Ask a mentor")
        self.shown("codementor-ask")
        self.focus()
        self.decide("Send it", "Codementor: send the ask as previewed")

    def accept(self) -> None:
        self.decide("Accept", "Codementor: accept")

    def buffer(self) -> int:
        if self._role == "learner":
            return self._opened
        mirrored = """
        for _, buf in ipairs(vim.api.nvim_list_bufs()) do
          if vim.api.nvim_buf_get_name(buf):find('/mirrors/', 1, true) then return buf end
        end
        """
        return int(self.editor.lua(mirrored) or self._opened)

    def sees_partner(self) -> dict[str, int]:
        """The line of the other's cursor by each way it is shown."""
        found: dict[str, int] = self.editor.lua(
            """
            local found = vim.empty_dict()
            for _, hint in ipairs(vim.lsp.inlay_hint.get({ bufnr = ... })) do
              found.hint = hint.inlay_hint.position.line
            end
            for _, diagnostic in ipairs(vim.diagnostic.get(...)) do
              if diagnostic.message:match('is here$') then found.diagnostic = diagnostic.lnum end
            end
            return found
            """,
            self.buffer(),
        )
        return found

    def sees_meter(self) -> dict[str, str]:
        found: dict[str, str] = self.editor.lua(
            """
            local found = vim.empty_dict()
            if vim.api.nvim_eval_statusline(vim.o.statusline, {}).str:match('[▶■]') then
              found.statusline = vim.g.codementor
            end
            for _, diagnostic in ipairs(vim.diagnostic.get(...)) do
              if diagnostic.message:match('^▶') then found.diagnostic = diagnostic.message end
            end
            return found
            """,
            self.buffer(),
        )
        return found

    def diagnose(self, text: str) -> None:
        """Write the line, send it, take it away again."""
        self.insert_line(0, f"# {text}")
        self.move_to(0)
        self.take("Codementor: send this line as the diagnosis")
        self.editor.press("ggdd")

    def let_type(self) -> None:
        self.decide("Live", "Codementor: let the mentor type")

    def start_meter(self) -> None:
        self.decide("Start the meter", "Codementor: start the meter")

    def end(self) -> None:
        self.take("Codementor: end the session")

    def rate(self) -> None:
        self.decide("5", "Codementor: rate 5 of 5")

    def receipt(self) -> str:
        self.take("Codementor: show the receipt")
        return self.shown("receipt")

    def decide(self, label: str, title: str) -> None:
        if self._channel == "question":
            self.answer(label)
        else:
            self.take(title)

    def take(self, title: str) -> None:
        """The code action that starts with `title`, where the cursor is, as soon as it is offered."""
        self.focus()
        self._wait_for_action(title)
        self.editor.lua(
            """
            local title = ...
            vim.lsp.buf.code_action({
              apply = true,
              filter = function(action) return vim.startswith(action.title, title) end,
            })
            """,
            title,
        )

    def _wait_for_action(self, title: str) -> None:
        try:
            wait(lambda: title in self.actions(), f"{title!r} among {self.name}'s code actions")
        except NotSeen as failure:
            raise NotSeen(f"{failure}; there are\n{self.actions()}\n{self.said()}") from None

    def actions(self) -> str:
        """The titles on offer, one on each line."""
        titles: str = self.editor.lua(
            """
            local client = vim.lsp.get_clients({ name = 'codementor' })[1]
            local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
            params.context = { diagnostics = {} }
            local answer = client:request_sync('textDocument/codeAction', params, 20000, 0)
            return table.concat(vim.tbl_map(function(action) return action.title end, answer.result or {}), '\\n')
            """
        )
        return titles


class PluginNeovim(NeovimActor):
    """Neovim with our plugin."""

    def __init__(self, name: str, editor: Neovim) -> None:
        super().__init__(name, editor)
        self._opened = -1
        editor.lua(REMEMBER_QUESTIONS)
        editor.lua("vim.o.statusline = \"%f %=%{%v:lua.require'codementor'.statusline()%}\"")

    def open(self, path: Path) -> None:
        super().open(path)
        self._opened = self.editor.lua("return vim.api.nvim_get_current_buf()")
        connected = "return (require('codementor.session').status() or {}).connection"
        wait(lambda: self.editor.lua(connected) == "connected", f"{self.name} to be connected")

    def go_online(self) -> None:
        self.editor.command("Codementor online")
        online = "return (require('codementor.session').status() or {}).online"
        wait(lambda: self.editor.lua(online), "the mentor to be on the list")

    def ask(self, line: int) -> None:
        self.move_to(line)
        self.editor.command("Codementor ask what is wrong here?")
        self.answer("Send")

    def accept(self) -> None:
        offered = "return require('codementor.offers').latest() ~= nil"
        wait(lambda: self.editor.lua(offered), "the offer")
        self.editor.command("Codementor accept")

    def buffer(self) -> int:
        shared = """
        for _, buf in ipairs(vim.api.nvim_list_bufs()) do
          if vim.api.nvim_buf_get_name(buf):match('^codementor://') then return buf end
        end
        """
        return int(self.editor.lua(shared) or self._opened)

    def sees_partner(self) -> dict[str, int]:
        marks = self.editor.lua(
            """
            local namespace = vim.api.nvim_get_namespaces()['codementor.cursors']
            return namespace and vim.api.nvim_buf_get_extmarks(..., namespace, 0, -1, {}) or {}
            """,
            self.buffer(),
        )
        return dict.fromkeys(["extmark"], marks[-1][1]) if marks else {}

    def sees_meter(self) -> dict[str, str]:
        shown = self.editor.lua("return vim.api.nvim_eval_statusline(vim.o.statusline, {}).str")
        return {"statusline": shown} if "▶" in shown else {}

    def diagnose(self, text: str) -> None:
        self.editor.command(f"Codementor diagnose 5 {text}")

    def let_type(self) -> None:
        self.session("state")
        self.editor.command("Codementor mode live")

    def start_meter(self) -> None:
        wait(lambda: self.session("diagnosis"), "the diagnosis")
        self.editor.command("Codementor start")

    def end(self) -> None:
        self.editor.command("Codementor end")

    def rate(self) -> None:
        wait(lambda: self.session("state") == "ended", "the end")
        self.editor.command("Codementor rate 5 solved")

    def receipt(self) -> str:
        self.editor.command("Codementor receipt")
        return self.shown("receipt")

    def session(self, member: str) -> Any:
        return self.editor.lua("return (require('codementor.session').get() or {})[...]", member)
