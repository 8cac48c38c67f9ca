"""What the peer of a document channel sends, and when it begins anew."""

import pytest

from cm_lsp.session.sync import Sync
from cm_lsp.sharing.document import Delta
from cm_wire.ids import FilePath, YjsClientId
from cm_wire.yjs import sync_frames
from cm_wire.yjs.awareness import Entry

US, SEED = YjsClientId(5), YjsClientId(1)


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
