"""What the frames of the document channel mean: the session's document, kept equal to the server's.

Owns the document and the answers to frames. Does not own the socket (`to_server.channel`) or the editor (`room`). What
a reader would guess wrong: an update that the mode (propose, read only) forbids is not refused here. The server has stored
it, and a copy without it would differ for good; the room takes it back (`mode_guard`). What is refused here is what no
mode allows: another's name on an edit, hidden structure, a file that tools run by themselves.
"""

import logging
from typing import Final, Protocol

from cm_lsp.session.resuming import Resuming
from cm_lsp.sharing.document import Changes, Delta, DocumentLostError, SessionDocument
from cm_wire import limits
from cm_wire.ids import FilePath, YjsClientId
from cm_wire.session import Role
from cm_wire.yjs import awareness, sync_frames
from cm_wire.yjs.awareness import Entry
from cm_wire.yjs.sync_frames import (
    AwarenessFrame,
    Stored,
    SyncStep1,
    SyncStep2,
    SyncUpdate,
)
from cm_wire.yjs.varint import MalformedError
from cm_wire.yjs.verdict import Admitted, Gap, Refusal

log = logging.getLogger(__name__)

RESYNCS_IN_A_ROW_MAX: Final = 5


class Listener(Protocol):
    """Told what changed, after it has."""

    def document_began(self) -> None:
        """All texts are new: the first connection, or a document that had to be thrown away."""

    def files_changed(self) -> None: ...

    def text_changed(self, path: FilePath, delta: Delta, /) -> None: ...

    def texts_settled(self) -> None:
        """Everything of one frame has been told."""

    def cursors_moved(self, entries: list[Entry], /) -> None: ...

    def connection_changed(self, *, is_connected: bool) -> None: ...

    def update_refused(self, reason: str, /) -> None: ...


class Sync:
    """The peer of a `DocumentChannel`."""

    def __init__(self, role: Role, listener: Listener) -> None:
        self._role = role
        self._listener = listener
        self._gaps = 0
        self._resuming = Resuming()
        self._is_resumed = False
        self.is_connected = False
        self._has_answered = False
        self._has_caught_up = False
        self.is_catching_up = False
        """What is told just now was missed while there was no line; it may be from a time with another mode."""
        self.document: SessionDocument | None = None

    @property
    def may_send(self) -> bool:
        """Whether the server has been offered all we had, so that what is typed now follows on it without a gap."""
        return self._has_answered

    @property
    def resume_after(self) -> int | None:
        """The number in the server's log up to which we hold everything, where that is known."""
        return self._resuming.after if self.document is not None else None

    def connected(
        self, author: YjsClientId, seed: YjsClientId, *, is_resumed: bool = False
    ) -> list[bytes]:
        """Say what we have; the server answers with the rest and asks for what it lacks.

        Resumed, it sends what it has behind `resume_after` by itself, and its question means what we have behind that.
        """
        # What was asked to go on with may have been thrown away while the line came back.
        is_resumed = is_resumed and self.resume_after is not None
        if self.document is None:
            document = self._begin(author, seed)
        else:
            document = self.document
            document.adopt_author(author)
        self._is_resumed = is_resumed
        self._resuming.fell_behind()
        self.is_connected = True
        self._listener.connection_changed(is_connected=True)
        return [] if is_resumed else [sync_frames.encode_step_1(document.state())]

    def disconnected(self) -> None:
        self.is_connected = self._has_answered = self._has_caught_up = self._is_resumed = False
        self._listener.connection_changed(is_connected=False)

    def refused(self) -> None:
        """The server would not have an update of ours, or has other texts: ours must not stay.

        A copy that holds what the server refused differs for good, and would offer it again for ever.
        """
        self.document = None

    def received(self, frame: bytes) -> list[bytes]:
        document = self.document
        if document is None:
            return []
        try:
            return self._answer(document, sync_frames.decode(frame, limits.FIRST_SYNC_BYTES_MAX))
        except MalformedError as error:
            log.warning("bad-message channel=sync reason=%s", error)
            return []
        except DocumentLostError as error:
            log.error("document-lost reason=%s", error)  # noqa: TRY400 - the reason says it all
            return self._begin_anew(document)

    @property
    def wants_to_ask(self) -> bool:
        """Whether it is time for a `query`."""
        document = self.document
        if document is None or not self._has_answered:
            return False
        return self._resuming.is_due(document.unconfirmed_count)

    def query(self) -> bytes | None:
        """A question to send now, where it is time for one and all we have made is sent."""
        if self.document is None or not self._has_answered:
            return None
        query = self._resuming.query(self.document.unconfirmed_count)
        return sync_frames.encode_query_stored(query) if query is not None else None

    def _answer(self, document: SessionDocument, frame: sync_frames.Frame) -> list[bytes]:
        match frame:
            case SyncStep1(state_vector=theirs):
                is_resuming = self._is_resumed and not self._has_answered
                *first, last = document.unconfirmed() if is_resuming else document.answer_to(theirs)
                self._has_answered = True
                # The last one says that this was all.
                return [*map(sync_frames.encode_update, first), sync_frames.encode_step_2(last)]
            case SyncStep2(update=update) | SyncUpdate(update=update) as taken:
                # Once a connection: a server that sends more of them does not get round the mode by that.
                self.is_catching_up = isinstance(taken, SyncStep2) and not self._has_caught_up
                self._has_caught_up = self._has_caught_up or self.is_catching_up
                return self._take(document, update, is_answer=isinstance(taken, SyncStep2))
            case AwarenessFrame(payload=payload):
                self._listener.cursors_moved(awareness.decode(payload))
                return []
            case Stored(query=query, number=number):
                document.confirmed(self._resuming.answered(query, number))
                return []
            case _:
                return []

    def _take(self, document: SessionDocument, update: bytes, *, is_answer: bool) -> list[bytes]:
        # On the mentor's side the learner may write everything.
        outcome, changes = document.receive(
            update, others_may_edit=True, others_may_edit_protected=self._role == "mentor"
        )
        match outcome:
            case Gap(reason=reason):
                self._resuming.fell_behind()
                return self._resync(document, reason)
            case Refusal(code=code, reason=reason):
                self._resuming.left_out()
                log.warning("update-refused code=%s reason=%s", code, reason)
                self._listener.update_refused(reason)
            case Admitted():
                self._gaps = 0
                self._resuming.heard()
                self._tell(changes)
            case _:
                pass
        if is_answer:
            self._resuming.caught_up()
        return []

    def _tell(self, changes: Changes) -> None:
        for path, delta in changes.deltas:
            self._listener.text_changed(path, delta)
        if changes.files_changed:
            self._listener.files_changed()
        self._listener.texts_settled()

    def _resync(self, document: SessionDocument, reason: str) -> list[bytes]:
        self._gaps += 1
        log.info("resync reason=%s", reason)
        if self._gaps > RESYNCS_IN_A_ROW_MAX:
            self._listener.update_refused(reason)
            return []
        return [sync_frames.encode_step_1(document.state())]

    def _begin_anew(self, lost: SessionDocument) -> list[bytes]:
        """What the server has not is given up; it stays in the editor's undo history."""
        document = self._begin(lost.author, lost.seed)
        return [sync_frames.encode_step_1(document.state())]

    def _begin(self, author: YjsClientId, seed: YjsClientId) -> SessionDocument:
        document = self.document = SessionDocument(author, seed)
        self._resuming = self._resuming.for_another_document()
        self._listener.document_began()
        return document
