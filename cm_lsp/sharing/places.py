"""Places that move with the text: a cursor's offset as the item it stands at, and back.

Offsets here are UTF-16 units, which is what the clocks of Yjs count. Pure. The CRDT library has sticky indices of its
own, but mixes units when it reads them; the admission check knows every item's place anyway.
"""

from collections.abc import Iterable

from cm_lsp.sharing.indexed_text import IndexedText
from cm_wire.ids import YjsClientId
from cm_wire.yjs.awareness import ItemReference, RelativePosition
from cm_wire.yjs.order import Piece
from cm_wire.yjs.structs import Clock

ShownPiece = tuple[Piece, list[tuple[Clock, Clock]]]
"""A run of one author, and the half-open ranges of its clocks that are not deleted."""

_LEFT = -1


def place_at(pieces: Iterable[ShownPiece], offset: int) -> RelativePosition:
    """The place before the unit at `offset`; at the end of the text, after its last unit."""
    before = 0
    last: ItemReference | None = None
    for piece, shown in pieces:
        for start, stop in shown:
            if offset < before + stop - start:
                return RelativePosition(item=ItemReference(piece.client, start + offset - before))
            before += stop - start
            last = ItemReference(piece.client, stop - 1)
    return RelativePosition(item=last, assoc=_LEFT)


def place_after(pieces: Iterable[ShownPiece], offset: int) -> RelativePosition:
    """The place behind the unit before `offset`: what is inserted there later is not before it."""
    if offset == 0:
        return place_at(pieces, 0)
    return RelativePosition(item=place_at(pieces, offset - 1).item, assoc=_LEFT)


def offset_of(pieces: Iterable[ShownPiece], place: RelativePosition) -> int:
    """Where a place is now. What was deleted leaves its place behind; what is not known is the end."""
    item = None if place.item is None else (YjsClientId(place.item.client), place.item.clock)
    before = 0
    for piece, shown in pieces:
        if item is not None and piece.holds(item):
            reached = item[1] + (1 if place.assoc < 0 else 0)
            return before + sum(max(0, min(stop, reached) - start) for start, stop in shown)
        before += sum(stop - start for start, stop in shown)
    return before


def of_utf16(text: IndexedText, offset: int) -> int:
    """The code point offset of an offset in UTF-16 units, at most the text's end."""
    whole = str(text)
    if whole.isascii():
        return min(offset, len(whole))
    prefix = whole.encode("utf-16-le")[: 2 * offset]
    return len(prefix.decode("utf-16-le", "ignore"))
