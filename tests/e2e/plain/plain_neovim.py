"""A person with Neovim as the page without a plugin configures it."""

from pathlib import Path

from cm_server.demo.neovim import Neovim
from tests.e2e.plain import doc_config
from tests.e2e.plain.actors import Channel, wait
from tests.e2e.plain.neovim_keys import Keys
from tests.e2e.plain.plain_actor import PlainActor


class PlainNeovim(PlainActor):
    def __init__(self, name: str, editor: Neovim, role: str, channel: Channel) -> None:
        super().__init__(name, role, channel)
        self.editor = editor
        self._keys = Keys(editor)
        editor.lua(doc_config.block("neovim-without-plugin.md", "lua"))
        # Everything the statusline has ever shown, since a message stands there for some seconds only.
        editor.lua(
            """
            shown = {}
            vim.api.nvim_create_autocmd('LspProgress', {
              callback = function(event)
                table.insert(shown, event.data.params.value.message or '')
              end,
            })
            """
        )

    def open(self, path: Path) -> None:
        self._keys.open(path)
        attached = "return #vim.lsp.get_clients({ name = 'codementor', bufnr = 0 })"
        wait(lambda: self.editor.lua(attached) == 1, f"cm-lsp beside {self.name}'s file")

    def text(self) -> str:
        return self.editor.text(self._buffer())

    def insert_line(self, line: int, text: str) -> None:
        self._focus()
        self._keys.insert_line(line, text)

    def append_to_line(self, line: int, text: str) -> None:
        self.move_to(line)
        self.editor.press(f"A{text}<Esc>")

    def delete_line(self) -> None:
        self._focus()
        self.editor.press("dd")

    def move_to(self, line: int) -> None:
        self._focus()
        self._keys.move_to(line)

    def move_to_end(self) -> None:
        """In insert mode, where alone the cursor stands behind a letter."""
        self._focus()
        self.editor.press("GA")

    def line(self) -> int:
        return self._keys.line()

    def sees_partner(self) -> dict[str, int]:
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
            self._buffer(),
        )
        return found

    def sees_meter(self) -> dict[str, str]:
        found: dict[str, str] = self.editor.lua(
            """
            local found = vim.empty_dict()
            local line = vim.api.nvim_eval_statusline(vim.o.statusline, {}).str
            if line:match('▶') or line:match('⏸') or line:match('■') then
              found.statusline = vim.g.codementor
            end
            for _, diagnostic in ipairs(vim.diagnostic.get(...)) do
              local text = diagnostic.message
              if text:match('^▶') or text:match('^⏸') then found.diagnostic = text end
            end
            return found
            """,
            self._buffer(),
        )
        return found

    def sees_pointer(self) -> dict[str, int]:
        found: dict[str, int] = self.editor.lua(
            """
            local found = vim.empty_dict()
            for _, diagnostic in ipairs(vim.diagnostic.get(...)) do
              if diagnostic.message:match('points here') then found.diagnostic = diagnostic.lnum end
            end
            found.cursor = vim.api.nvim_win_get_cursor(0)[1] - 1
            return found
            """,
            self._buffer(),
        )
        return found

    def hears(self, text: str) -> set[str]:
        ways = set()
        if any(text in line for line in self.editor.lua("return shown")):
            ways.add("progress")
        return {*ways, "diagnostic"} if text in self.notes() else ways

    def notes(self) -> str:
        messages: list[str] = self.editor.lua(
            "return vim.tbl_map(function(d) return d.message end, vim.diagnostic.get(...))",
            self._buffer(),
        )
        return "\n".join(messages)

    def answer(self, label: str) -> None:
        self._keys.answer(self.name, label)

    def shown(self, name: str) -> str:
        return self._keys.shown(self.name, name)

    def said(self) -> str:
        told = self.editor.lua("return table.concat(shown, '\\n')")
        return f"{self._keys.said()}\n{told}"

    def choose_action(self, title: str) -> None:
        self._focus()
        self.editor.lua(
            """
            local title = ...
            vim.lsp.buf.code_action({
              apply = true,
              filter = function(action) return action.title == title end,
            })
            """,
            title,
        )

    def actions(self) -> str:
        self._focus()
        titles: str = self.editor.lua(
            """
            local client = vim.lsp.get_clients({ name = 'codementor' })[1]
            local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
            params.context = { diagnostics = {} }
            local answer = client:request_sync('textDocument/codeAction', params, 20000, 0) or {}
            return table.concat(vim.tbl_map(function(action) return action.title end, answer.result or {}), '\\n')
            """
        )
        return titles

    def execute(self, command: str, argument: dict[str, object]) -> None:
        self.editor.lua(
            """
            local command, argument = ...
            local arguments = { next(argument) and argument or vim.empty_dict() }
            vim.lsp.get_clients({ name = 'codementor' })[1]:exec_cmd({
              title = command, command = command, arguments = arguments,
            })
            """,
            command,
            argument,
        )

    def position(self) -> dict[str, object]:
        self._focus()
        found: dict[str, object] = self.editor.lua(
            """
            local client = vim.lsp.get_clients({ name = 'codementor' })[1]
            local params = vim.lsp.util.make_range_params(0, client.offset_encoding)
            return { uri = params.textDocument.uri, range = params.range }
            """
        )
        return found

    def _buffer(self) -> int:
        """The one document of the session in this editor."""
        return self._keys.opened if self.role == "learner" else self._keys.buffer("/mirrors/")

    def _focus(self) -> None:
        self._keys.focus(self._buffer())
