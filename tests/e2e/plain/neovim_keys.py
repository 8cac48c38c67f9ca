"""What is the same in every Neovim: buffers, keys, and lists to choose from."""

from pathlib import Path

from cm_server.demo.neovim import Neovim
from tests.e2e.plain.actors import wait

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


class Keys:
    """`opened` is the buffer of the file that was opened last."""

    def __init__(self, editor: Neovim) -> None:
        self.editor = editor
        self.opened = -1
        editor.lua(REMEMBER_QUESTIONS)

    def open(self, path: Path) -> None:
        self.editor.lua("vim.cmd.edit(vim.fn.fnamemodify(..., ':.'))", str(path))
        self.opened = self.editor.lua("return vim.api.nvim_get_current_buf()")

    def buffer(self, pattern: str) -> int:
        """The first whose name matches the Lua pattern, else the one that was opened."""
        find = """
        for _, buf in ipairs(vim.api.nvim_list_bufs()) do
          if vim.api.nvim_buf_get_name(buf):match(...) then return buf end
        end
        """
        return int(self.editor.lua(find, pattern) or self.opened)

    def focus(self, buffer: int) -> None:
        self.editor.lua(
            """
            local window = vim.fn.bufwinid(...)
            if window ~= -1 then
              vim.api.nvim_set_current_win(window)
            else
              vim.cmd.buffer(...)
            end
            """,
            buffer,
        )

    def insert_line(self, line: int, text: str) -> None:
        self.editor.press(f"<Esc>{line + 1}GO")
        self.editor.type_text(text)
        self.editor.press("<Esc>")

    def move_to(self, line: int) -> None:
        self.editor.press(f"<Esc>{line + 1}G0")

    def line(self) -> int:
        return int(self.editor.lua("return vim.api.nvim_win_get_cursor(0)[1] - 1"))

    def answer(self, name: str, label: str) -> None:
        wait(lambda: self.editor.lua(ANSWER, label), f"{name}'s question with {label!r}")

    def shown(self, name: str, title: str) -> str:
        """The text of a buffer whose file's name has `title` in it."""
        find = """
        for _, buf in ipairs(vim.api.nvim_list_bufs()) do
          local file = vim.fs.basename(vim.api.nvim_buf_get_name(buf))
          if file:find(..., 1, true) and vim.api.nvim_buf_is_loaded(buf) then
            return table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, true), '\\n')
          end
        end
        """
        return str(wait(lambda: self.editor.lua(find, title), f"{title} on {name}'s screen"))

    def said(self) -> str:
        asked = self.editor.lua(
            "return vim.inspect(vim.tbl_map(function(q) return q.labels end, questions))"
        )
        names = self.editor.lua(
            "return vim.inspect(vim.tbl_map(vim.api.nvim_buf_get_name, vim.api.nvim_list_bufs()))"
        )
        return f"{self.editor.messages()}\nopen questions: {asked}\nbuffers: {names}"
