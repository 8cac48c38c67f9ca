"""Widens edits until their columns are the same numbers in every encoding.

For editors that count otherwise than was agreed: Vim's ALE takes LSP's UTF-16 columns for bytes, both ways. What stands in a
line behind ASCII alone has the same column in all encodings, and so has the start of a line.
"""

from collections.abc import Sequence

from cm_lsp.sharing.edits import Replacement
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.positions import Position, PositionEncoding


def counted_alike(text: IndexedText, changes: Sequence[Replacement]) -> list[Replacement]:
    """The same change of the text, as replacements of whole lines where letters beyond ASCII stand before.

    Takes and returns them ascending and not touching. The end of a text without a final newline stays as it is.
    """
    groups: list[tuple[int, int, list[Replacement]]] = []
    for change in changes:
        start, end = _start(text, change.start), _end(text, change.end)
        if groups and start <= groups[-1][1]:
            first, last, together = groups.pop()
            groups.append((first, max(last, end), [*together, change]))
        else:
            groups.append((start, end, [change]))
    return [_joined(text, *group) for group in groups]


def _start(text: IndexedText, place: int) -> int:
    start = _line_start(text, place)
    return place if text.slice(start, place).isascii() else start


def _end(text: IndexedText, place: int) -> int:
    if text.slice(_line_start(text, place), place).isascii():
        return place
    line = text.position_at(place, PositionEncoding.UTF32).line
    return text.offset_at(Position(line + 1, 0), PositionEncoding.UTF32)


def _line_start(text: IndexedText, place: int) -> int:
    return place - text.position_at(place, PositionEncoding.UTF32).character


def _joined(text: IndexedText, start: int, end: int, changes: Sequence[Replacement]) -> Replacement:
    pieces, at = [], start
    for change in changes:
        pieces += [text.slice(at, change.start), change.text]
        at = change.end
    return Replacement(start, end, "".join([*pieces, text.slice(at, end)]))
