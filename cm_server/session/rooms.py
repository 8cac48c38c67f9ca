"""All rooms of this process: opened from their rows when somebody comes, dropped when nobody is there.

Owns: one room for each session at most, joining, everything about documents that has to wait for the database (sharing,
ending, patches). Does not own what a frame does (`room`) nor what follows from an event (`flow`). To run it: `start` on
the server's start, `close` on its end, and mount `sync_socket.routes`.
"""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any, Final, TypeVar
from weakref import WeakValueDictionary

import structlog
from sqlmodel import Session

from cm_server.clock import Clock
from cm_server.db import Database, StorageUnavailable
from cm_server.hub import Hub
from cm_server.identity import NewId
from cm_server.session import (
    content,
    document,
    events,
    files,
    lifecycle,
    note,
    patch,
    resuming,
    room,
    states,
    store,
)
from cm_server.session.alarm import Agreement, Watcher
from cm_server.session.connection import Connection, Pace, Pacing, replaced
from cm_server.session.files import FileTexts
from cm_server.session.room import Floor, Room
from cm_server.session.standing import Standing, member_role
from cm_server.session.update_log import UpdateLog
from cm_wire import faults
from cm_wire.ids import ConnectionId, FilePath, PersonId, SessionId, YjsClientId
from cm_wire.session import Mode
from cm_wire.yjs.varint import MalformedError

CONNECTIONS_PER_PERSON: Final = 3
FLUSH_SECONDS_MAX: Final = 5.0

T = TypeVar("T")

_log = structlog.stdlib.get_logger(__name__)


class Rooms:
    def __init__(
        self,
        database: Database,
        hub: Hub,
        clock: Clock,
        new_id: NewId,
        watcher: Watcher,
        pacing: Pacing | None = None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._new_id = new_id
        self.pacing = pacing or Pacing()
        self._log = UpdateLog(database)
        self._floor = Floor(self._log, hub, watcher, self._begin_snapshot)
        self._rooms: dict[SessionId, Room] = {}
        self._locks: WeakValueDictionary[SessionId, asyncio.Lock] = WeakValueDictionary()
        self._opening: dict[SessionId, Mode | None] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self._writer: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to write; needs the running loop."""
        self._writer = asyncio.create_task(self._log.run(), name="update-log")

    async def close(self) -> None:
        """Send everybody away, then store what is left, as far as the database lets us within `FLUSH_SECONDS_MAX`."""
        for open_room in tuple(self._rooms.values()):
            open_room.close(room.COME_BACK, "the server stops; come back")
        try:
            async with asyncio.timeout(FLUSH_SECONDS_MAX):
                await self._log.flushed()
                await asyncio.gather(*self._tasks, return_exceptions=True)
        except TimeoutError:
            _log.error("edits-left-unstored", rooms=len(self._rooms))
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    # People.

    async def join(
        self,
        session_id: SessionId,
        person: PersonId,
        wanted: YjsClientId | None = None,
        after: int | None = None,
    ) -> tuple[Room, Connection]:
        """Open a connection for a member. `wanted` is their client id of before; another's is not given.
        With it `after` resumes, where that is possible: the last update they hold, by its number in the log.

        Refuses with `no-such-session`, `session-over`, `too-many`, `unavailable`.
        """
        async with self._lock(session_id):
            joined = await self._open_for(session_id, person)
            client = await self._client_id(joined, person, wanted)
            behind = after if client == wanted else None
            missed = await resuming.missed(self._database, self._log, joined, behind)
        if joined.is_closed:
            raise StorageUnavailable("The session's document is being rebuilt.")
        connection = Connection(
            ConnectionId(self._new_id("con")),
            person,
            client,
            self._pace(),
            is_bound=client == wanted,
            resumed_after=behind if missed is not None else None,
        )
        for other in tuple(joined.connections):
            if other.client_id == client:
                self._replace(joined, other)
        for other in replaced(joined.connections, person, CONNECTIONS_PER_PERSON):
            self._replace(joined, other)
        joined.enter(connection, missed)
        return joined, connection

    def leave(self, left: Room, connection: Connection) -> None:
        """End a connection; an empty room is dropped after a while."""
        left.leave(connection)
        if left.is_closed:
            self._forget(left)
        elif not left.connections:
            loop = asyncio.get_running_loop()
            loop.call_later(self.pacing.idle_seconds, self._drop_if_empty, left)

    def present(self, session_id: SessionId) -> frozenset[PersonId]:
        """Who has the document open."""
        known = self._rooms.get(session_id)
        return frozenset(c.person for c in known.connections) if known else frozenset()

    def set_mode(self, session_id: SessionId, mode: Mode) -> None:
        """Call it when `lifecycle.set_mode` is committed: from now on the room refuses accordingly."""
        known = self._rooms.get(session_id)
        if known is not None:
            known.authors.set_mode(mode)
        if session_id in self._opening:
            self._opening[session_id] = mode

    # Files, by the learner.

    async def share(
        self, session_id: SessionId, person: PersonId, path: str, language_id: str, text: str
    ) -> Standing:
        """Put a file in; everybody at the document gets it once it is stored."""
        name = FilePath(path)
        files.check_text(text)
        file = FileTexts(name, name, language_id, text, None)
        at = events.moment(self._clock)
        return await self._change(
            session_id,
            person,
            lambda shared: shared.plan_share(name, text),
            lambda session, _: files.share(session, session_id, person, file, at),
        )

    async def unshare(self, session_id: SessionId, person: PersonId, path: FilePath) -> Standing:
        at = events.moment(self._clock)
        return await self._change(
            session_id,
            person,
            lambda shared: shared.plan_unshare(path),
            lambda session, texts: files.unshare(
                session, session_id, person, path, texts.get(path, ""), at
            ),
        )

    async def rename(
        self, session_id: SessionId, person: PersonId, path: FilePath, new_path: FilePath
    ) -> Standing:
        at = events.moment(self._clock)
        return await self._change(
            session_id,
            person,
            lambda shared: shared.plan_rename(path, new_path),
            lambda session, _: files.rename(session, session_id, person, path, new_path, at),
        )

    # The document as a whole.

    async def compare(
        self,
        session_id: SessionId,
        person: PersonId,
        state_vector: str,
        digests: dict[FilePath, str],
    ) -> Agreement:
        """The divergence alarm (`ReportDigest`). What it finds, the watcher and the person are told."""
        known = self._rooms.get(session_id)
        if known is None or not known.is_present(person):
            return "unsettled"
        try:
            return known.compare(person, bytes.fromhex(state_vector), digests)
        except (MalformedError, ValueError) as error:
            raise faults.refusal("bad-value", str(error), field="state_vector") from None

    async def end(self, session_id: SessionId) -> None:
        """Call it when `lifecycle.end` is committed: keep how the files were left, send everybody away with 4410."""
        async with self._lock(session_id):
            known = self._rooms.get(session_id)
            texts = await self._live_texts(session_id)
            await self._database.write(
                lambda session: files.keep_last_texts(session, session_id, texts)
            )
            if known is not None:
                known.close(room.OVER, "the session has ended")
                self._forget(known)

    async def patch(self, session_id: SessionId, person: PersonId) -> str:
        """The unified diff so far, or of the whole session once it has ended."""
        _, texts = await self._member_texts(session_id, person)
        return await asyncio.to_thread(patch.unified, texts)

    async def note(self, session_id: SessionId, person: PersonId) -> str:
        """The learning note in Markdown."""
        standing, texts = await self._member_texts(session_id, person)
        rows = await self._database.read(lambda session: store.chat(session, session_id))
        chat = [note.Said(PersonId(row.author), row.text) for row in rows]
        return await asyncio.to_thread(note.markdown, standing, texts, chat)

    # Within.

    async def _open_for(self, session_id: SessionId, person: PersonId) -> Room:
        """The room, for a member of a session that has not ended. The caller holds the session's lock."""
        # A mode set while the rows are being read is not in them.
        self._opening[session_id] = None
        try:
            standing = await self._database.read(lambda session: store.find(session, session_id))
            member_role(standing, person, session_id)
            assert standing is not None
            if standing.state not in states.OPEN:
                raise faults.refusal(
                    "session-over", "This session has ended.", "Ask again to go on."
                )
            opened = await self._open(standing)
            mode = self._opening[session_id]
            if mode is not None:
                opened.authors.set_mode(mode)
            return opened
        finally:
            del self._opening[session_id]

    async def _open(self, standing: Standing) -> Room:
        """The room, from memory or from its rows."""
        known = self._rooms.get(standing.session_id)
        if known is not None and not known.is_closed:
            return known
        # What a closed room still has in the queue belongs into the new one.
        await self._flushed(standing.session_id)
        stored = await self._load(standing.session_id)
        shared = document.SharedDocument.opened(stored.snapshot, stored.contents)
        opened = Room(self._floor, standing, stored, shared)
        self._rooms[standing.session_id] = opened
        return opened

    async def _flushed(self, session_id: SessionId) -> None:
        try:
            async with asyncio.timeout(FLUSH_SECONDS_MAX):
                await self._log.flushed(session_id)
        except TimeoutError:
            raise StorageUnavailable("Edits are still waiting for the disk.") from None

    async def _load(self, session_id: SessionId) -> content.StoredDocument:
        try:
            return await self._database.read(lambda session: content.load(session, session_id))
        except content.ContentDamaged as error:
            _log.critical("content-damaged", session=session_id, reason=str(error))
            raise faults.refusal(
                "internal",
                "The session's stored text is damaged and is not served.",
                "Your editor still has its own copy; tell the operator.",
            ) from error

    async def _client_id(
        self, joined: Room, person: PersonId, wanted: YjsClientId | None
    ) -> YjsClientId:
        """The id of before when it is theirs, else a new one, whose row is stored before anybody may use it."""
        if wanted is not None and joined.authors.owner(wanted) == person:
            return wanted
        client = joined.authors.new_id()
        if client is None:
            raise faults.refusal("too-many", "This session has been joined too often.")
        row = content.client_row(joined.session_id, client, person)
        joined.authors.own(client, person)
        await self._database.append(content.CLIENTS, [row])
        return client

    def _lock(self, session_id: SessionId) -> asyncio.Lock:
        """One for each session while somebody holds it: anybody may ask for any id."""
        lock = self._locks.get(session_id)
        if lock is None:
            lock = self._locks[session_id] = asyncio.Lock()
        return lock

    def _pace(self) -> Pace:
        now = asyncio.get_running_loop().time()
        return Pace(self.pacing.frames_per_second, self.pacing.frames_burst, now)

    def _replace(self, joined: Room, other: Connection) -> None:
        other.close(room.REPLACED, "replaced by a newer connection of yours")
        joined.leave(other)

    async def _change(
        self,
        session_id: SessionId,
        person: PersonId,
        plan: Callable[[document.SharedDocument], bytes],
        record: Callable[[Session, dict[FilePath, str]], Standing],
    ) -> Standing:
        """A change by the seed: its rule, its rows and its update in one transaction, then to everybody.

        It goes to its end also when its caller leaves: what is in the rows must be in the room.
        """

        async def carry_out() -> Standing:
            async with self._lock(session_id):
                changed = await self._open_for(session_id, person)
                await changed.document.prepare()
                texts = changed.document.texts()
                # Made before it is known to be allowed: refusing it below leaves no trace of it.
                update = plan(changed.document)
                number = changed.begin_own_change()

                def work(session: Session) -> Standing:
                    standing = record(session, texts)
                    content.add_update(session, session_id, number, update)
                    return standing

                try:
                    standing = await self._database.write(work)
                except BaseException:
                    changed.finish_own_change(None)
                    raise
                changed.finish_own_change(update)
                return standing

        return await asyncio.shield(self._kept(carry_out()))

    async def _member_texts(
        self, session_id: SessionId, person: PersonId
    ) -> tuple[Standing, list[FileTexts]]:
        standing, _ = await self._database.read(
            lambda session: lifecycle.of_member(session, session_id, person)
        )
        texts = await self._database.read(lambda session: files.all_texts(session, session_id))
        if any(file.last is None for file in texts):
            live = await self._live_texts(session_id)
            texts = [
                file
                if file.last is not None
                else replace(file, last=live.get(file.first_path, file.first))
                for file in texts
            ]
        return standing, texts

    async def _live_texts(self, session_id: SessionId) -> dict[FilePath, str]:
        known = self._rooms.get(session_id)
        if known is not None:
            return known.document.texts()
        stored = await self._load(session_id)
        shared = document.SharedDocument.opened(stored.snapshot, stored.contents)
        return shared.texts()

    def _begin_snapshot(self, of: Room, number: int, whole: bytes) -> None:
        self._kept(self._write_snapshot(of.session_id, number, whole))

    def _kept(self, work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _write_snapshot(self, session_id: SessionId, number: int, whole: bytes) -> None:
        try:
            await self._database.write(
                lambda session: content.add_snapshot(session, session_id, number, whole)
            )
        except StorageUnavailable as error:
            _log.warning("snapshot-not-stored", session=session_id, reason=str(error))

    def _drop_if_empty(self, left: Room) -> None:
        if not left.connections and not self._lock(left.session_id).locked():
            left.close(room.COME_BACK, "nobody was here")
            self._forget(left)

    def _forget(self, gone: Room) -> None:
        if self._rooms.get(gone.session_id) is gone:
            del self._rooms[gone.session_id]
