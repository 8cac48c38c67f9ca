"""A person in a real Neovim with our plugin who carries out a plan: keys through insert mode, commands as typed.

An action is one step of Neovim's, in which nothing from outside comes between the place and the keys; so what it deleted is
known exactly, by the text before and after.
"""

from collections import Counter
from typing import Any, Final, Protocol

from tests.support.bridge_plan import Action

_OPTIONS: Final = "setlocal noexpandtab noautoindent nosmartindent indentexpr= indentkeys= formatoptions= textwidth=0 softtabstop=0"
"""What is typed is what stands there."""

_TYPE: Final = """
local thousandth, size, keys = ...
local function whole() return table.concat(vim.api.nvim_buf_get_lines(0, 0, -1, true), '\\n') .. '\\n' end
local before, row = whole(), 0
local at = math.floor(#vim.str_utf_pos(before) * thousandth / 1000)
local lines = vim.api.nvim_buf_get_lines(0, 0, -1, true)
local letters = vim.str_utf_pos(lines[1])
while row < #lines - 1 and at > #letters do
  at, row = at - #letters - 1, row + 1
  letters = vim.str_utf_pos(lines[row + 1])
end
local column = letters[at + 1] and letters[at + 1] - 1 or #lines[row + 1]
local place = ('<Cmd>call nvim_win_set_cursor(0, [%d, %d])<CR>'):format(row + 1, column)
local pressed = 'i' .. place .. ('<Del>'):rep(size) .. keys .. '<Esc>'
vim.api.nvim_feedkeys(vim.keycode(pressed), 'ntx', false)
return { before, whole() }
"""
_REWRITE: Final = """
local rewrite = ...
local lines = vim.api.nvim_buf_get_lines(0, 0, -1, true)
local whole = table.concat(lines, '\\n')
if rewrite == 'line' then
  local turned = {}
  for _, line in ipairs(lines) do table.insert(turned, 1, line) end
  lines = turned
else
  lines = vim.split(whole:gsub('\\t', '    '):gsub(' \\n', '\\n'), '\\n', { plain = true })
end
vim.api.nvim_buf_set_lines(0, 0, -1, true, lines)
"""
_KEYS: Final = {"\n": "<CR>", "\t": "<Tab>", "\x00": "<C-v>x00", "\x0c": "<C-v>x0c"}


class Driven(Protocol):
    """A Neovim, in this process's hands or in another's."""

    def lua(self, code: str, /, *arguments: Any) -> Any: ...
    def command(self, command: str, /) -> None: ...
    def text(self) -> str: ...


class NeovimTypist:
    """`editor` shows the shared file in its current window."""

    def __init__(self, editor: Driven) -> None:
        self.editor = editor
        self._name = str(editor.lua("return vim.api.nvim_buf_get_name(0)"))
        self._be_plain()

    def begin(self, text: str) -> None:
        lines = text.removesuffix("\n").split("\n")
        self.editor.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, ...)", lines)

    def text(self) -> str:
        return self.editor.text()

    def act(self, action: Action) -> str:
        match action.what:
            case "type" | "delete" | "replace":
                keys = "".join(_KEYS.get(letter, letter) for letter in action.text)
                before, after = self.editor.lua(_TYPE, action.place, action.size, keys)
                return "".join((Counter(before) - Counter(after)).elements())
            case "undo":
                self.editor.lua("vim.api.nvim_feedkeys('u', 'mtx', false)")
            case "redo":
                self.editor.lua("vim.api.nvim_feedkeys(vim.keycode('<C-r>'), 'mtx', false)")
            case "format" | "line":
                self.editor.lua(_REWRITE, action.what)
            case "save":
                self.editor.command("silent write!")
            case "revert":
                self.editor.command("silent edit!")
                self._be_plain()
            case "reopen" | "rename":
                self.editor.command("silent write! | bwipeout!")
                self.editor.lua("vim.cmd.edit(vim.fn.fnameescape(...))", self._name)
                self._be_plain()
            case _:
                raise AssertionError(action.what)
        return ""

    def _be_plain(self) -> None:
        self.editor.command(_OPTIONS)
