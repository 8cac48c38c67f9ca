r"""The units a place in a text is counted in, and the one form texts have on our side of a border.

Three worlds meet here. Inside this package places are code points. LSP speaks (line, character) with
characters in UTF-8, UTF-16 or UTF-32 units. The CRDT counts UTF-8 bytes, and an index inside a
character goes silently to the wrong place. `IndexedText` converts between them; nothing else may.

What a reader would guess wrong: a text on our side holds no carriage return. A position of LSP never
falls inside a line end, so `\n` and `\r\n` give every character the same position, and each editor
keeps the line end its file has. Form feed, U+2028 and their like end no line.
"""

import re
from enum import Enum
from typing import NamedTuple, NewType

CodePointOffset = NewType("CodePointOffset", int)
"""Code points from the start of a text, line ends being one code point each."""

Utf8Offset = NewType("Utf8Offset", int)
"""UTF-8 bytes from the start of the shared text: what the CRDT counts."""

DocumentVersion = NewType("DocumentVersion", int)
"""What the editor says its document's version is; grows, gaps are normal."""


class Position(NamedTuple):
    """A place as LSP states it: zero-based, `character` in the units of the connection's encoding."""

    line: int
    character: int


class PositionEncoding(Enum):
    """What the editor counts characters in; its value is the name LSP gives it."""

    UTF8 = "utf-8"
    UTF16 = "utf-16"
    UTF32 = "utf-32"


_CODEC = {
    PositionEncoding.UTF8: ("utf-8", 1),
    PositionEncoding.UTF16: ("utf-16-le", 2),
    PositionEncoding.UTF32: ("utf-32-le", 4),
}
_SURROGATE = re.compile("[\ud800-\udfff]")


def units(text: str, encoding: PositionEncoding) -> int:
    """How many units of `encoding` the text is long."""
    if text.isascii():
        return len(text)
    codec, width = _CODEC[encoding]
    return len(text.encode(codec)) // width


def code_points(text: str, count: int, encoding: PositionEncoding) -> tuple[int, int]:
    """How many code points fit in the first `count` units, and how many units are left over.

    Left over is more than 0 when the text ends first, or when the count ends inside a character.
    """
    if text.isascii() or encoding is PositionEncoding.UTF32:
        taken = min(count, len(text))
        return taken, count - taken
    codec, width = _CODEC[encoding]
    prefix = text[:count].encode(codec)[: count * width].decode(codec, "ignore")
    return len(prefix), count - units(prefix, encoding)


def normalised(text: str, lone_carriage_return: str = "\n") -> str:
    r"""The text in the form everything on our side has: line ends `\n`, no half of a surrogate pair.

    A half becomes U+FFFD, which is one UTF-16 unit too, so positions stay what the editor means.
    A carriage return alone ends a line in LSP; for editors to which it is a character, pass a
    stand-in that is one unit in every encoding.
    """
    if "\r" in text:
        text = text.replace("\r\n", "\n").replace("\r", lone_carriage_return)
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def surrogate_halves(character: str) -> tuple[str, str]:
    """The two UTF-16 units of a character beyond the basic plane, each as a string."""
    code = ord(character) - 0x10000
    return chr(0xD800 + (code >> 10)), chr(0xDC00 + (code & 0x3FF))
