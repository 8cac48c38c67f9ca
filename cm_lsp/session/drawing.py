"""Shows how a session's documents stand: the other's cursor, and how far each text is.

Owns when something is drawn: a plugin at once, plain LSP a few times a second, nothing twice. Does not own what there is to
show (`cursors`, `sharing.buffer`).
"""

import asyncio
from collections.abc import Mapping
from typing import Final

from cm_lsp import lsp_ext
from cm_lsp.session.cursors import Cursors
from cm_lsp.session.place import Place
from cm_lsp.sharing.bridge_messages import BridgeState
from cm_lsp.sharing.buffer import Buffer
from cm_wire.ids import FilePath

MARKS_SECONDS: Final = 0.2
"""Cursors drawn by plain LSP are drawn anew this often at most."""

_SYNC_STATE: Final[dict[BridgeState, lsp_ext.SyncState]] = {
    BridgeState.CLOSED: "closed",
    BridgeState.IN_STEP: "inSync",
    BridgeState.SENDING: "sending",
    BridgeState.WAITING: "waitingForEditor",
    BridgeState.REFUSED: "refused",
    BridgeState.CALMING: "waitingForEditor",
}


class Drawing:
    """`buffers` is the room's own table, as it is at the time."""

    def __init__(
        self,
        place: Place,
        cursors: Cursors,
        buffers: Mapping[FilePath, Buffer],
    ) -> None:
        self._editor = place.editor
        self._marks = place.marks
        self._cursors = cursors
        self._buffers = buffers
        self._round_trip_ms = place.round_trip_ms
        self._due: asyncio.TimerHandle | None = None
        self._told: dict[FilePath, lsp_ext.SyncState] = {}

    def cursors_soon(self) -> None:
        if self._editor.claims.cursors:
            self.cursors_now()
        elif self._due is None:
            self._due = asyncio.get_running_loop().call_later(MARKS_SECONDS, self.cursors_now)

    def cursors_now(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
        for path, buffer in self._buffers.items():
            cursors = self._cursors.in_file(path, buffer)
            of_document = self._marks.of(buffer.uri)
            if cursors != of_document.cursors and buffer.is_open:
                of_document.cursors = cursors
                self._draw(buffer.uri)

    def clear(self) -> None:
        """Take everything of ours out of the margins."""
        if self._due is not None:
            self._due.cancel()
        for buffer in self._buffers.values():
            self._marks.forget(buffer.uri)
            if buffer.is_open:
                self._editor.publish_diagnostics(buffer.uri, [])
                self._draw(buffer.uri)

    def left(self, path: FilePath, uri: str, *, is_open: bool) -> None:
        """A file left the session: nothing of ours stays in its margins."""
        self._told.pop(path, None)
        self._marks.forget(uri)
        shape = lsp_ext.Sync(uri=uri, state="closed", round_trip_ms=self._round_trip_ms())
        self._editor.notify(lsp_ext.SYNC, shape)
        if is_open:
            self._editor.publish_diagnostics(uri, [])
            self._draw(uri)

    def sync_states(self, *, is_connected: bool, is_late: bool) -> None:
        """Tell each document's state where it is another than before; `is_late` says an edit waits for the server's disk."""
        for path, buffer in self._buffers.items():
            state: lsp_ext.SyncState = _SYNC_STATE[buffer.state()] if is_connected else "offline"
            if is_late and state == "inSync":
                state = "sending"
            if self._told.get(path) == state:
                continue
            self._told[path] = state
            shape = lsp_ext.Sync(uri=buffer.uri, state=state, round_trip_ms=self._round_trip_ms())
            self._editor.notify(lsp_ext.SYNC, shape)

    def _draw(self, uri: str) -> None:
        of_document = self._marks.of(uri)
        if self._editor.claims.cursors:
            shape = lsp_ext.Cursors(uri=uri, cursors=of_document.cursors)
            self._editor.notify(lsp_ext.CURSORS, shape)
        else:
            self._editor.publish_diagnostics(uri, of_document.diagnostics(with_cursors=True))
            self._editor.refresh_marks()
