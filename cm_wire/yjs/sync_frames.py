"""The y-websocket wire: one frame, one typed value, and back.

Owns the framing of sync steps, updates, awareness and the query for awareness. Does not read the
updates inside. On the hot path: one slice in, one join out.
"""

from typing import Final, TypeAlias

import msgspec

from cm_wire import limits
from cm_wire.yjs.varint import MalformedError, read_uint, write_uint

_SYNC, _AWARENESS, _QUERY_AWARENESS = 0, 1, 3
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


Frame: TypeAlias = SyncStep1 | SyncStep2 | SyncUpdate | AwarenessFrame | QueryAwareness

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
