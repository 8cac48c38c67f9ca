"""Makes edits durable: one writer for all rooms, commits in groups, word to the room after the commit.

Owns: what waits for the disk, in order, and trying again. Does not own the rows' meaning. While the database refuses,
everything waits here and nothing is acknowledged; when too much waits, rooms take no more edits.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final, Protocol

import structlog

from cm_server.db import Database, StorageUnavailable
from cm_server.session import content
from cm_wire.ids import SessionId, YjsClientId

WAITING_BYTES_MAX: Final = 16 * 1024 * 1024
WAITING_ENTRIES_MAX: Final = 100_000
"""Of all kinds: who repeats what is known, or asks what is stored, adds no bytes to be written."""
RETRY_SECONDS: Final = 1.0
GATHER_SECONDS: Final = 0.25
"""How long a commit waits for company. Nobody waits for it: edits are relayed before, and acknowledged after it once a second."""
ENTRIES_AT_ONCE: Final = 512
"""Of one commit: what is done with them before and after it holds up everybody, by some milliseconds."""

_log = structlog.stdlib.get_logger(__name__)


class Room(Protocol):
    """Whoever puts entries in. All calls of one batch come in the order of the entries."""

    session_id: SessionId

    def stored(self, entries: "list[Entry]") -> None: ...
    def not_stored_yet(self, reason: str) -> None: ...
    def lost(self, reason: str) -> None: ...


@dataclass(slots=True)  # one for each key: a frozen one takes three times as long to make
class Entry:
    """`content` (update `number`) is to be written; `client` has then all below `clock` stored. Each part may be missing.

    `new_client` is the row that says whose `client` is; it is written before any update. `then` is called when this entry
    and all before it are stored.
    """

    room: Room
    number: int = 0
    content: bytes | None = None
    client: YjsClientId | None = None
    clock: int = 0
    new_client: Mapping[str, Any] | None = None
    then: Callable[[], None] | None = None


class UpdateLog:
    def __init__(self, database: Database) -> None:
        self._database = database
        self._waiting: list[Entry] = []
        self._storing: list[Entry] = []
        self._waiting_bytes = 0
        self._wake = asyncio.Event()
        self._progress = asyncio.Event()

    @property
    def is_full(self) -> bool:
        waiting = len(self._waiting)
        return self._waiting_bytes > WAITING_BYTES_MAX or waiting > WAITING_ENTRIES_MAX

    def put(self, entry: Entry) -> None:
        """Queue without waiting."""
        self._waiting.append(entry)
        if entry.content is not None:
            self._waiting_bytes += len(entry.content)
        self._wake.set()

    def waiting(self, session_id: SessionId) -> list[tuple[int, bytes]]:
        """The session's updates that wait for the disk, each with its number, in order."""
        return [
            (entry.number, entry.content)
            for entry in chain(self._storing, self._waiting)
            if entry.content is not None and entry.room.session_id == session_id
        ]

    async def flushed(self, session_id: SessionId | None = None) -> None:
        """Return when nothing of the session (of any, for `None`) waits; that takes as long as the database is away."""
        while any(
            session_id in (None, entry.room.session_id)
            for entry in chain(self._storing, self._waiting)
        ):
            await self._progress.wait()

    async def run(self) -> None:
        """Write until cancelled."""
        while True:
            await self._wake.wait()
            await asyncio.sleep(GATHER_SECONDS)
            self._wake.clear()
            while self._waiting:
                self._storing = self._waiting[:ENTRIES_AT_ONCE]
                self._waiting = self._waiting[ENTRIES_AT_ONCE:]
                await self._store_all()
                self._progress.set()
                self._progress = asyncio.Event()

    async def _store_all(self) -> None:
        try:
            await self._store(self._storing)
        except StorageUnavailable as error:
            _log.warning("edits-not-stored", reason=str(error), waiting=len(self._storing))
            self._waiting = await self._store_by_room() + self._waiting
            await asyncio.sleep(RETRY_SECONDS if self._waiting else 0)
        self._storing = []

    async def _store_by_room(self) -> list[Entry]:
        """So that a room that cannot be written holds up no other; returns what has to be tried again."""
        again: list[Entry] = []
        for room, entries in _by_room(self._storing).items():
            try:
                await self._store_what_is_missing(entries)
            except StorageUnavailable as error:
                room.not_stored_yet(str(error))
                again += entries
            except content.WrittenByOther as error:
                room.lost(str(error))
                self._forget_bytes(entries)
                self._forget_room(room)
        return again

    async def _store(self, entries: list[Entry]) -> None:
        clients, updates = _rows(entries)
        if clients:
            await self._database.append(content.CLIENTS, clients)
        if updates:
            await self._database.append(content.UPDATES, updates)
        self._tell_stored(entries)

    async def _store_what_is_missing(self, entries: list[Entry]) -> None:
        clients, updates = _rows(entries)
        await self._database.write(lambda session: content.put_missing(session, clients, updates))
        self._tell_stored(entries)

    def _tell_stored(self, entries: list[Entry]) -> None:
        self._forget_bytes(entries)
        for room, of_room in _by_room(entries).items():
            room.stored(of_room)

    def _forget_room(self, room: Room) -> None:
        """What waits would be written behind a hole."""
        self._forget_bytes([entry for entry in self._waiting if entry.room is room])
        self._waiting = [entry for entry in self._waiting if entry.room is not room]

    def _forget_bytes(self, entries: list[Entry]) -> None:
        self._waiting_bytes -= sum(len(entry.content or b"") for entry in entries)


def _rows(entries: list[Entry]) -> tuple[list[Mapping[str, Any]], list[Mapping[str, Any]]]:
    clients = [entry.new_client for entry in entries if entry.new_client is not None]
    updates = [
        content.update_row(entry.room.session_id, entry.number, entry.content)
        for entry in entries
        if entry.content is not None
    ]
    return clients, updates


def _by_room(entries: list[Entry]) -> dict[Room, list[Entry]]:
    rooms: defaultdict[Room, list[Entry]] = defaultdict(list)
    for entry in entries:
        rooms[entry.room].append(entry)
    return dict(rooms)
