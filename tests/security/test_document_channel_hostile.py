"""The constructed updates against the live server: the process lives, the neighbour notices nothing, no text changes."""

from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path

import pytest
from websockets.exceptions import ConnectionClosed

from cm_server.session import room as rooms_room
from cm_server.session.content import CLIENTS, client_row
from cm_server.session.document import DocumentLost, SharedDocument
from cm_wire.ids import YjsClientId
from cm_wire.yjs import sync_frames
from cm_wire.yjs.admission import AdmissionState
from cm_wire.yjs.rules import Participant
from cm_wire.yjs.verdict import Admitted, Outcome
from tests.support.constructed_updates import CONSTRUCTED, CONTENTS, OTHER, WRITER
from tests.support.document_server import LEARNER, MENTOR, SESSION, DocumentServer, serving
from tests.support.yjs_client import joined

PANIC = b"\x01\x00\x01\x00\x00"
"""A block of no structs for a client the document knows: five bytes that `except Exception` does not catch."""


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DocumentServer]:
    async with serving(tmp_path / "data.sqlite3") as running:
        await running.open_session()
        for path, text in CONTENTS.items():
            await running.rooms.share(SESSION, LEARNER, path, "python", text)
        owners = [client_row(SESSION, WRITER, MENTOR), client_row(SESSION, OTHER, LEARNER)]
        await running.database.append(CLIENTS, owners)
        # A room reads whose ids are whose when it is opened.
        running.rooms._forget(running.rooms._rooms[SESSION])
        yield running


@pytest.mark.parametrize("name", CONSTRUCTED)
async def test_constructed_update_changes_nothing_for_anybody(
    server: DocumentServer, name: str
) -> None:
    encoded = CONSTRUCTED[name][1]()
    async with joined(server.url, LEARNER) as lea:
        for frame in (sync_frames.encode_update(encoded), sync_frames.encode_step_2(encoded)):
            async with joined(server.url, MENTOR, client=WRITER) as mo:
                assert mo.client_id == WRITER
                with suppress(ConnectionClosed):
                    await mo.socket.send(frame)
                    await mo.socket.send(sync_frames.encode_step_1(b"\0"))
                await mo.waiting_for(lambda c: c.closed_with is not None or c.answers > 1)
        async with joined(server.url, MENTOR) as back:
            assert {path: back.read(path) for path in CONTENTS} == CONTENTS
            lea.text().insert(0, "alive ")
            await back.waiting_for(lambda c: c.read() == "alive " + CONTENTS["a.py"])
        assert lea.closed_with is None


def test_panic_of_the_library_is_caught_at_the_door() -> None:
    document = SharedDocument.built(b"", [])
    document.take_own(document.plan_share("a.py", "x"))  # type: ignore[arg-type] # a plain path will do
    with pytest.raises(DocumentLost):
        document._apply(PANIC)


class AdmitsAll(AdmissionState):
    """The planted fault: a check that has a hole."""

    def admit(
        self, encoded: bytes, participant: Participant, *, is_answer: bool = False
    ) -> Outcome:
        outcome = super().admit(encoded, participant, is_answer=is_answer)
        return Admitted(encoded) if encoded == PANIC else outcome


async def test_panic_past_the_check_costs_its_sender_alone_and_no_text(
    server: DocumentServer,
) -> None:
    async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
        lea.text().insert(0, "kept ")
        await mo.waiting_for(lambda c: c.updates_seen > 0)
        room = server.rooms._rooms[SESSION]
        whole = room.document.whole()
        room.document.admission = AdmitsAll.from_trusted_update(whole)
        await mo.socket.send(sync_frames.encode_update(PANIC))
        await mo.waiting_for(lambda c: c.closed_with == rooms_room.REFUSED)
        await lea.waiting_for(lambda c: c.closed_with == rooms_room.COME_BACK)
    async with joined(server.url, LEARNER, client=lea.client_id, doc=lea.doc) as again:
        assert again.client_id == YjsClientId(lea.client_id)
        again.text().insert(0, "and ")
        async with joined(server.url, MENTOR) as back:
            await back.waiting_for(lambda c: c.read() == "and kept " + CONTENTS["a.py"])
