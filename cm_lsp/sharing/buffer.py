"""One shared file and its document in this editor: carries out what the bridge decides.

Owns the order of effects and the tasks that wait for the editor's answers. Does not own the race (`bridge`), the CRDT
(`document`) or the wire. Where this side may not edit the file, what the user types is taken back at once instead of
being sent: the bridge is told that somebody else changed it back.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

from cm_lsp.documents import OpenDocument
from cm_lsp.sharing import differences, edits, places
from cm_lsp.sharing import shared_text as shared_texts
from cm_lsp.sharing.bridge import Bridge
from cm_lsp.sharing.bridge_messages import (
    Authority,
    AwaitBarrier,
    BridgeState,
    Change,
    ChangeCrdt,
    EditId,
    Effect,
    SendEdit,
)
from cm_lsp.sharing.client_profiles import ClientProfile
from cm_lsp.sharing.document import Delta, SessionDocument
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.positions import Position, PositionEncoding, Utf8Offset, units
from cm_wire.ids import FilePath
from cm_wire.yjs.awareness import RelativePosition


class EditsTexts(Protocol):
    """The part of the editor a buffer needs (`cm_lsp.to_editor.Editor`)."""

    async def apply(self, uri: str, edit: SendEdit, /) -> tuple[bool, int | None]: ...

    async def barrier(self) -> None: ...


@dataclass(frozen=True, slots=True)
class EditorSide:
    """The editor as a buffer sees it; the same for all buffers of a session."""

    editor: EditsTexts
    profile: ClientProfile
    encoding: PositionEncoding
    authority: Authority


class Buffer:
    """Closed until the editor has the document open."""

    def __init__(
        self,
        path: FilePath,
        uri: str,
        document: SessionDocument,
        side: EditorSide,
        *,
        base: str | None,
        may_edit: Callable[[], bool],
        send: Callable[[list[bytes]], None],
    ) -> None:
        """`send` takes our own updates; `may_edit` is asked for every change of the user's.

        `base` is the text both the editor's document and the shared text come from: what differs from it here is the
        user's, what differs from it there is somebody else's. None where the shared text alone counts.
        """
        self.path = path
        self.uri = uri
        self._document = document
        self._editor = side.editor
        self._may_edit = may_edit
        self._send = send
        self._tasks: set[asyncio.Task[None]] = set()
        crdt_text = document.text(path)
        self._shared, taken_out = shared_texts.shared_text(crdt_text if base is None else base)
        self._bridge = Bridge(
            self._shared, profile=side.profile, encoding=side.encoding, authority=side.authority
        )
        self._carry_out(taken_out)
        if base is not None:
            self._carry_out(self._bridge.remote(differences.diff(base, crdt_text)))

    @property
    def is_open(self) -> bool:
        return self._bridge.is_open

    def opened(self, open_document: OpenDocument) -> None:
        text, version = str(open_document.text), open_document.version
        self._carry_out(self._bridge.opened(text, version, _now_ms()))

    def changed(self, version: int, changes: Sequence[Change]) -> None:
        self._carry_out(self._bridge.changed(version, changes, _now_ms()))

    def closed(self) -> None:
        self._carry_out(self._bridge.closed(_now_ms()))

    def remote(self, delta: Delta) -> None:
        """Somebody else changed the text; `pump` sends it to the editor."""
        self._carry_out(self._bridge.remote(self._shared.operation_of(delta)))

    def pump(self) -> None:
        self._carry_out(self._bridge.pump(_now_ms()))

    def tick(self) -> None:
        self._carry_out(self._bridge.tick(_now_ms()))

    def state(self) -> BridgeState:
        return self._bridge.state(_now_ms())

    def text(self) -> str:
        """The shared text, with plain line ends."""
        return str(self._shared.text)

    def stop(self) -> None:
        """Wait for nothing any more."""
        for task in tuple(self._tasks):
            task.cancel()

    # Cursors.

    def place_of(self, position: Position) -> RelativePosition:
        """Where a position of the editor's is in the shared text, as what travels."""
        text = self._shared.text
        before = text.slice(0, text.offset_at_utf8(self._bridge.to_crdt(position)))
        offset = units(before, PositionEncoding.UTF16)
        return places.place_at(self._document.shown_pieces(self.path), offset)

    def position_of(self, place: RelativePosition) -> Position:
        """Where a place that came from somebody else is in this editor."""
        offset = places.offset_of(self._document.shown_pieces(self.path), place)
        text = self._shared.text
        line_and_column = _position_of_utf16(text, offset)
        return self._bridge.to_editor(Utf8Offset(text.utf8_at(line_and_column)))

    # Effects.

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case ChangeCrdt():
                    self._change_crdt(effect)
                case SendEdit():
                    self._later(self._send_edit(effect))
                case AwaitBarrier():
                    self._later(self._await_barrier(effect.id))
                case _:
                    assert_never(effect)

    def _change_crdt(self, change: ChangeCrdt) -> None:
        if not change.operation or self._may_edit():
            updates = self._document.change(self.path, change)
            if updates:
                self._send(updates)
            return
        before = IndexedText(self._document.text(self.path))
        back = edits.invert(change.operation, before)
        self._carry_out(self._bridge.remote(back))
        asyncio.get_running_loop().call_soon(self.pump)

    async def _send_edit(self, edit: SendEdit) -> None:
        applied, version = await self._editor.apply(self.uri, edit)
        self._carry_out(
            self._bridge.answered(edit.id, applied=applied, version=version, now_ms=_now_ms())
        )

    async def _await_barrier(self, edit_id: EditId) -> None:
        await self._editor.barrier()
        self._carry_out(self._bridge.barrier_passed(edit_id, _now_ms()))

    def _later(self, work: Awaitable[None]) -> None:
        task = asyncio.ensure_future(work)
        assert isinstance(task, asyncio.Task)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


def _position_of_utf16(text: IndexedText, offset: int) -> int:
    """The code point offset of an offset in UTF-16 units, at most the text's end."""
    whole = str(text)
    if whole.isascii():
        return min(offset, len(whole))
    prefix = whole.encode("utf-16-le")[: 2 * offset]
    return len(prefix.decode("utf-16-le", "ignore"))


def _now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1000)
