"""The parts of a Yjs update as typed values: structs, blocks by client, deletes.

Owns what a struct may hold here: text, its remains, and the few things the server's seed client
makes. Formats, embeds, nested types and sub-documents have no type, so they cannot get past the
reader. A reader would guess that lengths are characters or bytes: clocks count UTF-16 code units.
"""

import re
from typing import TypeAlias

import msgspec

from cm_wire.ids import YjsClientId
from cm_wire.yjs.varint import MalformedError

Clock: TypeAlias = int
"""Position in what one client has written, in UTF-16 code units, from 0."""
ItemId: TypeAlias = tuple[YjsClientId, Clock]

_FOUR_BYTES = re.compile(rb"[\xf0-\xf4]")
_TWO_UNITS = re.compile("[\U00010000-\U0010ffff]")


class Item(msgspec.Struct, frozen=True, gc=False):
    """What every struct with a place has: its neighbours at birth, or its parent if it had none.

    The parent is an item or, for entries of `files` and `meta`, the name of a top-level type.
    `keyed` is set for map entries also where the key itself is not in the bytes.
    """

    clock: Clock
    length: int
    origin: ItemId | None
    right: ItemId | None
    parent: ItemId | None
    root: str | None
    keyed: bool
    key: str | None


class Insert(Item, frozen=True, gc=False):
    """Text, as the bytes of its UTF-8."""

    utf8: bytes


class Tombstone(Item, frozen=True, gc=False):
    """Text that was deleted before it was sent; it still has its place."""


class Entry(Item, frozen=True, gc=False):
    """A new, empty Y.Text: a file."""


class Value(Item, frozen=True, gc=False):
    """One plain value, an entry of `meta`; kept as the bytes it came in."""

    encoded: bytes


class Collected(msgspec.Struct, frozen=True, gc=False):
    """Clocks without a place: what is left of items whose whole text was removed."""

    clock: Clock
    length: int


class Skip(msgspec.Struct, frozen=True, gc=False):
    """A hole: these clocks exist and are not in this update."""

    clock: Clock
    length: int


Struct: TypeAlias = Insert | Tombstone | Entry | Value | Collected | Skip


class Block(msgspec.Struct, frozen=True, gc=False):
    """Structs of one client, never none, each beginning where the one before ended."""

    client: YjsClientId
    structs: list[Struct]

    @property
    def clock(self) -> Clock:
        """Where the first struct begins."""
        return self.structs[0].clock

    @property
    def end(self) -> Clock:
        """Where the last struct ends."""
        last = self.structs[-1]
        return last.clock + last.length


class Deletes(msgspec.Struct, frozen=True, gc=False):
    """What was deleted of one client's structs: (clock, length), ascending, not overlapping."""

    client: YjsClientId
    ranges: list[tuple[Clock, int]]


class Update(msgspec.Struct, frozen=True, gc=False):
    """One update: at most one block and one set of deletes for any client."""

    blocks: list[Block]
    deletes: list[Deletes]


def from_clock(client: YjsClientId, struct: Struct, clock: Clock) -> Struct:
    """Return the part of a client's struct from `clock` on, which must lie inside it.

    Raise MalformedError where the cut would part the two halves of one character.
    """
    cut = clock - struct.clock
    if cut == 0:
        return struct
    length = struct.length - cut
    origin = (client, clock - 1)
    match struct:
        case Insert():
            later = _from_unit(struct.utf8, cut)
            return Insert(clock, length, origin, struct.right, None, None, False, None, later)
        case Tombstone():
            return Tombstone(clock, length, origin, struct.right, None, None, False, None)
        case Collected():
            return Collected(clock, length)
        case Skip():
            return Skip(clock, length)
        case Entry() | Value():
            raise MalformedError(f"the entry at clock {struct.clock} is one unit and cannot be cut")


def utf16_length(utf8: bytes) -> int:
    """Return the length in UTF-16 code units. Raise MalformedError for what is not UTF-8."""
    if utf8.isascii():
        return len(utf8)
    try:
        return len(utf8.decode().encode("utf-16-le")) >> 1
    except UnicodeDecodeError:
        raise MalformedError("the text of a struct is not UTF-8") from None


def second_halves(utf8: bytes) -> list[int]:
    """Return the offsets, in UTF-16 units, that lie inside a character of two units."""
    if utf8.isascii() or _FOUR_BYTES.search(utf8) is None:
        return []
    found = _TWO_UNITS.finditer(utf8.decode())
    return [match.start() + nth for nth, match in enumerate(found, start=1)]


def _from_unit(utf8: bytes, cut: int) -> bytes:
    try:
        return utf8.decode().encode("utf-16-le")[2 * cut :].decode("utf-16-le").encode()
    except UnicodeDecodeError:
        raise MalformedError("what is known of a text ends inside a character") from None
