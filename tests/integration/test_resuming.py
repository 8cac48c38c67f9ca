"""Who comes back after a lost line goes on by number: only what came meanwhile travels. Real sockets, server and database."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random

import pytest
from websockets.asyncio.client import connect

from cm_lsp.session.sync import Sync
from cm_lsp.sharing import document
from cm_lsp.sharing.bridge_messages import ChangeCrdt, Utf8Edit
from cm_lsp.sharing.document import Delta, SessionDocument
from cm_lsp.sharing.positions import Utf8Offset
from cm_lsp.to_server.backoff import Backoff
from cm_lsp.to_server.channel import RESUMED_HEADER, DocumentChannel
from cm_server.db import StorageUnavailable
from cm_server.session import resuming, update_log
from cm_server.session.connection import Pacing
from cm_wire.ids import ConnectionId, FilePath, PersonId, YjsClientId
from cm_wire.session import Role
from cm_wire.to_client import EditsStored, Happened
from cm_wire.yjs import sync_frames
from cm_wire.yjs.awareness import Entry
from cm_wire.yjs.sync_frames import Frame, Stored, SyncStep1, SyncStep2
from tests.support import cuttable_wire
from tests.support.cuttable_wire import CuttableWire
from tests.support.document_server import LEARNER, MENTOR, SESSION, DocumentServer, serving
from tests.support.waiting import until
from tests.support.yjs_client import joined

PATH = FilePath("a.py")
PACING = Pacing(frames_per_second=100_000, frames_burst=100_000)
PATIENCE = 20.0


class Member(Sync):
    """A language server's end of the document without an editor; `heard` and `said` are the frames of this connection."""

    def __init__(self, role: Role) -> None:
        super().__init__(role, self)
        self.heard: list[Frame] = []
        self.said: list[Frame] = []
        self.channel: DocumentChannel | None = None
        self.resumed: list[bool] = []

    @property
    def copy(self) -> SessionDocument:
        assert self.document is not None
        return self.document

    def read(self) -> str | None:
        if self.document is None or PATH not in self.document.paths():
            return None
        return self.document.text(PATH)

    def edit(self, start: int, end: int, text: str) -> None:
        assert self.channel is not None
        change = Utf8Edit(Utf8Offset(start), Utf8Offset(end), text)
        self.channel.send_updates(self.copy.change(PATH, ChangeCrdt((), (change,))))

    def told(self, happened: Happened) -> None:
        if isinstance(happened.fact, EditsStored) and self.document is not None:
            self.document.stored(happened.fact.client, happened.fact.clock)

    # The channel's peer.

    def connected(
        self, author: YjsClientId, seed: YjsClientId, *, is_resumed: bool = False
    ) -> list[bytes]:
        self.heard, self.said = [], []
        self.resumed.append(is_resumed)
        frames = super().connected(author, seed, is_resumed=is_resumed)
        self.said += map(sync_frames.decode, frames)
        return frames

    def received(self, frame: bytes) -> list[bytes]:
        self.heard.append(sync_frames.decode(frame))
        frames = super().received(frame)
        self.said += map(sync_frames.decode, frames)
        return frames

    # `sync.Listener`.

    def document_began(self) -> None: ...
    def files_changed(self) -> None: ...
    def text_changed(self, path: FilePath, delta: Delta, /) -> None: ...
    def texts_settled(self) -> None: ...
    def cursors_moved(self, entries: list[Entry], /) -> None: ...
    def connection_changed(self, *, is_connected: bool) -> None: ...

    def update_refused(self, reason: str, /) -> None:
        raise AssertionError(reason)


@asynccontextmanager
async def member(server: DocumentServer, person: PersonId, port: int) -> AsyncIterator[Member]:
    sync = Member("learner" if person == LEARNER else "mentor")
    sync.channel = DocumentChannel(
        f"http://127.0.0.1:{port}",
        SESSION,
        person,
        client="test",
        backoff=Backoff(Random(1)),
        peer=sync,
        merged=document.merged,
    )
    server.hub.connect(person, ConnectionId(person), sync.told)
    running = asyncio.create_task(sync.channel.run())
    try:
        await until(lambda: sync.read() is not None, "the document is here", PATIENCE)
        yield sync
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[DocumentServer]:
    async with serving(tmp_path / "data.sqlite3", pacing=PACING) as running:
        await running.open_session()
        await running.rooms.share(SESSION, LEARNER, PATH, "python", "x = 1\n")
        yield running


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
    async with (
        cuttable_wire.to(server.port) as wire,
        member(server, LEARNER, server.port) as lea,
        member(server, MENTOR, wire.port) as mo,
    ):
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
    async with (
        cuttable_wire.to(server.port) as wire,
        member(server, LEARNER, server.port) as lea,
        member(server, MENTOR, wire.port) as mo,
    ):
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


async def test_queries_pile_up_in_bounds_while_the_database_is_away(
    server: DocumentServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(update_log, "WAITING_ENTRIES_MAX", 10)
    async with joined(server.url, LEARNER) as lea:
        server.database.is_away = True
        for query in range(30):
            await lea.send(sync_frames.encode_query_stored(query))
        lea.text().insert(0, "x")
        await lea.waiting_for(lambda c: c.closed_with == 1013)
        server.database.is_away = False


async def stored(server: DocumentServer, query: int) -> Stored:
    async with connect(
        server.url, additional_headers={"Authorization": f"Bearer {LEARNER}"}, proxy=None
    ) as socket:
        await socket.send(sync_frames.encode_step_2(b"\0\0"))
        await socket.send(sync_frames.encode_query_stored(query))
        async with asyncio.timeout(PATIENCE):
            while True:
                frame = sync_frames.decode(await socket.recv(decode=False))
                if isinstance(frame, Stored):
                    return frame


async def resumed_after(server: DocumentServer, query: str) -> str | None:
    async with connect(
        server.url + query, additional_headers={"Authorization": f"Bearer {LEARNER}"}, proxy=None
    ) as socket:
        assert socket.response is not None
        return socket.response.headers.get(RESUMED_HEADER)
