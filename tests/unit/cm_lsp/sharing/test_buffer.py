"""One shared file between an editor that applies what it is sent and a document that others change too."""

import asyncio
from collections.abc import Callable, Sequence

from pycrdt import Doc, Map, Text

from cm_lsp.sharing.bridge_messages import (
    Authority,
    Change,
    ChangeCrdt,
    NotSent,
    RangeChange,
    SendEdit,
    Typing,
    Utf8Edit,
)
from cm_lsp.sharing.buffer import Buffer, EditorSide
from cm_lsp.sharing.client_profiles import STANDARD
from cm_lsp.sharing.document import SessionDocument
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.positions import Position, PositionEncoding, Utf8Offset
from cm_wire import limits
from cm_wire.ids import FilePath, YjsClientId
from cm_wire.yjs.verdict import Admitted
from tests.support.waiting import until

SEED, US, OTHER = YjsClientId(1), YjsClientId(5), YjsClientId(9)
PATH = FilePath("app.py")
UTF16 = PositionEncoding.UTF16


class OneBuffer:
    """The editor's side: applies every edit and reports it."""

    def __init__(self, text: str) -> None:
        self.text = IndexedText(text)
        self.version = 1
        self.report: Callable[[int, Sequence[Change]], None] = lambda *_: None

    async def apply(self, uri: str, edit: SendEdit) -> tuple[bool, int | None]:
        if edit.version != self.version:
            return False, None
        self.version += 1
        changes = [RangeChange(one.start, one.end, one.text) for one in edit.edits]
        for change in changes:
            first = self.text.offset_at(change.start, UTF16)
            self.text.replace(first, self.text.offset_at(change.end, UTF16), change.text)
        asyncio.get_running_loop().call_soon(self.report, self.version, changes)
        return True, None

    async def barrier(self) -> None:
        return


def two_copies(text: str) -> tuple[SessionDocument, SessionDocument]:
    doc: Doc[Map[Text]] = Doc(client_id=SEED)
    doc.get("files", type=Map)[PATH] = Text(text)
    ours, theirs = SessionDocument(US, SEED), SessionDocument(OTHER, SEED)
    for copy in (ours, theirs):
        copy.receive(doc.get_update(), others_may_edit=True, others_may_edit_protected=True)
    return ours, theirs


def write(document: SessionDocument, at: int, text: str) -> bytes:
    edit = Utf8Edit(Utf8Offset(at), Utf8Offset(at), text)
    (update,) = document.change(PATH, ChangeCrdt((), (edit,)))
    return update


def receive(buffer: Buffer, document: SessionDocument, update: bytes) -> None:
    outcome, changes = document.receive(
        update, others_may_edit=True, others_may_edit_protected=True
    )
    assert isinstance(outcome, Admitted)
    for _, delta in changes.deltas:
        buffer.remote(delta)
    buffer.pump()


def buffer_over(
    document: SessionDocument,
    editor: OneBuffer,
    base: str | None,
    *,
    typing: Typing = Typing.SHARED,
    sent: list[bytes] | None = None,
    not_sent: list[NotSent] | None = None,
) -> Buffer:
    side = EditorSide(
        editor, STANDARD, UTF16, Authority.EDITOR if base is not None else Authority.CRDT
    )
    kept = [] if sent is None else sent
    buffer = Buffer(
        PATH,
        "file:///app.py",
        document,
        side,
        base=base,
        typing=lambda: typing,
        send=kept.extend,
        not_sent=(not_sent if not_sent is not None else []).append,
    )
    editor.report = buffer.changed
    return buffer


def opened(buffer: Buffer, editor: OneBuffer) -> None:
    text = IndexedText(str(editor.text))
    buffer.opened(str(text), editor.version)


async def test_what_the_mentor_wrote_before_the_learners_buffer_was_bound_is_not_taken_for_deleted() -> (
    None
):
    ours, theirs = two_copies("one\ntwo\n")
    ours.receive(write(theirs, 4, "mentor\n"), others_may_edit=True, others_may_edit_protected=True)
    editor = OneBuffer("one\ntwo\ntyped since\n")
    sent: list[bytes] = []
    buffer = buffer_over(ours, editor, "one\ntwo\n", sent=sent)
    opened(buffer, editor)
    whole = "one\nmentor\ntwo\ntyped since\n"
    await until(lambda: str(editor.text) == whole, "both in the editor")
    for update in sent:
        theirs.receive(update, others_may_edit=True, others_may_edit_protected=True)
    assert theirs.text(PATH) == ours.text(PATH) == whole


async def test_edits_go_both_ways_at_once() -> None:
    ours, theirs = two_copies("🌴\n")
    editor = OneBuffer("🌴\n")
    sent: list[bytes] = []
    buffer = buffer_over(ours, editor, "🌴\n", sent=sent)
    opened(buffer, editor)
    receive(buffer, ours, write(theirs, 4, " theirs"))
    editor.text.replace(0, 0, "ours ")
    editor.version += 1
    start = Position(0, 0)
    buffer.changed(editor.version, [RangeChange(start, start, "ours ")])
    await until(lambda: str(editor.text) == "ours 🌴 theirs\n", "the merged text")
    for update in sent:
        theirs.receive(update, others_may_edit=True, others_may_edit_protected=True)
    assert theirs.text(PATH) == ours.text(PATH) == "ours 🌴 theirs\n"


async def test_what_may_not_be_typed_is_taken_back_and_never_sent() -> None:
    ours, _ = two_copies("text\n")
    editor = OneBuffer("text\n")
    sent: list[bytes] = []
    buffer = buffer_over(ours, editor, None, typing=Typing.TAKEN_BACK, sent=sent)
    opened(buffer, editor)
    editor.text.replace(0, 0, "no ")
    editor.version += 1
    start = Position(0, 0)
    buffer.changed(editor.version, [RangeChange(start, start, "no ")])
    await until(lambda: str(editor.text) == "text\n", "the typing to be taken back")
    assert sent == []
    assert ours.text(PATH) == "text\n"


async def test_a_cursor_stands_at_the_same_text_in_both_editors() -> None:
    ours, theirs = two_copies("🌴 palm\n")
    here, there = OneBuffer("🌴 palm\n"), OneBuffer("🌴 palm\n")
    left, right = buffer_over(ours, here, "🌴 palm\n"), buffer_over(theirs, there, None)
    opened(left, here)
    opened(right, there)
    place = left.place_of(Position(0, 3))
    assert right.position_of(place) == Position(0, 3)
    receive(right, theirs, write(ours, 0, "🌴🌴"))
    await until(lambda: str(there.text).startswith("🌴🌴🌴"), "the edit")
    assert right.position_of(place) == Position(0, 7)


async def test_what_a_mentor_types_beyond_the_size_of_a_shared_file_is_taken_back() -> None:
    full = "x" * limits.FILE_GROWN_BYTES_MAX
    ours, _ = two_copies(full)
    editor, sent, not_sent = OneBuffer(full), list[bytes](), list[NotSent]()
    buffer = buffer_over(ours, editor, None, sent=sent, not_sent=not_sent)
    opened(buffer, editor)
    type_at(editor, 1, "é")
    await until(lambda: str(editor.text) == full, "the letter to go")
    assert (sent, not_sent) == ([], [NotSent.OUTGROWN])
    type_at(editor, 0, "", deleted=3)
    type_at(editor, 0, "é")
    assert ours.text(PATH) == "é" + full[3:]


async def test_a_learner_whose_file_outgrows_the_session_keeps_every_letter_of_it() -> None:
    full = "x" * limits.FILE_GROWN_BYTES_MAX
    ours, _ = two_copies(full)
    editor, sent, not_sent = OneBuffer(full), list[bytes](), list[NotSent]()
    buffer = buffer_over(ours, editor, full, sent=sent, not_sent=not_sent)
    opened(buffer, editor)
    type_at(editor, 1, "more")
    type_at(editor, 0, "and more")
    assert (sent, not_sent) == ([], [NotSent.OUTGROWN])
    assert str(editor.text) == "and more" + full[:1] + "more" + full[1:]


def type_at(editor: OneBuffer, offset: int, text: str, deleted: int = 0) -> None:
    """As a user does: one change, one version."""
    start = editor.text.position_at(offset, UTF16)
    end = editor.text.position_at(offset + deleted, UTF16)
    editor.text.replace(offset, offset + deleted, text)
    editor.version += 1
    editor.report(editor.version, [RangeChange(start, end, text)])
