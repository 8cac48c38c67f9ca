"""A session's live document and the people at it: every frame from a person passes through here.

Owns: connections, whose client ids are whose, the order check ▶ apply ▶ log ▶ relay ▶ acknowledge, cursors, the
divergence alarm. Does not own sockets, rows, or the session's state. Everything a frame causes happens at once, in one
synchronous call; what must wait for the disk is told later by the update log.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Final

import structlog

from cm_server.hub import Hub
from cm_server.session import content, document, update_log
from cm_server.session.acknowledgements import Acknowledgements
from cm_server.session.alarm import Agreement, Alarm, Watcher
from cm_server.session.authors import Authors
from cm_server.session.connection import Connection
from cm_server.session.cursors import Cursors
from cm_server.session.document import SharedDocument
from cm_server.session.standing import Standing
from cm_server.session.update_log import UpdateLog
from cm_wire import printable
from cm_wire.ids import FilePath, PersonId, YjsClientId
from cm_wire.to_client import EditsStored, Noticed
from cm_wire.yjs import awareness, sync_frames, verdict
from cm_wire.yjs.structs import Clock
from cm_wire.yjs.sync_frames import (
    AwarenessFrame,
    QueryAwareness,
    QueryStored,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)
from cm_wire.yjs.varint import MalformedError
from cm_wire.yjs.verdict import (
    Admitted,
    Gap,
    Outcome,
    Refusal,
    RefusalCode,
    Replayed,
)

MALFORMED: Final = 4400
GONE: Final = 4404
REPLACED: Final = 4409
OVER: Final = 4410
REFUSED: Final = 4422
COME_BACK: Final = 1012
TRY_LATER: Final = 1013

STORED_BYTES_MAX: Final = 64 * 1024 * 1024
_ERROR, _WARNING = 1, 2

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Floor:
    """What every room stands on."""

    log: UpdateLog
    hub: Hub
    watcher: Watcher
    snapshot: "Callable[[Room, int, bytes], None]"
    """Takes a room's whole document as of an update number, to be written behind its updates."""
    snapshot_updates: int = 2_000
    snapshot_bytes: int = 256 * 1024


class Room:
    def __init__(
        self,
        floor: Floor,
        standing: Standing,
        stored: content.StoredDocument,
        shared: SharedDocument,
    ) -> None:
        """`shared` is the document made of `stored`."""
        self.session_id = standing.session_id
        self.connections: list[Connection] = []
        self.is_closed = False
        self._floor = floor
        self._standing = standing
        self.document = shared
        self.authors = Authors(standing, stored.clients)
        self.number = stored.last_number
        self._logged_updates = len(stored.updates)
        self._logged_bytes = sum(map(len, stored.contents))
        self._stored_bytes = self._logged_bytes + len(stored.snapshot)
        self._is_warned = False
        self._cursors = Cursors(self.connections, standing)
        self._acknowledgements = Acknowledgements(self.session_id, self._say_stored)
        self._alarm = Alarm(self.session_id, shared, floor.hub, floor.watcher)
        self._reserved: int | None = None
        """The number of a change by the seed that is under way."""

    # Who is here.

    def enter(self, connection: Connection, missed: bytes | None = None) -> None:
        """Begin a connection: ask what it has, send what `resuming` found, say who is here and what of its edits is stored."""
        if not self.is_present(connection.person):
            self._floor.watcher.joined(self.session_id, connection.person)
        self.connections.append(connection)
        self._ask(connection)
        if missed is not None:
            connection.send(sync_frames.encode_step_2(missed))
        self._cursors.show_all_to(connection)
        self._acknowledge(connection.client_id)

    def leave(self, connection: Connection) -> None:
        """End a connection; leaving twice is leaving once."""
        if connection not in self.connections:
            return
        self.connections.remove(connection)
        self._cursors.remove(connection)
        if not self.is_present(connection.person):
            self._floor.watcher.left(self.session_id, connection.person)

    def is_present(self, person: PersonId) -> bool:
        return any(connection.person == person for connection in self.connections)

    def close(self, code: int, reason: str) -> None:
        """Close every connection and take no more."""
        self.is_closed = True
        self._acknowledgements.say_all()
        for connection in tuple(self.connections):
            connection.close(code, reason)

    # What comes in.

    def receive(self, connection: Connection, frame: bytes) -> None:
        """One frame from a person. Whatever is in it, this returns."""
        if connection.close_code is not None:
            return
        try:
            self._receive(connection, frame)
        except MalformedError as error:
            connection.close(MALFORMED, str(error))
        except document.DocumentLost as error:
            self._rebuild(connection, error)

    def _receive(self, connection: Connection, frame: bytes) -> None:
        message = sync_frames.decode(frame)
        kind = type(message)
        if kind is SyncUpdate:
            self._take(connection, message.update, frame, is_answer=False)  # type: ignore[union-attr] # `kind` says which
            return
        match message:
            case AwarenessFrame():
                self._take_awareness(connection, message.payload)
            case SyncStep1():
                missing = self.document.since(message.state_vector)
                connection.send(sync_frames.encode_step_2(missing))
            case SyncStep2():
                self._take(connection, message.update, None, is_answer=True)
            case QueryStored(query):
                self._answer_when_stored(connection, query)
            case QueryAwareness():
                self._cursors.show_all_to(connection)
            case _:
                raise MalformedError("a frame that the server alone sends")

    def _take(
        self, connection: Connection, content_: bytes, frame: bytes | None, *, is_answer: bool
    ) -> None:
        if self._floor.log.is_full:
            connection.close(TRY_LATER, "edits cannot be stored now; keep them and come back")
            return
        outcome = self._decide(connection, content_, is_answer=is_answer)
        if type(outcome) is Admitted:
            same = frame is not None and outcome.update is content_
            self._admitted(connection, outcome.update, frame if same else None)
        elif type(outcome) is Replayed:
            self._acknowledge(connection.client_id)
        elif type(outcome) is Gap and not is_answer:
            self._answer_gap(connection, outcome)
        elif type(outcome) is Refusal:
            self._refuse(connection, outcome)
        if is_answer:
            self._acknowledge_former(connection)
            if connection.lack.answered(_now(), is_whole=verdict.is_whole(outcome)):
                self._ask(connection)

    def _decide(self, connection: Connection, content_: bytes, *, is_answer: bool) -> Outcome:
        receive, person = self.document.receive, connection.person
        outcome = receive(content_, self.authors.participant(person), is_answer=is_answer)
        if connection.is_bound:
            return outcome
        stranger = self.authors.stranger(outcome, content_, is_answer=is_answer)
        if stranger is None:
            connection.is_bound = type(outcome) is Admitted
            return outcome
        if not self._bind(connection, stranger):
            return outcome
        if type(outcome) is Admitted:
            self._admitted(connection, outcome.update, None)
        return receive(content_, self.authors.participant(person), is_answer=is_answer)

    def _admitted(self, connection: Connection, content_: bytes, frame: bytes | None) -> None:
        """Applied already: log, relay, and note whom to tell when it is stored."""
        connection.lack.admitted()
        self.number += 1
        client = connection.client_id
        clock = self.document.next_clock(client)
        self._floor.log.put(update_log.Entry(self, self.number, content_, client, clock))
        self._relay(frame or sync_frames.encode_update(content_), connection)
        self._floor.watcher.edited(self.session_id, connection.person)
        self._count_stored(len(content_))
        for other in self.connections:
            if other is not connection and other.lack.waits:
                self._ask(other)

    def _relay(self, frame: bytes, sender: Connection | None) -> None:
        for connection in self.connections:
            if connection is not sender:
                connection.send(frame)

    def _bind(self, connection: Connection, client: YjsClientId) -> bool:
        """Let a connection that has not written yet keep the id its own library chose."""
        if not self.authors.may_bind(client):
            return False
        self.authors.own(client, connection.person)
        row = content.client_row(self.session_id, client, connection.person)
        self._floor.log.put(update_log.Entry(self, new_client=row))
        connection.client_id = client
        connection.is_bound = True
        return True

    # What does not enter.

    def _answer_gap(self, connection: Connection, gap: Gap) -> None:
        decided = connection.lack.gap(_now())
        if decided == "refuse":
            self._refuse(connection, Refusal(RefusalCode.WRONG_ORDER, gap.reason))
        elif decided == "ask":
            self._ask(connection)

    def _ask(self, connection: Connection) -> None:
        connection.lack.asked()
        connection.send(sync_frames.encode_step_1(self.document.state()))

    def _refuse(self, connection: Connection, refusal: Refusal) -> None:
        _log.warning(
            "edit-refused",
            session=self.session_id,
            person=connection.person,
            code=refusal.code,
            reason=refusal.reason,
        )
        shown = printable.line(refusal.reason)
        self._floor.hub.tell(
            connection.person,
            Noticed(level=_ERROR, text=f"An edit was refused ({refusal.code}): {shown}."),
        )
        connection.close(REFUSED, f"{refusal.code}: {shown}")

    def _rebuild(self, connection: Connection, error: document.DocumentLost) -> None:
        """The update was not logged, so the log is right: everybody comes back to a document made from it."""
        _log.error("document-lost", session=self.session_id, reason=str(error))
        self._floor.hub.tell(
            connection.person,
            Noticed(level=_ERROR, text="An edit broke the shared document and was left out."),
        )
        connection.close(REFUSED, "the edit broke the document and was left out")
        self.close(COME_BACK, "the document is being rebuilt; come back")

    # What the disk says.

    def stored(self, entries: list[update_log.Entry]) -> None:
        """Called after the commit."""
        number = 0
        for entry in entries:
            number = max(number, entry.number)
            if entry.then is not None:
                entry.then()
            if entry.client is not None:
                self._acknowledgements.stored(entry.client, entry.clock)
            if entry.content is not None:
                self._logged_updates += 1
                self._logged_bytes += len(entry.content)
        self._snapshot_if_due(number)

    def _say_stored(self, client: YjsClientId, clock: Clock) -> None:
        owner = self.authors.owner(client)
        if owner is not None:
            self._floor.hub.mention(owner, EditsStored(self.session_id, client, clock))

    def not_stored_yet(self, reason: str) -> None:
        """Called while the database refuses; edits stay in memory and unacknowledged."""
        _log.warning("edits-not-stored", session=self.session_id, reason=reason)
        for person in {connection.person for connection in self.connections}:
            text = (
                "Your edits reach the other side, but cannot be stored yet; keep the editor open."
            )
            self._floor.hub.tell(person, Noticed(level=_WARNING, text=text))

    def lost(self, reason: str) -> None:
        """Called when another process owns the session: everybody must go there."""
        _log.error("session-owned-elsewhere", session=self.session_id, reason=reason)
        self.close(COME_BACK, "the session has moved; come back")

    def _answer_when_stored(self, connection: Connection, query: int) -> None:
        """Not at all while something of theirs is missing, or a number is reserved for what is not relayed yet."""
        is_settled = self._reserved is None and connection.lack.is_nothing
        if is_settled and not connection.query_waits:
            connection.query_waits = True
            answer = partial(connection.answer_query, sync_frames.encode_stored(query, self.number))
            self._floor.log.put(update_log.Entry(self, then=answer))

    def _acknowledge(self, client: YjsClientId) -> None:
        """Say how far a client's edits are stored, behind what waits for the disk."""
        clock = self.document.next_clock(client)
        self._floor.log.put(update_log.Entry(self, client=client, clock=clock))

    def _acknowledge_former(self, connection: Connection) -> None:
        for client in self.authors.participant(connection.person).client_ids:
            if client != connection.client_id:
                self._acknowledge(client)

    def _snapshot_if_due(self, number: int) -> None:
        """Written behind all that is in it: else, after a crash, something in it would be in no row."""
        floor = self._floor
        due = (
            self._logged_updates >= floor.snapshot_updates
            or self._logged_bytes >= floor.snapshot_bytes
        )
        # A change of the seed that is stored but not yet applied would be missing in the snapshot.
        if due and number and self._reserved is None:
            self._logged_updates = self._logged_bytes = 0
            take = partial(floor.snapshot, self, self.number, self.document.whole())
            floor.log.put(update_log.Entry(self, then=take))

    def _count_stored(self, size: int) -> None:
        self._stored_bytes += size
        if self._stored_bytes > STORED_BYTES_MAX * 4 // 5 and not self._is_warned:
            self._is_warned = True
            self._notice_all(
                "The session's store is four fifths full; beyond it files become read-only."
            )
        if self._stored_bytes > STORED_BYTES_MAX:
            self.authors.stop_writing()

    def _notice_all(self, text: str) -> None:
        for person in self._standing.people:
            self._floor.hub.tell(person, Noticed(level=_WARNING, text=text))

    # What the server itself changes.

    def begin_own_change(self) -> int:
        """Reserve the number of a change by the seed. One at a time; the caller holds the lock."""
        assert self._reserved is None
        self.number += 1
        self._reserved = self.number
        return self.number

    def finish_own_change(self, content_: bytes | None) -> None:
        """Apply and relay it, now that it is stored; `None` when it could not be."""
        reserved, self._reserved = self._reserved, None
        if content_ is None:
            # Told to somebody as known, a number that is in no row would be another update's after a restart.
            if self.number == reserved:
                self.number -= 1
            return
        try:
            self.document.take_own(content_)
        except (document.DocumentLost, MalformedError) as error:
            _log.critical("document-lost", session=self.session_id, reason=str(error))
            self.close(COME_BACK, "the document is being rebuilt; come back")
            return
        self._relay(sync_frames.encode_update(content_), None)
        self._count_stored(len(content_))

    # Cursors.

    def _take_awareness(self, connection: Connection, payload: bytes) -> None:
        paths = self.document.admission.shared_paths()
        for entry in awareness.decode(payload):
            if not connection.is_bound and entry.client != connection.client_id:
                self._bind(connection, entry.client)
            self._cursors.take(connection, entry, paths)

    # The divergence alarm.

    def compare(
        self, person: PersonId, their_state: bytes, digests: Mapping[FilePath, str]
    ) -> Agreement:
        """Hold a person's report against our texts. Raises `MalformedError`."""
        return self._alarm.compare(person, their_state, digests, self.number)


def _now() -> float:
    return asyncio.get_running_loop().time()
