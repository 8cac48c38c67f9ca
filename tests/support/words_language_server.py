"""A small language server that knows where each function is defined; counts in UTF-16, as most do. Run: `python -m`."""

import re

from lsprotocol import types
from pygls.lsp.server import LanguageServer

server = LanguageServer("words", "1")
ELSEWHERE = "statistics"
START_IN_NEOVIM = """
local python, folder = ...
vim.lsp.config('words', {
  cmd = { python, '-m', 'tests.support.words_language_server' },
  cmd_cwd = folder,
  filetypes = { 'python' },
})
vim.lsp.enable('words')
"""
"""Lua; takes the Python to run it with and the tree it is in."""


@server.feature(types.TEXT_DOCUMENT_HOVER)
def hover(params: types.HoverParams) -> types.Hover | None:
    word = word_at(params)
    text = f"```python\n(function) def {word}()\n```\nKnown to the *learner's* tools."
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, text)) if word else None


@server.feature(types.TEXT_DOCUMENT_DEFINITION)
def definition(params: types.DefinitionParams) -> list[types.Location]:
    word = word_at(params)
    if word == ELSEWHERE:
        top = types.Range(types.Position(0, 0), types.Position(0, 0))
        return [types.Location("file:///usr/lib/python3/statistics.py", top)]
    lines = server.workspace.get_text_document(params.text_document.uri).lines
    found = [
        types.Range(
            types.Position(row, units(line, match.start(1))),
            types.Position(row, units(line, match.end(1))),
        )
        for row, line in enumerate(lines)
        if (match := re.search(rf"def ({re.escape(word)})\b", line))
    ]
    return [types.Location(params.text_document.uri, where) for where in found]


def word_at(params: types.HoverParams | types.DefinitionParams) -> str:
    document = server.workspace.get_text_document(params.text_document.uri)
    return str(document.word_at_position(params.position))


def units(line: str, column: int) -> int:
    return len(line[:column].encode("utf-16-le")) // 2


if __name__ == "__main__":
    server.start_io()
