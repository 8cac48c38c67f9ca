"""Edits that rest on what the server has not got: it asks once, waits for who must bring it, and refuses nobody for that."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from cm_server.session import lack
from cm_wire.yjs import sync_frames
from tests.support.document_server import LEARNER, MENTOR, SESSION, DocumentServer, serving
from tests.support.yjs_client import YjsClient, joined


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DocumentServer]:
    async with serving(tmp_path / "data.sqlite3") as running:
        await running.open_session()
        await running.rooms.share(SESSION, LEARNER, "a.py", "python", "x = 1\n")
        yield running


async def test_who_types_on_before_saying_what_is_missing_is_not_refused(
    server: DocumentServer,
) -> None:
    """A standard client sends keys at once, also before the server's question has reached it."""
    async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
        unheard_from_mo(mo, "offline ")
        for letter in "typed":
            before = mo.doc.get_state()
            mo.text().insert(0, letter)
            await mo.send(sync_frames.encode_update(mo.doc.get_update(before)))
        await lea.waiting_for(lambda c: c.read() == "depytoffline x = 1\n")
        assert mo.closed_with is None


async def test_text_beside_text_that_the_server_lost_waits_for_its_author(
    server: DocumentServer,
) -> None:
    async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
        lost = unheard_from_mo(mo, "lost ")
        lea.hear(lost)
        lea.text().insert(5, "beside ")
        for letter in "typed":
            lea.text().insert(0, letter)
        await lea.waiting_for(lambda c: c.steps_1_seen == 2)
        await mo.send(sync_frames.encode_update(lost))
        await mo.waiting_for(lambda c: c.read() == "depytlost beside x = 1\n")
        assert lea.closed_with is None


async def test_two_whose_lost_text_rests_on_each_others_both_get_it_in(
    server: DocumentServer,
) -> None:
    """As after a crash of the server, when both typed at one place in what it had not stored yet."""
    async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
        for person in (lea, mo):
            person.mute()
        for turn in range(4):
            author, reader = (lea, mo) if turn % 2 == 0 else (mo, lea)
            before = author.doc.get_state()
            author.text().insert(turn, str(turn))
            reader.hear(author.doc.get_update(before))
        mo.text().insert(2, "and between")
        del lea.text()[1:2]
        for person in (lea, mo):
            await person.send(sync_frames.encode_step_2(person.doc.get_update(b"\0")))
        for person in (lea, mo):
            await person.waiting_for(lambda c: c.read() == "0and between23x = 1\n")
            assert person.closed_with is None


async def test_a_piece_that_came_before_its_ground_is_asked_for_again(
    server: DocumentServer,
) -> None:
    """The last piece of a long answer says that it was all; a piece before it may have had to be left out."""
    async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
        lost = unheard_from_mo(mo, "lost ")
        lea.mute()
        lea.hear(lost)
        del lea.text()[0:7]
        piece = lea.doc.get_update(lea.doc.get_state())
        async with silent(server.url, LEARNER, lea.client_id) as socket:
            await socket.send(sync_frames.encode_update(piece))
            await socket.send(sync_frames.encode_step_2(b"\0\0"))
            await answered(socket, lea)
            await mo.send(sync_frames.encode_update(lost))
            await answered(socket, lea)
            await mo.waiting_for(lambda c: c.read() == "= 1\n")


async def test_who_waits_too_long_for_another_is_sent_away_to_begin_anew(
    server: DocumentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lack, "WAIT_SECONDS_MAX", 0.0)
    async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
        lea.hear(unheard_from_mo(mo, "lost "))
        lea.text().insert(5, "beside ")
        await lea.waiting_for(lambda c: c.steps_1_seen == 2)
        lea.text().insert(0, "x")
        await lea.waiting_for(lambda c: c.closed_with == 4422)
        assert lea.close_reason.startswith("wrong-order: client")


@asynccontextmanager
async def silent(url: str, token: str, client: int) -> AsyncIterator[ClientConnection]:
    """A connection on which nothing is answered by itself; the server's first question has been read."""
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(f"{url}?client={client}", additional_headers=headers, proxy=None) as socket:
        await asked(socket)
        yield socket


async def answered(socket: ClientConnection, person: YjsClient) -> None:
    """Wait for the server's next question, and answer it."""
    await socket.send(sync_frames.encode_step_2(person.doc.get_update(await asked(socket))))


async def asked(socket: ClientConnection) -> bytes:
    async with asyncio.timeout(20):
        while True:
            frame = sync_frames.decode(await socket.recv(decode=False))
            if isinstance(frame, sync_frames.SyncStep1):
                return frame.state_vector


def unheard_from_mo(mo: YjsClient, text: str) -> bytes:
    """What is typed while nothing of it reaches the server."""
    before = mo.doc.get_state()
    mo.mute()
    mo.text().insert(0, text)
    return mo.doc.get_update(before)
