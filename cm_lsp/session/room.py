"""One live session in this editor: its files as buffers, its cursors, its state as the user sees it.

Owns what an event of the editor or of the session changes here. Does not own the race between texts (`sharing`), frames
(`sync`) or commands to the server (`app` hands them in). The learner's side shares what its user chose, the mentor's side
opens what is shared; that is all the difference there is.
"""

import asyncio
import logging
from collections.abc import Sequence
from functools import partial
from typing import Final

from cm_lsp import lsp_ext
from cm_lsp.documents import OpenDocument
from cm_lsp.session import kept_texts, share_table, views
from cm_lsp.session.answering import Answering
from cm_lsp.session.choosing import Choosing
from cm_lsp.session.cursors import Cursors
from cm_lsp.session.divergence import Divergence
from cm_lsp.session.drawing import Drawing
from cm_lsp.session.files_on_disk import FilesOnDisk
from cm_lsp.session.following import Following
from cm_lsp.session.hidden_characters import HiddenCharacters
from cm_lsp.session.looking_up import LookingUp
from cm_lsp.session.lost_reports import LostReports
from cm_lsp.session.mode_guard import ModeGuard
from cm_lsp.session.place import Place
from cm_lsp.session.proposing import Proposing
from cm_lsp.session.share_table import ShareTable
from cm_lsp.session.showing import Showing
from cm_lsp.session.storing import StoreWatch
from cm_lsp.session.sync import Sync
from cm_lsp.session.taking_back import TakingBack
from cm_lsp.session.typed_secrets import TypedSecrets
from cm_lsp.session.waiting_changes import WaitingChanges
from cm_lsp.sharing import document as session_documents
from cm_lsp.sharing.bridge_messages import Authority, Change, NotSent, Typing
from cm_lsp.sharing.buffer import Buffer, EditorSide
from cm_lsp.sharing.document import Delta, SessionDocument
from cm_lsp.sharing.positions import Position
from cm_lsp.tasks import Tasks
from cm_lsp.to_server.backoff import Backoff
from cm_lsp.to_server.channel import DocumentChannel
from cm_wire.ids import FilePath, YjsClientId
from cm_wire.session import FileDiagnostics, SessionView, SharedFile
from cm_wire.to_server import Command
from cm_wire.yjs.awareness import Entry

log = logging.getLogger(__name__)

TICK_SECONDS: Final = 0.25
CURSOR_RENEWAL_SECONDS: Final = 15.0


class Room:
    """From the first SessionChanged to the last. Methods are called on the event loop only."""

    def __init__(self, view: SessionView, place: Place) -> None:
        self.view = view
        self.table = ShareTable()
        self._place = place
        self._buffers: dict[FilePath, Buffer] = {}
        self._cursors = Cursors()
        self._showing = Showing(place, view.session_id)
        self._sync = Sync(view.you, self)
        self.choosing = Choosing(place, self.table, self._buffers, lambda: self.view)
        self.on_disk = FilesOnDisk(
            place, self.table, self._buffers, self.choosing, lambda: self.view, self.opened
        )
        self._waiting: set[FilePath] = set()
        """Files of the learner's that are shared and not open: which changes are whose is known only when they are."""
        self.reports: dict[FilePath, FileDiagnostics] = {}
        """The learner's diagnostics as last told, of files that are open here or not yet."""
        self._before: dict[FilePath, str] = {}
        """What each file was here when the document began anew: kept for the user where it was another text."""
        self.taking_back = TakingBack(self._buffers, self.table)
        self.following = Following(place, self._cursors, self.table, self._buffers)
        self._hidden = HiddenCharacters(place, self._buffers, lambda: self.view)
        self.proposing = Proposing(place, self._buffers, lambda: self.view, self._hidden.came)
        self.looking_up = LookingUp(place, self.table, self._buffers, lambda: self.view)
        self.answering = Answering(
            place, self.table, self._buffers, lambda: self.view, self.tell_session
        )
        self.waiting_changes = WaitingChanges(place, self._buffers, lambda: self.view)
        self._divergence = Divergence(view.session_id, self._tell_server)
        self._secrets = TypedSecrets(place, lambda: self.view, self.table.uri)
        self._mode_guard = ModeGuard(_now(), self._is_in_other_window)
        self.lost_reports = LostReports(place, self.table.path, self.changed_text)
        self._store_watch = StoreWatch()
        self._drawing = Drawing(place, self._cursors, self._buffers)
        self._cursor_told_at = 0.0
        self._tasks = Tasks("session")
        self._channel = DocumentChannel(
            place.settings.server_url,
            view.session_id,
            place.settings.token,
            client=place.client,
            backoff=Backoff(place.randomness),
            peer=self._sync,
            merged=session_documents.merged,
        )
        authority = Authority.EDITOR if view.you == "learner" else Authority.CRDT
        encoding = place.documents.encoding
        self._side = EditorSide(place.editor, place.profile, encoding, authority)

    def start(self) -> None:
        self._tasks.later(self._run_channel())
        self._tasks.later(self._tick_for_ever())
        if self.view.you == "mentor":
            self.looking_up.begin()

    def stop(self) -> None:
        """The session is over here, or the editor goes: no text changes any more, what is open stays as it is."""
        self._tasks.cancel()
        for buffer in self._buffers.values():
            buffer.stop()
        self._drawing.clear()
        self._buffers.clear()
        if self.view.you == "mentor":
            self._showing.end()

    def mode_chosen(self) -> None:
        """By the learner: edits made in the new mode may come before the server's word of it."""
        self._mode_guard.mode_changed(_now())

    def changed(self, view: SessionView) -> None:
        """The server told the state anew."""
        before, self.view = self.view, view
        if before.mode != view.mode:
            self._mode_guard.mode_changed(_now())
        if view.you == "mentor":
            self._showing.changed(before, view)
            if views.is_over(view):
                self.looking_up.end()
        self.proposing.mode_changed()
        self.tell_session()
        self._drawing.cursors_now()

    def tell_session(self) -> None:
        shape = views.shape(self.view, self.table.uris(), look_ups=self.answering.is_allowed)
        self._place.editor.notify(lsp_ext.SESSION, shape)

    # What the editor reports.

    def opened(self, document: OpenDocument) -> None:
        self.on_disk.opened(document)
        path = self.table.path(document.uri)
        if path is not None and path in self._waiting and self._sync.document is not None:
            self._add(path, self._sync.document)
            return
        buffer = self._buffer_at(document.uri)
        if buffer is not None:
            buffer.uri = document.uri
            buffer.opened(str(document.text), document.version)
            self._hidden.changed(buffer.path, _now())
            self._tell_sync()
            self._drawing.cursors_now()

    def changed_text(self, uri: str, version: int, changes: Sequence[Change]) -> None:
        buffer = self._buffer_at(uri)
        if buffer is not None:
            buffer.changed(version, changes)
            self._hidden.changed(buffer.path, _now())
            self._drawing.cursors_soon()

    def closed(self, uri: str) -> None:
        buffer = self._buffer_at(uri)
        if buffer is not None:
            buffer.closed()
            self._tell_sync()

    def cursor_moved(self, uri: str, anchor: Position, head: Position) -> None:
        """The user's own cursor, reported or inferred."""
        buffer = self._buffer_at(uri)
        document = self._sync.document
        if document is None:
            return
        if buffer is None:
            self._cursors.leave()
        elif not self._cursors.move_own(buffer, anchor, head):
            return
        self._channel.show_cursor(self._cursors.own_awareness(document.author))
        self._cursor_told_at = _now()

    # What the user commands.

    def shared_text(self, uri: str) -> lsp_ext.SharedText | None:
        """What a plugin fills a shared buffer with."""
        path = share_table.path_of_shared_uri(uri, self.view.session_id)
        buffer = self._buffers.get(path) if path is not None else None
        if buffer is None:
            return None
        file = self._file(path)
        read_only = self._typing(path if file else None) is Typing.TAKEN_BACK
        language_id = file.language_id if file else ""
        return lsp_ext.SharedText(text=buffer.text(), language_id=language_id, read_only=read_only)

    # What the channel reports (`sync.Listener`).

    def document_began(self) -> None:
        for path, buffer in self._buffers.items():
            buffer.stop()
            self._before[path] = buffer.text()
        self._buffers.clear()
        self._waiting.clear()

    def files_changed(self) -> None:
        document = self._sync.document
        assert document is not None
        present = document.paths()
        for path in (*self._buffers, *self._waiting):
            if path not in present:
                self._drop(path)
        for path in sorted(present):
            if path not in self._buffers:
                self._add(path, document)
        self.tell_session()

    def text_changed(self, path: FilePath, delta: Delta) -> None:
        buffer = self._buffers.get(path)
        if buffer is None:
            return
        now, was_missed = _now(), self._sync.is_catching_up
        if not self._mode_guard.is_uncalled_for(self.view, now, was_missed=was_missed):
            self._hidden.came(path, session_documents.inserted(delta))
            buffer.remote(delta)
            return
        log.error("edit-against-the-mode session=%s", self.view.session_id)
        buffer.put_back(delta)
        if words := self._mode_guard.words(self.view, now):
            self._place.editor.say_wrong(f"Codementor: {words}")

    def texts_settled(self) -> None:
        for buffer in self._buffers.values():
            buffer.pump()
        self._drawing.cursors_soon()

    def cursors_moved(self, entries: list[Entry]) -> None:
        document = self._sync.document
        if document is None:
            return
        self._cursors.heard(entries, document.author)
        self._drawing.cursors_soon()
        self.following.cursors_moved()

    def connection_changed(self, *, is_connected: bool) -> None:
        if not is_connected:
            self._mode_guard.line_lost(_now())
            self._cursors.forget_others()
            self._drawing.cursors_soon()
        self._tell_sync()

    def update_refused(self, reason: str) -> None:
        log.error("update-refused session=%s reason=%s", self.view.session_id, reason)
        self._place.editor.say_wrong(
            "Codementor: a change from the other side was refused because it was not well-formed."
        )

    def edits_stored(self, author: YjsClientId, clock: int) -> None:
        if self._sync.document is not None:
            self._sync.document.stored(author, clock)

    async def resync(self) -> None:
        """The texts were found to differ: read the server's anew. Ours is kept in a file, where it was another."""
        self._sync.refused()
        await self._channel.reconnect()

    # Within.

    def _add(self, path: FilePath, document: SessionDocument) -> None:
        uri = self._uri_for(path, document)
        if uri is None:
            return
        self.table.add(path, uri)
        open_document = self._place.documents.get(uri)
        base = self._base(path, open_document)
        if self.view.you == "learner" and base is None:
            self._waiting.add(path)
            return
        self._waiting.discard(path)
        buffer = Buffer(
            path,
            uri,
            document,
            self._side,
            base=base,
            typing=lambda: self._typing(path),
            send=partial(self._send_typed, path),
            not_sent=partial(self._not_sent, path),
        )
        self._buffers[path] = buffer
        self._hidden.came_before(path, base)
        self._secrets.began(path, buffer.text())
        before = self._before.pop(path, None)
        if before is not None and before != buffer.text():
            kept_texts.keep(self._place, path, before, "A file was read anew from the server.")
        if open_document is not None:
            self.opened(open_document)
        elif self.view.you == "mentor":
            self._showing.show(path, uri)
        log.info("file-shared session=%s", self.view.session_id)

    def _send_typed(self, path: FilePath, updates: list[bytes]) -> None:
        self._channel.send_updates(updates)
        self._secrets.typed(path, _now())

    def _not_sent(self, path: FilePath, why: NotSent) -> None:
        if why is NotSent.OUTGROWN:
            self.on_disk.outgrown(path)
        else:
            self.proposing.say_taken_back()

    def _base(self, path: FilePath, open_document: OpenDocument | None) -> str | None:
        """What the editor's text and the shared text come from.

        Just shared: what was sent. Later, as after a restart: what the editor has, so that it gets what is missing there and
        nothing that others wrote is taken for deleted.
        """
        sent = self.choosing.sent_texts.pop(path, None)
        if self.view.you == "mentor" or sent is not None:
            return sent
        return str(open_document.text) if open_document is not None else None

    def _drop(self, path: FilePath) -> None:
        self._waiting.discard(path)
        self.reports.pop(path, None)
        buffer = self._buffers.pop(path, None)
        self._secrets.left(path)
        self._hidden.left(path)
        if buffer is not None:
            buffer.stop()
        uri = self.table.uri(path)
        self.table.remove(path)
        if uri is not None:
            is_open = self._place.documents.get(uri) is not None
            self._drawing.left(path, uri, is_open=is_open)
            if self.view.you == "mentor":
                self._showing.left(path, is_open=is_open)

    def _uri_for(self, path: FilePath, document: SessionDocument) -> str | None:
        if self.view.you == "learner":
            known = self.table.uri(path) or self.choosing.places.all().get(path)
            file = self._file(path)
            name = file.name if file is not None else path
            return known or share_table.own_file(name, self._place.roots, self._place.documents)
        return self._showing.address(path, document.text(path))

    def _file(self, path: FilePath | None) -> SharedFile | None:
        return next((file for file in self.view.files if file.path == path), None)

    def _typing(self, path: FilePath | None) -> Typing:
        file = self._file(path)
        return views.typing(self.view, read_only_file=bool(file and file.read_only))

    def _tell_server(self, told: Command) -> None:
        self._tasks.later(self._place.send(told))

    def _tell_sync(self) -> None:
        late = self._store_watch.is_late
        self._drawing.sync_states(is_connected=self._sync.is_connected, is_late=late)

    def _buffer_at(self, uri: str) -> Buffer | None:
        path = self.table.path(uri)
        return self._buffers.get(path) if path is not None else None

    def _is_in_other_window(self) -> bool:
        return self._cursors.is_here(self.view.learner.person)

    # Tasks.

    async def _run_channel(self) -> None:
        closed = await self._channel.run()
        log.info("channel-over session=%s code=%s", self.view.session_id, closed)

    async def _tick_for_ever(self) -> None:
        while True:
            await asyncio.sleep(TICK_SECONDS)
            now = _now()
            for buffer in tuple(self._buffers.values()):
                buffer.tick()
            self._store_watch.tick(self._sync.document, now)
            self._tell_sync()
            self.waiting_changes.tick(now)
            self.proposing.tick()
            self.on_disk.tick(now)
            self._secrets.tick(now)
            self._hidden.tick(now)
            self.lost_reports.tick(now)
            document = self._sync.document
            if document is None or not self._sync.is_connected:
                continue
            self._divergence.tick(document, now)
            if now - self._cursor_told_at > CURSOR_RENEWAL_SECONDS:
                self._cursor_told_at = now
                self._channel.show_cursor(self._cursors.own_awareness(document.author))


def _now() -> float:
    return asyncio.get_running_loop().time()
