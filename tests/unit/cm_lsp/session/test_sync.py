"""What the peer of a document channel sends, and when it begins anew."""

import pytest

from cm_lsp.session.resuming import UPDATES_PER_QUERY
from cm_lsp.session.sync import Sync
from cm_lsp.sharing.bridge_messages import ChangeCrdt, Utf8Edit
from cm_lsp.sharing.document import Delta
from cm_lsp.sharing.positions import Utf8Offset
from cm_server.session import document
from cm_wire.ids import FilePath, YjsClientId
from cm_wire.yjs import sync_frames
from cm_wire.yjs.awareness import Entry

US, SEED = YjsClientId(5), YjsClientId(1)
PATH, NOWHERE = FilePath("a.py"), Utf8Offset(0)


class Heard:
    """Counts how often the document began."""

    def __init__(self) -> None:
        self.began = 0

    def document_began(self) -> None:
        self.began += 1

    def files_changed(self) -> None: ...
    def text_changed(self, path: FilePath, delta: Delta, /) -> None: ...
    def texts_settled(self) -> None: ...
    def cursors_moved(self, entries: list[Entry], /) -> None: ...
    def connection_changed(self, *, is_connected: bool) -> None: ...
    def update_refused(self, reason: str, /) -> None: ...


@pytest.fixture
def heard() -> Heard:
    return Heard()


def test_nothing_is_sent_on_a_new_connection_before_the_server_has_asked(heard: Heard) -> None:
    sync = Sync("learner", heard)
    seen = []
    for _ in range(2):
        sync.connected(US, SEED)
        seen.append(sync.may_send)
        (answer,) = sync.received(sync_frames.encode_step_1(b"\0"))
        assert isinstance(sync_frames.decode(answer), sync_frames.SyncStep2)
        seen.append(sync.may_send)
        sync.disconnected()
        seen.append(sync.may_send)
    assert seen == [False, True, False] * 2


def test_a_copy_that_was_thrown_away_while_the_line_came_back_is_not_gone_on_with(
    heard: Heard,
) -> None:
    sync, server = with_a_number(heard)
    sync.disconnected()
    sync.refused()
    (first,) = sync.connected(US, SEED, is_resumed=True)
    asked = sync_frames.decode(first)
    assert isinstance(asked, sync_frames.SyncStep1)
    sync.received(sync_frames.encode_step_2(server.since(asked.state_vector)))
    assert sync.document is not None
    assert sync.document.paths() == {PATH}


def test_an_answer_meant_for_the_document_before_confirms_nothing_of_the_new_one(
    heard: Heard,
) -> None:
    sync, server = with_a_number(heard)
    assert sync.document is not None
    for _ in range(UPDATES_PER_QUERY):
        sync.document.change(PATH, ChangeCrdt((), (Utf8Edit(NOWHERE, NOWHERE, "x"),)))
    late = asked_by(sync)
    sync.refused()
    sync.connected(US, SEED)
    sync.received(sync_frames.encode_step_1(server.state()))
    sync.received(sync_frames.encode_step_2(server.whole()))
    assert sync.document.unconfirmed_count == 0
    sync.document.change(PATH, ChangeCrdt((), (Utf8Edit(NOWHERE, NOWHERE, "y"),)))
    assert asked_by(sync) != late
    sync.received(sync_frames.encode_stored(late, 5))
    assert sync.document.unconfirmed_count == 1


def with_a_number(heard: Heard) -> tuple[Sync, document.SharedDocument]:
    """A copy of a document with one file, up to update 1."""
    server = document.SharedDocument.built(b"", [])
    server.take_own(server.plan_share(PATH, "text"))
    sync = Sync("learner", heard)
    sync.connected(US, SEED)
    sync.received(sync_frames.encode_step_1(server.state()))
    sync.received(sync_frames.encode_step_2(server.whole()))
    sync.received(sync_frames.encode_stored(asked_by(sync), 1))
    assert sync.resume_after == 1
    return sync, server


def asked_by(sync: Sync) -> int:
    query = sync.query()
    assert query is not None
    frame = sync_frames.decode(query)
    assert isinstance(frame, sync_frames.QueryStored)
    return frame.query


def test_after_a_refusal_the_document_is_read_anew_and_nothing_of_it_is_offered_again(
    heard: Heard,
) -> None:
    sync = Sync("mentor", heard)
    sync.connected(US, SEED)
    refused = sync.document
    sync.disconnected()
    sync.refused()
    assert sync.received(sync_frames.encode_step_1(b"\0")) == []
    sync.connected(US, SEED)
    assert sync.document is not refused
    assert heard.began == 2
