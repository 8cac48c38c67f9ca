"""What is acknowledged is on disk: through kill -9, a database that goes away, compaction and damage."""

import asyncio
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc
from sqlmodel import Session, col, func, select, update

from cm_server.session.connection import Pacing
from cm_server.session.content import ContentDamaged, add_update, load
from cm_server.session.model import SnapshotRow, UpdateRow
from cm_wire.ids import ConnectionId
from cm_wire.to_client import EditsStored, Happened, Noticed
from tests.support.document_server import (
    LEARNER,
    MENTOR,
    SESSION,
    DocumentServer,
    serving,
)
from tests.support.yjs_client import joined

ROOT = Path(__file__).parents[2]
PACING = Pacing(frames_per_second=1e6, frames_burst=1e6)
KILLS = 4


class KillableServer:
    """The server in a process of its own, and what it has said is stored."""

    def __init__(self, process: Process, port: int) -> None:
        self._process = process
        self.url = f"ws://127.0.0.1:{port}/api/v1/sessions/{SESSION}/sync"
        self.stored: dict[int, int] = {}
        self._changed = asyncio.Event()
        self._listening = asyncio.create_task(self._listen())

    async def stored_up_to(self, client: int, clock: int) -> None:
        async with asyncio.timeout(30):
            while self.stored.get(client, 0) < clock:
                self._changed.clear()
                await self._changed.wait()

    async def kill(self) -> None:
        """As the kernel does when memory runs out. What it had said before is still read."""
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()
        await self._listening

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            _, client, clock = line.split()
            self.stored[int(client)] = int(clock)
            self._changed.set()


@asynccontextmanager
async def killable(database: Path) -> AsyncIterator[KillableServer]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.document_server", str(database), "0",
        cwd=ROOT, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    ready = await asyncio.wait_for(process.stdout.readline(), 30)
    server = KillableServer(process, int(ready.split()[1]))
    try:
        yield server
    finally:
        await server.kill()


async def _type_until_killed(
    server: KillableServer, doc: "Doc[Any] | None", client: int | None, round_: int
) -> tuple["Doc[Any]", int, int]:
    """Type without a pause, have the server killed in the middle of it; what was acknowledged until then."""
    async with joined(server.url, LEARNER, client=client, doc=doc) as lea:
        assert client is None or lea.client_id == client
        typed = len(lea.read() or "")

        async def type_on() -> None:
            while lea.closed_with is None:
                lea.text().insert(len(lea.text()), "x")
                await asyncio.sleep(0)

        typing = asyncio.create_task(type_on())
        await server.stored_up_to(lea.client_id, typed + 40 + 30 * round_)
        await server.kill()
        await typing
        return lea.doc, lea.client_id, server.stored[lea.client_id]


@pytest.mark.slow
async def test_killed_in_mid_typing_it_loses_no_acknowledged_edit(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    doc: Doc[Any] | None = None
    client: int | None = None
    for round_ in range(KILLS):
        async with killable(path) as server:
            doc, client, acknowledged = await _type_until_killed(server, doc, client, round_)
        async with killable(path) as server, joined(server.url, MENTOR) as mo:
            assert len(mo.read() or "") >= acknowledged > 0
    async with (
        killable(path) as server,
        joined(server.url, LEARNER, client=client, doc=doc) as lea,
        joined(server.url, MENTOR) as mo,
    ):
        # What was typed and never acknowledged comes from its author again.
        typed = lea.read() or ""
        await mo.waiting_for(lambda c: c.read() == typed)


class Told:
    def __init__(self, server: DocumentServer) -> None:
        self.clocks: dict[int, int] = {}
        self.notices: list[str] = []
        self.changed = asyncio.Event()
        server.hub.connect(LEARNER, ConnectionId("told"), self._deliver)

    def _deliver(self, happened: Happened) -> None:
        match happened.fact:
            case EditsStored(client=client, clock=clock):
                self.clocks[client] = clock
            case Noticed(text=text):
                self.notices.append(text)
        self.changed.set()

    async def until(self, condition: Any) -> None:
        async with asyncio.timeout(30):
            while not condition():
                self.changed.clear()
                await self.changed.wait()


@asynccontextmanager
async def shared(path: Path) -> AsyncIterator[DocumentServer]:
    async with serving(path, pacing=PACING) as server:
        await server.open_session()
        await server.rooms.share(SESSION, LEARNER, "a.py", "python", "")
        yield server


async def test_edits_wait_for_a_database_that_is_away(tmp_path: Path) -> None:
    async with shared(tmp_path / "data.sqlite3") as server:
        told = Told(server)
        async with joined(server.url, LEARNER) as lea, joined(server.url, MENTOR) as mo:
            server.database.is_away = True
            lea.text().insert(0, "kept")
            await mo.waiting_for(lambda c: c.read() == "kept")
            await told.until(lambda: any("cannot be stored" in text for text in told.notices))
            assert told.clocks.get(lea.client_id, 0) == 0
            server.database.is_away = False
            await told.until(lambda: told.clocks.get(lea.client_id) == 4)
    async with serving(tmp_path / "data.sqlite3") as again, joined(again.url, MENTOR) as mo:
        assert mo.read() == "kept"


async def test_sharing_fails_whole_when_the_database_is_away(tmp_path: Path) -> None:
    async with shared(tmp_path / "data.sqlite3") as server, joined(server.url, MENTOR) as mo:
        server.database.is_away = True
        with pytest.raises(Exception, match="away"):
            await server.rooms.share(SESSION, LEARNER, "b.py", "python", "b")
        server.database.is_away = False
        await server.rooms.share(SESSION, LEARNER, "c.py", "python", "c")
        await mo.waiting_for(lambda c: c.read("c.py") == "c")
        assert mo.read("b.py") is None
        await server.rooms.share(SESSION, LEARNER, "b.py", "python", "now")
        await mo.waiting_for(lambda c: c.read("b.py") == "now")


async def test_a_share_whose_caller_left_before_the_answer_reaches_everybody(
    tmp_path: Path,
) -> None:
    async with shared(tmp_path / "data.sqlite3") as server, joined(server.url, MENTOR) as mo:
        server.database.answers.clear()
        sharing = asyncio.create_task(
            server.rooms.share(SESSION, LEARNER, "b.py", "python", "y = 2\n")
        )
        while True:
            if await server.database.read(lambda s: load(s, SESSION).last_number == 2):
                break
        sharing.cancel()
        await asyncio.gather(sharing, return_exceptions=True)
        server.database.answers.set()
        await mo.waiting_for(lambda c: c.read("b.py") == "y = 2\n")


async def test_another_owner_ends_the_room_and_not_the_server(tmp_path: Path) -> None:
    async with shared(tmp_path / "data.sqlite3") as server:
        async with joined(server.url, LEARNER) as lea:
            taken = server.rooms._rooms[SESSION].number + 1
            whole = lea.doc.get_update()
            await server.database.write(lambda s: add_update(s, SESSION, taken, whole))
            lea.text().insert(0, "x")
            await lea.waiting_for(lambda c: c.closed_with == 1012)
        async with joined(server.url, LEARNER, client=lea.client_id, doc=lea.doc) as again:
            async with joined(server.url, MENTOR) as mo:
                await mo.waiting_for(lambda c: c.read() == "x")
            assert again.closed_with is None


@pytest.mark.slow
async def test_log_is_compacted_behind_snapshots_and_survives_damage_of_one(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    async with shared(path) as server:
        told = Told(server)
        async with joined(server.url, LEARNER) as lea:
            for n in range(4_500):
                lea.text().insert(0, "xyz"[n % 3])
                if n % 100 == 0:
                    await told.until(lambda n=n: told.clocks.get(lea.client_id, 0) >= n - 100)
            await told.until(lambda: told.clocks.get(lea.client_id) == 4_500)
            text = lea.read()
    async with serving(path) as server:
        snapshots, updates = await server.database.read(_counts)
        assert snapshots == 2
        assert updates < 3_000
        async with joined(server.url, MENTOR) as mo:
            assert mo.read() == text
        await server.database.write(_damage_newest_snapshot)
    async with serving(path) as server, joined(server.url, MENTOR) as mo:
        assert mo.read() == text


async def test_damaged_update_is_not_served(tmp_path: Path) -> None:
    path = tmp_path / "data.sqlite3"
    async with shared(path) as server, joined(server.url, LEARNER) as lea:
        lea.text().insert(0, "x")
    async with serving(path) as server:
        await server.database.write(_damage_updates)
        with pytest.raises(ContentDamaged):
            await server.database.read(lambda s: load(s, SESSION))
        async with joined(server.url, MENTOR) as mo:
            assert mo.closed_with == 1011
            assert "damaged" in mo.close_reason


def _counts(session: Session) -> tuple[int, int]:
    return (
        session.exec(select(func.count()).select_from(SnapshotRow)).one(),
        session.exec(select(func.count()).select_from(UpdateRow)).one(),
    )


def _damage_newest_snapshot(session: Session) -> None:
    newest = session.exec(select(func.max(SnapshotRow.number))).one()
    session.exec(
        update(SnapshotRow).where(col(SnapshotRow.number) == newest).values(content=b"\0\0")
    )


def _damage_updates(session: Session) -> None:
    session.exec(update(UpdateRow).values(content=b"\0\0"))
