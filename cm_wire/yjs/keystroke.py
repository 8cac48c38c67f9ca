"""Reads the one update that nearly all are: a few ASCII characters typed behind some other.

Owns the recognition. Not a second reading of updates: whatever is not exactly this returns None and takes the way of every update
(`update`, `admission`), which decides the same about it, slower.
"""

from typing import Final

import msgspec

from cm_wire.ids import YjsClientId
from cm_wire.yjs.structs import Block, Clock, Insert, ItemId, Update
from cm_wire.yjs.update import MAX_CLOCK
from cm_wire.yjs.varint import MalformedError, read_uint

BYTES_MAX: Final = 64

_BEHIND: Final = 0x84
_BETWEEN: Final = 0xC4
_ONE_BLOCK_OF_ONE_STRUCT: Final = b"\x01\x01"


class Keystroke(msgspec.Struct, frozen=True, gc=False):
    """ASCII of the client at `clock`, `length` characters, born behind `origin` and before `right`."""

    client: YjsClientId
    clock: Clock
    origin: ItemId
    right: ItemId | None
    length: int
    ascii: bytes

    def as_update(self) -> Update:
        """The update it was read from."""
        place = (self.origin, self.right, None, None, False, None)
        return Update(
            [Block(self.client, [Insert(self.clock, self.length, *place, self.ascii)])], []
        )


def read(encoded: bytes) -> Keystroke | None:
    """Return what was typed if that is all the update holds: one insert with an origin, no delete."""
    size = len(encoded)
    if size > BYTES_MAX or encoded[:2] != _ONE_BLOCK_OF_ONE_STRUCT or encoded[-1] != 0:
        return None
    right: ItemId | None = None
    try:
        client, at = read_uint(encoded, 2)
        clock, at = read_uint(encoded, at)
        info = encoded[at]
        if info not in (_BEHIND, _BETWEEN):
            return None
        origin_client, at = read_uint(encoded, at + 1)
        origin_clock, at = read_uint(encoded, at)
        if info == _BETWEEN:
            right_client, at = read_uint(encoded, at)
            right_clock, at = read_uint(encoded, at)
            right = (YjsClientId(right_client), right_clock)
        length = encoded[at]
    except (MalformedError, IndexError):
        return None
    text = encoded[at + 1 : -1]
    if not length or length != len(text) or not text.isascii() or clock + length > MAX_CLOCK:
        return None
    return Keystroke(
        YjsClientId(client), clock, (YjsClientId(origin_client), origin_clock), right, length, text
    )
