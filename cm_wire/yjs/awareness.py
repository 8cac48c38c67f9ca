"""Awareness: who is where, as entries of (client, clock, JSON), and what the server lets through.

Owns the bytes and the rewriting rule: a person speaks only for the client id of the connection, says
only where the cursor is, and who they are is written by the server. Awareness is never stored.
"""

from collections.abc import Container
from typing import Annotated, Final, TypeVar

import msgspec

from cm_wire.ids import YjsClientId
from cm_wire.yjs.update import MAX_CLOCK
from cm_wire.yjs.varint import (
    MAX_UINT,
    MalformedError,
    read_bytes,
    read_uint,
    write_bytes,
    write_uint,
)

MAX_STATE_BYTES: Final = 1024
MAX_ENTRIES: Final = 64
MAX_CLOCK_STEP: Final = 1000


class User(msgspec.Struct, frozen=True):
    """Who somebody is, as the token says."""

    id: str
    name: str
    colour: str
    role: str


class ItemReference(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One unit of the document, in Yjs's JSON."""

    client: Annotated[int, msgspec.Meta(ge=0, le=MAX_UINT)]
    clock: Annotated[int, msgspec.Meta(ge=0, le=MAX_CLOCK)]


class RelativePosition(msgspec.Struct, frozen=True, omit_defaults=True):
    """A place that moves with the text, in Yjs's JSON (`Y.RelativePosition`, pycrdt's sticky index).

    Beside `item`, or at the end of the text that `type` names. `assoc` below 0 sticks to the left.
    """

    item: ItemReference | None = None
    type: ItemReference | None = None
    assoc: Annotated[int, msgspec.Meta(ge=-1, le=1)] = 0


class Cursor(msgspec.Struct, frozen=True):
    """A selection in one shared file; `anchor` is the end that stays, `head` the end that moves."""

    path: str
    anchor: RelativePosition
    head: RelativePosition


class State(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that one client shows."""

    user: User | None = None
    cursor: Cursor | None = None


class Entry(msgspec.Struct, frozen=True):
    """One client's state as it is on the wire; JSON `null` says the client has gone."""

    client: YjsClientId
    clock: int
    state: bytes

    @property
    def is_gone(self) -> bool:
        """Say whether the client took its state away."""
        return self.state == GONE


class _Shown(msgspec.Struct, frozen=True):
    """What of a person's own state is looked at: a name or role in it has no field to go to."""

    cursor: Cursor | None = None


GONE: Final = b"null"
_SHOWN: Final[msgspec.json.Decoder[_Shown | None]] = msgspec.json.Decoder(_Shown | None)
_STATE: Final[msgspec.json.Decoder[State | None]] = msgspec.json.Decoder(State | None)
_T = TypeVar("_T")


def decode(payload: bytes) -> list[Entry]:
    """Read the entries of one awareness update. Raise MalformedError for anything but a whole one."""
    count, position = read_uint(payload, 0)
    if count > MAX_ENTRIES:
        raise MalformedError(f"awareness of {count} clients; the limit is {MAX_ENTRIES}")
    entries = []
    for _ in range(count):
        client, position = read_uint(payload, position)
        clock, position = read_uint(payload, position)
        state, position = read_bytes(payload, position)
        if len(state) > MAX_STATE_BYTES:
            raise MalformedError(
                f"an awareness state of {len(state)} bytes; the limit is {MAX_STATE_BYTES}"
            )
        entries.append(Entry(YjsClientId(client), clock, state))
    if position != len(payload):
        raise MalformedError(f"{len(payload) - position} bytes follow the awareness")
    return entries


def encode(entries: list[Entry]) -> bytes:
    """Write entries as one awareness update."""
    out = bytearray()
    write_uint(out, len(entries))
    for entry in entries:
        write_uint(out, entry.client)
        write_uint(out, entry.clock)
        write_bytes(out, entry.state)
    return bytes(out)


def read_state(entry: Entry) -> State | None:
    """Return what a (rewritten) entry shows; None when the client has gone."""
    return _read(_STATE, entry.state)


def entry_of(client: YjsClientId, clock: int, state: State | None) -> Entry:
    """Return the entry that shows `state`, or that the client has gone."""
    return Entry(client, clock, GONE if state is None else msgspec.json.encode(state))


def rewrite(
    entry: Entry, own: Entry | None, client: YjsClientId, user: User, paths: Container[str]
) -> Entry | None:
    """Return what the server shows of a person's entry, or None where it is to be dropped.

    `own` is the entry of theirs shown last. Dropped are entries about another client and clocks that
    do not rise by 1 to MAX_CLOCK_STEP (of a repeated one nothing is new). A cursor in a file that is
    not shared is left out. Raise MalformedError for a state that is not JSON of the known form.
    """
    if entry.client != client:
        return None
    if own is not None and not 1 <= entry.clock - own.clock <= MAX_CLOCK_STEP:
        return None
    shown = _read(_SHOWN, entry.state)
    if shown is None:
        return entry_of(client, entry.clock, None)
    cursor = shown.cursor
    if cursor is not None and cursor.path not in paths:
        cursor = None
    return entry_of(client, entry.clock, State(user, cursor))


def _read(decoder: "msgspec.json.Decoder[_T]", state: bytes) -> _T:
    try:
        return decoder.decode(state)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as fault:
        raise MalformedError(f"an awareness state that is not of the known form: {fault}") from None
