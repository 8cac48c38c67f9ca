"""One shared file and its document in this editor: carries out what the bridge decides.

Owns the order of effects and the tasks that wait for the editor's answers. Does not own the race (`bridge`), the CRDT
(`document`) or the wire. Where this side may only look, what the user types is taken back at once instead of being sent:
the bridge is told that somebody else changed it back. Where it may only propose, it stays in the editor and in a `Draft`,
and never reaches the CRDT from here.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, assert_never

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
    NotSent,
    SendEdit,
    TextEdit,
    Typing,
)
from cm_lsp.sharing.client_profiles import ClientProfile
from cm_lsp.sharing.document import Delta, SessionDocument
from cm_lsp.sharing.draft import Draft, HunkId
from cm_lsp.sharing.edits import Operation, Replacement
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.own_undo import OwnUndo
from cm_lsp.sharing.positions import Position, PositionEncoding, Utf8Offset, units
from cm_lsp.sharing.shared_text import SharedText
from cm_lsp.sharing.undo import OthersChanges
from cm_lsp.tasks import Tasks
from cm_wire import limits, session
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
        typing: Callable[[], Typing],
        send: Callable[[list[bytes]], None],
        not_sent: Callable[[NotSent], None] = lambda _: None,
    ) -> None:
        """`send` takes our own updates; `typing` is asked for every change of the user's.

        `not_sent` is told of a change of the user's that goes nowhere.

        `base` is the text both the editor's document and the shared text come from: what differs from it here is the
        user's, what differs from it there is somebody else's. None where the shared text alone counts.
        """
        self.path = path
        self.uri = uri
        self._document = document
        self._editor = side.editor
        self._typing = typing
        self._send = send
        self._not_sent = not_sent
        self._is_outgrown = False
        self._draft: Draft | None = None
        self._others = OthersChanges() if side.authority is Authority.EDITOR else None
        self._own = OwnUndo()
        self._tasks = Tasks("buffer")
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

    def opened(self, text: str, version: int) -> None:
        self._carry_out(self._bridge.opened(text, version, _now_ms()))

    def changed(self, version: int, changes: Sequence[Change]) -> None:
        self._carry_out(self._bridge.changed(version, changes, _now_ms()))

    def closed(self) -> None:
        self._carry_out(self._bridge.closed(_now_ms()))

    def remote(self, delta: Delta) -> None:
        """Somebody else changed the text; `pump` sends it to the editor."""
        if self._draft is None:
            operation = self._shared.operation_of(delta)
            self._record(operation, self._shared.text, own=False)
        else:
            there = SharedText(self._draft.shared).operation_of(delta)
            operation = self._draft.remote(edits.without_returns(there))
        self._carry_out(self._bridge.remote(operation))

    def put_back(self, delta: Delta) -> None:
        """Somebody changed the text who may not: follow, and take it back at once as the user's own edit."""
        operation = self._shared.operation_of(delta)
        back = edits.invert(edits.without_returns(operation), self._shared.text)
        self._carry_out(self._bridge.remote(operation))
        self.change(back)

    def pump(self) -> None:
        self._carry_out(self._bridge.pump(_now_ms()))

    def tick(self) -> None:
        self._carry_out(self._bridge.tick(_now_ms()))

    def offer(self) -> tuple[TextEdit, ...]:
        """What others changed, for a user who takes it by hand (`Bridge.offer`)."""
        return self._bridge.offer()

    def waiting(self) -> tuple[Position, ...]:
        """Where in the editor that is."""
        return self._bridge.waiting()

    def state(self) -> BridgeState:
        return self._bridge.state(_now_ms())

    def text(self) -> str:
        """The shared text, with plain line ends."""
        return str(self._shared.text)

    def stop(self) -> None:
        """Wait for nothing any more."""
        self._tasks.cancel()

    # What is only proposed.

    @property
    def has_news_to_propose(self) -> bool:
        return self._draft is not None and not self._draft.is_told

    def proposed(self) -> tuple[session.Hunk, ...]:
        """All that is proposed, to be told to the other side now."""
        draft = self._draft
        if draft is None:
            return ()
        hunks = tuple(
            session.Hunk(
                number=hunk.id,
                start=self._place(draft.shared, hunk.change.start),
                end=self._place(draft.shared, hunk.change.end, is_end=bool(hunk.removed)),
                removed=hunk.removed,
                text=hunk.change.text,
            )
            for hunk in draft.publish()
        )
        if draft.is_empty:
            self._draft = None
        return hunks

    def drop_proposal(self, number: int) -> None:
        """The other side has settled it: what of it is still only here goes."""
        if self._draft is not None:
            self._carry_out(self._bridge.remote(self._draft.drop(HunkId(number))))
            self.pump()

    def drop_all_proposals(self) -> str | None:
        """The editor goes back to the shared text; what it had, if that was another text."""
        draft, self._draft = self._draft, None
        if draft is None or draft.is_empty:
            return None
        lost = self.text()
        self._carry_out(self._bridge.remote(draft.drop_all()))
        self.pump()
        return lost

    def located(self, hunk: session.Hunk) -> Replacement | None:
        """Where a proposal of the other side's is now; None when the text under it has become another."""
        pieces = list(self._document.shown_pieces(self.path))
        text = self._shared.text
        start, end = (
            places.of_utf16(text, places.offset_of(pieces, place))
            for place in (hunk.start, hunk.end)
        )
        if end < start or text.slice(start, end) != hunk.removed:
            return None
        return Replacement(start, end, hunk.text)

    def shown_at(self, change: Replacement) -> tuple[Position, Position]:
        """Where a place of the shared text is in this editor."""
        text = self._shared.text
        start, end = (
            self._bridge.to_editor(Utf8Offset(text.utf8_at(at)))
            for at in (change.start, change.end)
        )
        return start, end

    # What is done in the user's name.

    def change(self, operation: Operation) -> None:
        """Change the shared text as the user's own edit; the editor follows."""
        change = ChangeCrdt(operation, self._shared.edits_of(operation))
        self._send(self._document.change(self.path, change))
        self._carry_out(self._bridge.remote(operation))
        self.pump()

    def accept(self, hunk: session.Hunk) -> bool:
        """Make a proposal the user's own edit; False where the text under it has become another."""
        found = self.located(hunk)
        if found is None:
            return False
        operation = edits.replacement(*found)
        self._record(operation, self._shared.text, own=True)
        self.change(operation)
        return True

    @property
    def others_changed_ms(self) -> int | None:
        """When the other side last changed something that can be taken back."""
        return self._others.last_ms if self._others is not None else None

    def take_back(self, *, every: bool) -> bool:
        """Undo the other side's last burst of changes, or all; whether there was anything."""
        others = self._others
        if others is None:
            return False
        operation = others.take_all() if every else others.take_last()
        if operation:
            self._own.record(operation, self._shared.text, own=True, now_ms=_now_ms())
            self.change(operation)
        return bool(operation)

    def undo(self, *, redo: bool) -> bool | None:
        """Take the user's own last burst back, or again; whether there was any. None where typing is no edit here."""
        if self._draft is not None or self._typing() is not Typing.SHARED:
            return None
        text, now_ms = self._shared.text, _now_ms()
        operation = self._own.redo(text, now_ms) if redo else self._own.undo(text, now_ms)
        if operation:
            if self._others is not None:
                self._others.record(operation, text, own=True, now_ms=now_ms)
            self.change(operation)
        return bool(operation)

    # Cursors.

    def place_of(self, position: Position) -> RelativePosition:
        """Where a position of the editor's is in the shared text, as what travels."""
        text = self._shared.text
        offset: int = text.offset_at_utf8(self._bridge.to_crdt(position))
        if self._draft is not None:
            text = self._draft.shared
            offset = min(edits.map_index_back(self._draft.operation, offset), len(text))
        return self._place(text, offset)

    def position_of(self, place: RelativePosition) -> Position:
        """Where a place that came from somebody else is in this editor."""
        return self._bridge.to_editor(self._offset_of(place))

    def position_after_edit_of(self, place: RelativePosition) -> Position:
        """The same for an answer, which the editor reads behind the edit that is on its way to it."""
        return self._bridge.to_editor_after_edit(self._offset_of(place))

    def _offset_of(self, place: RelativePosition) -> Utf8Offset:
        utf16 = places.offset_of(self._document.shown_pieces(self.path), place)
        text = self._shared.text
        if self._draft is None:
            return Utf8Offset(text.utf8_at(places.of_utf16(text, utf16)))
        there = places.of_utf16(self._draft.shared, utf16)
        offset = edits.map_index(self._draft.operation, there, after=False)
        return Utf8Offset(text.utf8_at(min(offset, len(text))))

    def _place(self, text: IndexedText, offset: int, *, is_end: bool = False) -> RelativePosition:
        utf16 = units(text.slice(0, offset), PositionEncoding.UTF16)
        pieces = self._document.shown_pieces(self.path)
        return places.place_after(pieces, utf16) if is_end else places.place_at(pieces, utf16)

    # Effects.

    def _carry_out(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            match effect:
                case ChangeCrdt():
                    self._change_crdt(effect)
                case SendEdit():
                    self._tasks.later(self._send_edit(effect))
                case AwaitBarrier():
                    self._tasks.later(self._await_barrier(effect.id))
                case _:
                    assert_never(effect)

    def _change_crdt(self, change: ChangeCrdt) -> None:
        """Nothing that may not be shared reaches the document: it would differ from everybody else's for good."""
        typing = self._typing()
        if self._is_outgrown or (typing is Typing.SHARED and self._makes_too_long(change)):
            self._refuse_growth(change)
        elif typing is Typing.SHARED and self._draft is None:
            if change.operation:
                self._record(change.operation, _BeforeTyping(self._stored), own=True)
            updates = self._document.change(self.path, change)
            if updates:
                self._send(updates)
        elif not change.operation:
            return  # carriage returns of somebody's: whoever may write takes them out
        elif typing is Typing.TAKEN_BACK and self._draft is None:
            self._take_back_typed(change)
            self._not_sent(NotSent.NOT_ALLOWED)
        else:
            self._draft = self._draft or Draft(self._stored())
            self._draft.typed(change.operation)

    def _take_back_typed(self, change: ChangeCrdt) -> None:
        self._carry_out(self._bridge.remote(edits.invert(change.operation, self._stored())))
        asyncio.get_running_loop().call_soon(self.pump)

    def _makes_too_long(self, change: ChangeCrdt) -> bool:
        """Only what is inserted can; a text that is too long already may be made shorter."""
        grown = sum(len(edit.text.encode()) - (edit.end - edit.start) for edit in change.edits)
        text = self._shared.text
        return grown > 0 and text.utf8_at(len(text)) > limits.FILE_GROWN_BYTES_MAX

    def _refuse_growth(self, change: ChangeCrdt) -> None:
        """The learner's file is theirs and stays as it is, shared no more; a mentor's typing is taken back."""
        if self._others is None:
            self._take_back_typed(change)
            self._not_sent(NotSent.OUTGROWN)
        elif not self._is_outgrown:
            self._is_outgrown = True
            self._not_sent(NotSent.OUTGROWN)

    def _record(self, operation: Operation, before: edits.Sliced, *, own: bool) -> None:
        """For `take_back` and `undo`: what anybody changed, and the text it was made to."""
        self._own.record(operation, before, own=own, now_ms=_now_ms())
        if self._others is not None:
            self._others.record(operation, before, own=own, now_ms=_now_ms())

    def _stored(self) -> IndexedText:
        """The text of the document, which what was typed just now is not in."""
        return shared_texts.shared_text(self._document.text(self.path))[0].text

    async def _send_edit(self, edit: SendEdit) -> None:
        applied, version = await self._editor.apply(self.uri, edit)
        self._carry_out(
            self._bridge.answered(edit.id, applied=applied, version=version, now_ms=_now_ms())
        )

    async def _await_barrier(self, edit_id: EditId) -> None:
        await self._editor.barrier()
        self._carry_out(self._bridge.barrier_passed(edit_id, _now_ms()))


class _BeforeTyping:
    """The text before a change that the editor reported; made only where something was deleted, since it takes reading it all."""

    def __init__(self, stored: Callable[[], IndexedText]) -> None:
        self._stored = stored
        self._text: IndexedText | None = None

    def slice(self, start: int, end: int) -> str:
        self._text = self._text or self._stored()
        return self._text.slice(start, end)


def _now_ms() -> int:
    return int(asyncio.get_running_loop().time() * 1000)
