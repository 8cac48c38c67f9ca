"""Yjs v1 updates: bytes to typed structs within limits, and back.

Owns the layout. Nothing in here recurses and every count is held against the bytes that are left, so
no input has a depth or a size that could end the process. Does not own who may send what: that is
`admission`. Stricter than the libraries: what they would read in two ways is refused.
"""

from typing import Final, TypeAlias

import msgspec

from cm_wire.ids import YjsClientId
from cm_wire.yjs import varint
from cm_wire.yjs.structs import (
    Block,
    Clock,
    Collected,
    Deletes,
    Entry,
    Insert,
    ItemId,
    Skip,
    Struct,
    Tombstone,
    Update,
    Value,
    utf16_length,
)
from cm_wire.yjs.varint import MalformedError, read_bytes, read_text, read_uint, write_uint

MAX_CLOCK: Final = (1 << 31) - 1
"""yrs holds clocks in 32 bits; half of them is far above what any session types."""

_COLLECTED, _DELETED, _STRING, _TYPE, _ANY, _SKIP = 0, 1, 4, 7, 8, 10
_REFUSED_CONTENT = {2: "JSON", 3: "binary", 5: "embed", 6: "format", 9: "sub-document", 11: "move"}
_HAS_ORIGIN, _HAS_RIGHT, _IS_KEYED, _CONTENT = 0x80, 0x40, 0x20, 0x1F
_Y_TEXT = 2
_Place: TypeAlias = tuple[ItemId | None, ItemId | None, ItemId | None, str | None, bool, str | None]
_SHORTEST_STRUCT_BYTES = 2
_SHORTEST_RANGE_BYTES = 2

_ANY_STRING, _ANY_INTEGER = 119, 125
_ANY_FIXED_BYTES = {127: 0, 126: 0, 124: 4, 123: 8, 122: 8, 121: 0, 120: 0}


class TooMuchError(MalformedError):
    """A count or a length is above its limit; the text names both."""


class UnsupportedContentError(MalformedError):
    """A struct holds what is never shared here; the text names it."""


class Limits(msgspec.Struct, frozen=True):
    """What one update may hold at most."""

    update_bytes: int
    structs: int
    delete_ranges: int
    clients: int
    struct_units: int


def decode(encoded: bytes, limits: Limits) -> Update:
    """Read one update. Raise MalformedError (or a kind of it) for anything but a whole, plain one."""
    if len(encoded) > limits.update_bytes:
        raise TooMuchError(
            f"the update has {len(encoded)} bytes; the limit is {limits.update_bytes}"
        )
    blocks, position = _read_blocks(encoded, limits)
    deletes, position = _read_deletes(encoded, position, limits)
    if position != len(encoded):
        raise MalformedError(f"{len(encoded) - position} bytes follow the end of the update")
    return Update(blocks, deletes)


def encode(update: Update) -> bytes:
    """Write the update as any Yjs client reads it."""
    out = bytearray()
    write_uint(out, len(update.blocks))
    for block in update.blocks:
        write_uint(out, len(block.structs))
        write_uint(out, block.client)
        write_uint(out, block.clock)
        for struct in block.structs:
            _write_struct(out, struct)
    write_uint(out, len(update.deletes))
    for deletes in update.deletes:
        write_uint(out, deletes.client)
        write_uint(out, len(deletes.ranges))
        for clock, length in deletes.ranges:
            write_uint(out, clock)
            write_uint(out, length)
    return bytes(out)


def _read_blocks(encoded: bytes, limits: Limits) -> tuple[list[Block], int]:
    block_count, position = read_uint(encoded, 0)
    if block_count > limits.clients:
        raise TooMuchError(f"blocks of {block_count} clients; the limit is {limits.clients}")
    blocks: list[Block] = []
    seen: set[int] = set()
    structs_left = limits.structs
    for _ in range(block_count):
        struct_count, position = read_uint(encoded, position)
        client, position = read_uint(encoded, position)
        clock, position = read_uint(encoded, position)
        if struct_count == 0:
            raise MalformedError(f"the block of client {client} is empty")
        if client in seen:
            raise MalformedError(f"two blocks of client {client}")
        seen.add(client)
        structs_left -= struct_count
        if structs_left < 0:
            raise TooMuchError(f"more than {limits.structs} structs in one update")
        _check_room(encoded, position, struct_count * _SHORTEST_STRUCT_BYTES)
        structs: list[Struct] = []
        for _ in range(struct_count):
            struct, position = _read_struct(encoded, position, clock)
            clock += struct.length
            if struct.length > limits.struct_units:
                raise TooMuchError(
                    f"{struct.length} units in one struct; at most {limits.struct_units}"
                )
            structs.append(struct)
        if clock > MAX_CLOCK:
            raise TooMuchError(f"clock {clock} of client {client} is above {MAX_CLOCK}")
        blocks.append(Block(YjsClientId(client), structs))
    return blocks, position


def _read_struct(encoded: bytes, position: int, clock: Clock) -> tuple[Struct, int]:
    if position >= len(encoded):
        raise MalformedError("the bytes end before the last struct")
    info = encoded[position]
    position += 1
    content = info & _CONTENT
    if content in (_COLLECTED, _SKIP):
        return _read_placeless(encoded, position, info, clock)
    place, position = _read_place(encoded, position, info)
    if content == _STRING:
        utf8, position = read_bytes(encoded, position)
        if not utf8:
            raise MalformedError("a struct with an empty text")
        return Insert(clock, utf16_length(utf8), *place, utf8), position
    if content == _DELETED:
        length, position = _read_length(encoded, position)
        return Tombstone(clock, length, *place), position
    if content == _TYPE:
        position = _skip_text_type(encoded, position)
        return Entry(clock, 1, *place), position
    if content == _ANY:
        start, position = position, _skip_value(encoded, position)
        return Value(clock, 1, *place, encoded[start:position]), position
    name = _REFUSED_CONTENT.get(content, f"of unknown kind {content}")
    raise UnsupportedContentError(f"a struct with content {name}: only text is shared here")


def _read_place(encoded: bytes, position: int, info: int) -> tuple[_Place, int]:
    origin = right = parent = root = key = None
    if info & _HAS_ORIGIN:
        origin, position = _read_id(encoded, position)
    if info & _HAS_RIGHT:
        right, position = _read_id(encoded, position)
    keyed = info & _IS_KEYED != 0
    if origin is None and right is None:
        parent, root, position = _read_parent(encoded, position)
        if keyed:
            key, position = read_text(encoded, position)
    return (origin, right, parent, root, keyed, key), position


def _read_placeless(
    encoded: bytes, position: int, info: int, clock: Clock
) -> tuple[Collected | Skip, int]:
    # Libraries disagree about flags on these two, so no flag is let through.
    if info not in (_COLLECTED, _SKIP):
        raise MalformedError(f"a struct without a place has flags ({info:#04x})")
    length, position = _read_length(encoded, position)
    if info == _COLLECTED:
        return Collected(clock, length), position
    return Skip(clock, length), position


def _read_length(encoded: bytes, position: int) -> tuple[int, int]:
    length, position = read_uint(encoded, position)
    if length == 0:
        raise MalformedError("a struct or range of length 0")
    return length, position


def _read_id(encoded: bytes, position: int) -> tuple[ItemId, int]:
    client, position = read_uint(encoded, position)
    clock, position = read_uint(encoded, position)
    return (YjsClientId(client), clock), position


def _read_parent(encoded: bytes, position: int) -> tuple[ItemId | None, str | None, int]:
    is_root, position = read_uint(encoded, position)
    if is_root == 1:
        root, position = read_text(encoded, position)
        return None, root, position
    if is_root != 0:
        raise MalformedError(f"a parent of unknown kind {is_root}")
    parent, position = _read_id(encoded, position)
    return parent, None, position


def _skip_text_type(encoded: bytes, position: int) -> int:
    kind, position = read_uint(encoded, position)
    if kind != _Y_TEXT:
        raise UnsupportedContentError(f"a nested type of kind {kind}: only texts are shared here")
    return position


def _skip_value(encoded: bytes, position: int) -> int:
    count, position = read_uint(encoded, position)
    if count != 1:
        raise UnsupportedContentError(f"{count} values in one struct: a map entry holds one")
    if position >= len(encoded):
        raise MalformedError("the bytes end before a value")
    tag = encoded[position]
    position += 1
    if tag == _ANY_STRING:
        return read_text(encoded, position)[1]
    if tag == _ANY_INTEGER:
        # A signed integer differs from an unsigned one in its first byte only; its end is found alike.
        return _end_of_integer(encoded, position)
    if tag not in _ANY_FIXED_BYTES:
        raise UnsupportedContentError(f"a value with tag {tag}: only plain values are shared here")
    _check_room(encoded, position, _ANY_FIXED_BYTES[tag])
    return position + _ANY_FIXED_BYTES[tag]


def _end_of_integer(encoded: bytes, position: int) -> int:
    for index in range(position, min(position + varint.MAX_UINT_BYTES, len(encoded))):
        if encoded[index] < 0x80:
            return index + 1
    raise MalformedError(f"the integer at byte {position} does not end")


def _read_deletes(encoded: bytes, position: int, limits: Limits) -> tuple[list[Deletes], int]:
    client_count, position = read_uint(encoded, position)
    if client_count == 0:
        return [], position
    if client_count > limits.clients:
        raise TooMuchError(f"deletes of {client_count} clients; the limit is {limits.clients}")
    deletes: list[Deletes] = []
    seen: set[int] = set()
    ranges_left = limits.delete_ranges
    for _ in range(client_count):
        client, position = read_uint(encoded, position)
        range_count, position = read_uint(encoded, position)
        if client in seen:
            raise MalformedError(f"two sets of deletes for client {client}")
        seen.add(client)
        if range_count == 0:
            raise MalformedError(f"the deletes of client {client} are none")
        ranges_left -= range_count
        if ranges_left < 0:
            raise TooMuchError(f"more than {limits.delete_ranges} delete ranges in one update")
        _check_room(encoded, position, range_count * _SHORTEST_RANGE_BYTES)
        ranges, position = _read_ranges(encoded, position, range_count)
        deletes.append(Deletes(YjsClientId(client), ranges))
    return deletes, position


def _read_ranges(
    encoded: bytes, position: int, range_count: int
) -> tuple[list[tuple[Clock, int]], int]:
    ranges: list[tuple[Clock, int]] = []
    end = 0
    for _ in range(range_count):
        clock, position = read_uint(encoded, position)
        length, position = _read_length(encoded, position)
        if clock < end:
            raise MalformedError(f"the delete range at clock {clock} is out of order")
        end = clock + length
        ranges.append((clock, length))
    if end > MAX_CLOCK:
        raise TooMuchError(f"a delete range ends at clock {end}, above {MAX_CLOCK}")
    return ranges, position


def _check_room(encoded: bytes, position: int, needed: int) -> None:
    left = len(encoded) - position
    if needed > left:
        raise MalformedError(
            f"at least {needed} more bytes announced at byte {position}, {left} left"
        )


def _write_struct(out: bytearray, struct: Struct) -> None:
    match struct:
        case Collected():
            out.append(_COLLECTED)
            write_uint(out, struct.length)
        case Skip():
            out.append(_SKIP)
            write_uint(out, struct.length)
        case Insert():
            _write_place(out, struct, _STRING)
            varint.write_bytes(out, struct.utf8)
        case Tombstone():
            _write_place(out, struct, _DELETED)
            write_uint(out, struct.length)
        case Entry():
            _write_place(out, struct, _TYPE)
            write_uint(out, _Y_TEXT)
        case Value():
            _write_place(out, struct, _ANY)
            out += struct.encoded


def _write_place(out: bytearray, item: Insert | Tombstone | Entry | Value, content: int) -> None:
    keyed = _IS_KEYED if item.keyed else 0
    left = _HAS_ORIGIN if item.origin is not None else 0
    right = _HAS_RIGHT if item.right is not None else 0
    out.append(content | keyed | left | right)
    for neighbour in (item.origin, item.right):
        if neighbour is not None:
            _write_id(out, neighbour)
    if left or right:
        return
    if item.parent is not None:
        write_uint(out, 0)
        _write_id(out, item.parent)
    else:
        write_uint(out, 1)
        varint.write_bytes(out, (item.root or "").encode())
    if item.key is not None:
        varint.write_bytes(out, item.key.encode())


def _write_id(out: bytearray, item: ItemId) -> None:
    write_uint(out, item[0])
    write_uint(out, item[1])
