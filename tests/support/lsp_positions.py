"""LSP positions in a text with line ends of any kind, counted by walking: slow, and independent of the code under test."""

import re

from cm_lsp.sharing.positions import Position, PositionEncoding

LINE_END = re.compile("\r\n|\r|\n")


def width(text: str, encoding: PositionEncoding) -> int:
    if encoding is PositionEncoding.UTF32:
        return len(text)
    if encoding is PositionEncoding.UTF16:
        return len(text.encode("utf-16-le")) // 2
    return len(text.encode())


def index_of(text: str, position: Position, encoding: PositionEncoding) -> int:
    start = start_of_line(text, position.line)
    if start is None:
        return len(text)
    units = 0
    line = LINE_END.split(text[start:], maxsplit=1)[0]
    for index, character in enumerate(line):
        units += width(character, encoding)
        if units > position.character:
            return start + index
    return start + len(line)


def start_of_line(text: str, line: int) -> int | None:
    if "\r" not in text:  # at once, since some texts are long
        parts = text.split("\n", line)
        return len(text) - len(parts[-1]) if len(parts) > line else None
    starts = [0, *(end.end() for end in LINE_END.finditer(text))]
    return starts[line] if line < len(starts) else None


def position_of(text: str, index: int, encoding: PositionEncoding) -> Position:
    if "\r" not in text:
        start = text.rfind("\n", 0, index) + 1
        return Position(text.count("\n", 0, index), width(text[start:index], encoding))
    lines = LINE_END.split(text[:index])
    return Position(len(lines) - 1, width(lines[-1], encoding))


def plain(text: str) -> str:
    """The text with the line ends all editors agree on."""
    return LINE_END.sub("\n", text)
