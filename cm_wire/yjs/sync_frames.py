"""The y-websocket wire: one frame, one typed value, and back.

Owns the framing of sync steps, updates, awareness and the query for awareness, and of the one thing that y-websocket has not:
what is on disk (types 64 and 65), which the server says to those alone who ask. Does not read the updates inside. On the hot
path: one slice in, one join out.
"""

from typing import Final, TypeAlias

import msgspec

from cm_wire import limits
from cm_wire.yjs.varint import MalformedError, read_uint, write_uint

_SYNC, _AWARENESS, _QUERY_AWARENESS, _QUERY_STORED, _STORED = 0, 1, 3, 64, 65
_STEP_1, _STEP_2, _UPDATE = 0, 1, 2
_PREFIX_STEP_1: Final = bytes((_SYNC, _STEP_1))
_PREFIX_STEP_2: Final = bytes((_SYNC, _STEP_2))
_PREFIX_UPDATE: Final = bytes((_SYNC, _UPDATE))
_PREFIX_AWARENESS: Final = bytes((_AWARENESS,))


class SyncStep1(msgspec.Struct, frozen=True, gc=False):
    """What its sender has; answered with a SyncStep2."""

    state_vector: bytes


class SyncStep2(msgspec.Struct, frozen=True, gc=False):
    """The answer to a SyncStep1: all that its sender lacks, whoever wrote it, and every delete."""

    update: bytes


class SyncUpdate(msgspec.Struct, frozen=True, gc=False):
    """A change that was just made."""

    update: bytes


class AwarenessFrame(msgspec.Struct, frozen=True, gc=False):
    """Who is where; read by `awareness`."""

    payload: bytes


class QueryAwareness(msgspec.Struct, frozen=True, gc=False):
    """Asks for everybody's awareness."""


class QueryStored(msgspec.Struct, frozen=True, gc=False):
    """Asks to be told when all that this connection carried before, either way, is on disk. `query` is its sender's own count."""

    query: int


class Stored(msgspec.Struct, frozen=True, gc=False):
    """The answer: it is, and whoever asked holds all of the log up to update `number`. A connection may be resumed from there."""

    query: int
    number: int


Frame: TypeAlias = (
    SyncStep1 | SyncStep2 | SyncUpdate | AwarenessFrame | QueryAwareness | QueryStored | Stored
)

_SYNC_KINDS: Final[tuple[type[SyncStep1] | type[SyncStep2] | type[SyncUpdate], ...]] = (
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)


def decode(frame: bytes, max_bytes: int = limits.SYNC_FRAME_BYTES_MAX) -> Frame:
    """Read one frame. Raise MalformedError, naming what is wrong, for anything but a whole one.

    A language server passes FIRST_SYNC_BYTES_MAX: what a server sends may be a whole document.
    """
    length = len(frame)
    if length > max_bytes:
        raise MalformedError(f"a frame of {length} bytes; the limit is {max_bytes}")
    if length == 0:
        raise MalformedError("an empty frame")
    kind = frame[0]
    if kind == _SYNC:
        step = frame[1] if length > 1 else -1
        if not 0 <= step < len(_SYNC_KINDS):
            raise MalformedError(f"a sync frame of unknown step {step}")
        return _SYNC_KINDS[step](_payload(frame, 2))
    if kind == _AWARENESS:
        return AwarenessFrame(_payload(frame, 1))
    if kind == _QUERY_AWARENESS:
        if length > 1:
            raise MalformedError(f"{length - 1} bytes follow a query for awareness")
        return QueryAwareness()
    if kind == _QUERY_STORED:
        return QueryStored(*_numbers(frame, 1))
    if kind == _STORED:
        return Stored(*_numbers(frame, 2))
    raise MalformedError(f"a frame of unknown type {kind}")


def encode_step_1(state_vector: bytes) -> bytes:
    """Frame a state vector."""
    return _framed(_PREFIX_STEP_1, state_vector)


def encode_step_2(update: bytes) -> bytes:
    """Frame the answer to a state vector."""
    return _framed(_PREFIX_STEP_2, update)


def encode_update(update: bytes) -> bytes:
    """Frame a change."""
    return _framed(_PREFIX_UPDATE, update)


def encode_awareness(payload: bytes) -> bytes:
    """Frame awareness."""
    return _framed(_PREFIX_AWARENESS, payload)


def encode_query_awareness() -> bytes:
    """Frame the query for everybody's awareness."""
    return bytes((_QUERY_AWARENESS,))


def encode_query_stored(query: int) -> bytes:
    """Frame the query for what is on disk."""
    return _framed_numbers(_QUERY_STORED, query)


def encode_stored(query: int, number: int) -> bytes:
    """Frame the answer to it."""
    return _framed_numbers(_STORED, query, number)


def _framed_numbers(kind: int, *numbers: int) -> bytes:
    out = bytearray((kind,))
    for number in numbers:
        write_uint(out, number)
    return bytes(out)


def _numbers(frame: bytes, count: int) -> list[int]:
    """All that follows the type."""
    numbers, position = [], 1
    for _ in range(count):
        number, position = read_uint(frame, position)
        numbers.append(number)
    if position != len(frame):
        raise MalformedError(f"{len(frame) - position} bytes follow a frame of type {frame[0]}")
    return numbers


def _payload(frame: bytes, position: int) -> bytes:
    announced, start = read_uint(frame, position)
    if announced != len(frame) - start:
        raise MalformedError(f"{announced} bytes announced, {len(frame) - start} in the frame")
    return frame[start:]


def _framed(prefix: bytes, payload: bytes) -> bytes:
    length = len(payload)
    if length < 0x80:
        return b"%b%c%b" % (prefix, length, payload)
    out = bytearray(prefix)
    write_uint(out, length)
    out += payload
    return bytes(out)
