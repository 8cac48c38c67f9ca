"""Who comes back after a lost line goes on by number: only what came meanwhile travels. Real sockets, server and database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from websockets.asyncio.client import ClientConnection, connect

from cm_lsp.to_server.channel import RESUMED_HEADER
from cm_server.db import Database, StorageUnavailable
from cm_server.session import resuming, room, update_log
from cm_server.session.connection import Pacing
from cm_server.session.room import Room
from cm_server.session.update_log import UpdateLog
from cm_wire.yjs import sync_frames
from cm_wire.yjs.sync_frames import Frame, Stored, SyncStep1, SyncStep2
from tests.support import cuttable_wire
from tests.support.cuttable_wire import CuttableWire
from tests.support.document_member import PATH, PATIENCE, Member, member
from tests.support.document_server import LEARNER, MENTOR, SESSION, DocumentServer, serving
from tests.support.waiting import until
from tests.support.yjs_client import joined

PACING = Pacing(frames_per_second=100_000, frames_burst=100_000)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DocumentServer]:
    async with serving(tmp_path / "data.sqlite3", pacing=PACING) as running:
        await running.open_session()
        await running.rooms.share(SESSION, LEARNER, PATH, "python", "x = 1\n")
        yield running


@asynccontextmanager
async def both(server: DocumentServer) -> AsyncIterator[tuple[Member, Member, CuttableWire]]:
    """The learner, the mentor, and the wire between the mentor and the server."""
    async with (
        cuttable_wire.to(server.port) as wire,
        member(server, LEARNER, server.port) as lea,
        member(server, MENTOR, wire.port) as mo,
    ):
        yield lea, mo, wire


async def with_a_history(lea: Member, mo: Member) -> None:
    """Much typed and deleted by both, known to both, and asked about since."""
    for turn in range(300):
        author = lea if turn % 3 else mo
        author.edit(0, 0, "abcd")
        author.edit(1, 2, "")
        author.edit(2, 3, "")
        if turn % 50 == 0:
            await same(lea, mo)
    await same(lea, mo)
    await ask_again(lea, mo)
    await same(lea, mo)


async def ask_again(lea: Member, mo: Member) -> None:
    """Type until both have asked what is on disk, and have been told, since now."""
    before = {one: one.resume_after for one in (lea, mo)}
    while any(one.resume_after in (None, before[one]) for one in (lea, mo)):
        lea.edit(0, 0, "x")
        await same(lea, mo)


async def same(lea: Member, mo: Member) -> None:
    await until(lambda: lea.read() == mo.read(), "both have one text", PATIENCE)


async def back(one: Member, wire: CuttableWire) -> None:
    """The line is there again, and all that was missed is in."""
    wire.mend()
    await until(lambda: one.is_connected and has_caught_up(one), "the line is back", PATIENCE)


def has_caught_up(one: Member) -> bool:
    return any(isinstance(frame, SyncStep2) for frame in one.heard) and one.may_send


async def cut(one: Member, wire: CuttableWire) -> None:
    wire.cut()
    await until(lambda: not one.is_connected, "the line is lost", PATIENCE)


def size(frames: list[Frame]) -> int:
    return sum(len(frame.update) for frame in frames if isinstance(frame, SyncStep2))


async def test_only_what_came_meanwhile_travels_either_way(server: DocumentServer) -> None:
    async with both(server) as (lea, mo, wire):
        await with_a_history(lea, mo)
        await cut(mo, wire)
        whole_difference = len(mo.copy.answer_to(lea.copy.state())[0])
        lea.edit(0, 0, "meanwhile ")
        mo.edit(3, 5, "offline ")
        await back(mo, wire)
        await same(lea, mo)
        assert mo.resumed == [False, True]
        assert not any(isinstance(frame, SyncStep1) for frame in mo.said)
        assert size(mo.heard) < whole_difference / 2
        assert size(mo.said) < whole_difference / 2
        assert "meanwhile " in (mo.read() or "")
        assert "offline " in (lea.read() or "")


async def test_a_delete_that_the_line_lost_is_sent_again(server: DocumentServer) -> None:
    """A delete has no clock, so no acknowledgement tells whether it has arrived."""
    async with (
        cuttable_wire.to(server.port) as wire,
        member(server, LEARNER, wire.port) as lea,
        member(server, MENTOR, server.port) as mo,
    ):
        await with_a_history(lea, mo)
        wire.cut()
        lea.edit(0, 4, "")
        await until(lambda: not lea.is_connected, "the line is lost", PATIENCE)
        await back(lea, wire)
        await same(lea, mo)
        assert lea.resumed == [False, True]


async def test_a_server_that_was_restarted_goes_on_by_number(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    async with cuttable_wire.to(0, is_cut=True) as wire:
        async with serving(path, pacing=PACING) as server:
            await server.open_session()
            await server.rooms.share(SESSION, LEARNER, PATH, "python", "x = 1\n")
            wire.lead_to(server.port)
            wire.mend()
            running = member(server, LEARNER, wire.port)
            lea = await running.__aenter__()
            async with member(server, MENTOR, server.port) as mo:
                await with_a_history(lea, mo)
            await cut(lea, wire)
        lea.edit(0, 0, "offline ")
        async with serving(path, pacing=PACING) as server:
            wire.lead_to(server.port)
            async with joined(server.url, MENTOR) as mo_again:
                await back(lea, wire)
                await mo_again.waiting_for(lambda c: c.read() == lea.read())
            assert lea.resumed == [False, True]
            await running.__aexit__(None, None, None)


async def test_after_more_than_is_worth_merging_the_state_vector_decides(
    server: DocumentServer,
) -> None:
    async with both(server) as (lea, mo, wire):
        await with_a_history(lea, mo)
        await cut(mo, wire)
        enough = (lea.resume_after or 0) + 2 * resuming.UPDATES_MAX
        async with joined(server.url, LEARNER) as typist:
            while (lea.resume_after or 0) < enough:
                typist.text().insert(0, "y")
                await asyncio.sleep(0)
        await back(mo, wire)
        await same(lea, mo)
        assert mo.resumed == [False, False]


async def test_after_more_bytes_than_may_wait_for_a_socket_the_state_vector_decides(
    server: DocumentServer,
) -> None:
    async with both(server) as (lea, mo, wire):
        await ask_again(lea, mo)
        await cut(mo, wire)
        for name in ("b.py", "c.py"):
            await server.rooms.share(SESSION, LEARNER, name, "python", ("y" * 99 + "\n") * 6_000)
        await back(mo, wire)
        assert mo.resumed == [False, False]
        assert mo.copy.paths() == {PATH, "b.py", "c.py"}


async def test_a_room_that_closed_while_somebody_came_is_not_entered(
    server: DocumentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with joined(server.url, MENTOR) as mo:
        client = mo.client_id
    real = resuming.missed

    async def missed(database: Database, log: UpdateLog, of: Room, after: int) -> bytes | None:
        found = await real(database, log, of, after)
        of.close(room.COME_BACK, "the document is being rebuilt")
        return found

    monkeypatch.setattr(resuming, "missed", missed)
    url = f"{server.url}?client={client}&after=1"
    async with joined(url, MENTOR) as back_too_early:
        await back_too_early.waiting_for(lambda c: c.closed_with == 1013)
    monkeypatch.undo()
    async with joined(server.url, MENTOR, client=client) as mo_again:
        assert mo_again.read() == "x = 1\n"


async def test_nothing_is_called_stored_while_the_database_is_away(
    server: DocumentServer,
) -> None:
    async with member(server, LEARNER, server.port) as lea:
        await until(lambda: lea.resume_after is not None, "the first answer", PATIENCE)
        before = lea.resume_after
        async with joined(server.url, MENTOR) as mo:
            server.database.is_away = True
            for _ in range(100):
                lea.edit(0, 0, "k")
            await mo.waiting_for(lambda c: (c.read() or "").count("k") == 100)
        assert lea.resume_after == before
        assert lea.copy.unconfirmed_count == 100
        server.database.is_away = False
        await until(lambda: lea.copy.unconfirmed_count == 0, "all is stored", PATIENCE)
        assert lea.resume_after != before


@pytest.mark.parametrize("after", ["999999", "9007199254740991"])
async def test_a_number_that_the_log_has_not_reached_is_not_gone_on_from(
    server: DocumentServer, after: str
) -> None:
    async with joined(server.url, LEARNER) as lea:
        client = lea.client_id
    assert await resumed_after(server, f"?client={client}&after={after}") is None
    assert await resumed_after(server, f"?client={client}&after=1") == "1"


async def test_who_has_no_id_of_before_begins_anew(server: DocumentServer) -> None:
    async with joined(server.url, MENTOR) as mo:
        anothers = mo.client_id
    assert await resumed_after(server, "?after=1") is None
    assert await resumed_after(server, f"?client={anothers}&after=1") is None


@pytest.mark.parametrize("after", ["x", "-1", "1.5", "9" * 17])
async def test_an_odd_number_is_refused_by_name(server: DocumentServer, after: str) -> None:
    async with joined(f"{server.url}?after={after}", LEARNER) as lea:
        assert lea.closed_with == 4400
        assert lea.close_reason == "after is a whole number."


async def test_an_answer_to_a_query_names_the_newest_update(server: DocumentServer) -> None:
    assert await stored(server, 7) == Stored(query=7, number=1)


async def test_the_number_of_a_change_that_failed_is_not_told(server: DocumentServer) -> None:
    """The next update gets it, perhaps after a restart; who held it to be known would miss that."""
    async with joined(server.url, MENTOR):
        server.database.is_away = True
        with pytest.raises(StorageUnavailable):
            await server.rooms.share(SESSION, LEARNER, "b.py", "python", "y = 2\n")
        server.database.is_away = False
        assert await stored(server, 8) == Stored(query=8, number=1)


async def test_of_many_queries_one_waits_while_the_database_is_away(server: DocumentServer) -> None:
    async with connect(
        server.url, additional_headers={"Authorization": f"Bearer {LEARNER}"}, proxy=None
    ) as socket:
        await socket.send(sync_frames.encode_step_2(b"\0\0"))
        async with joined(server.url, MENTOR) as mo:
            server.database.is_away = True
            mo.text().insert(0, "x")
            for query in range(30):
                await socket.send(sync_frames.encode_query_stored(query))
            await socket.send(sync_frames.encode_query_awareness())
            await socket.send(sync_frames.encode_step_1(b"\0"))
            await until_step_2(socket)
            server.database.is_away = False
            heard = [await next_stored(socket)]
        await socket.send(sync_frames.encode_query_stored(99))
        heard.append(await next_stored(socket))
        assert [frame.query for frame in heard] == [0, 99]


async def test_what_is_only_repeated_piles_up_in_bounds_while_the_database_is_away(
    server: DocumentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update_log, "WAITING_ENTRIES_MAX", 10)
    async with joined(server.url, LEARNER) as lea:
        server.database.is_away = True
        for _ in range(30):
            await lea.send(sync_frames.encode_update(b"\0\0"))
        await lea.waiting_for(lambda c: c.closed_with == 1013)
        server.database.is_away = False


async def until_step_2(socket: ClientConnection) -> None:
    async with asyncio.timeout(PATIENCE):
        while not isinstance(sync_frames.decode(await socket.recv(decode=False)), SyncStep2):
            pass


async def next_stored(socket: ClientConnection) -> Stored:
    async with asyncio.timeout(PATIENCE):
        while True:
            frame = sync_frames.decode(await socket.recv(decode=False))
            if isinstance(frame, Stored):
                return frame


async def stored(server: DocumentServer, query: int) -> Stored:
    async with connect(
        server.url, additional_headers={"Authorization": f"Bearer {LEARNER}"}, proxy=None
    ) as socket:
        await socket.send(sync_frames.encode_step_2(b"\0\0"))
        await socket.send(sync_frames.encode_query_stored(query))
        return await next_stored(socket)


async def resumed_after(server: DocumentServer, query: str) -> str | None:
    async with connect(
        server.url + query, additional_headers={"Authorization": f"Bearer {LEARNER}"}, proxy=None
    ) as socket:
        assert socket.response is not None
        return socket.response.headers.get(RESUMED_HEADER)
