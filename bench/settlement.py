"""How many sessions can be settled in a second, against a bare transaction that inserts as many rows.

    python -m bench.settlement [--rounds 5] [--sessions 40]

One settlement is all that happens to our database when a session ends and its card is charged: the receipt from the
session's log, the queued capture, its lease, its outcome and its journals with the ledger's own checks, in two transactions
of which the provider's answer comes between; it answers at once, in process. The bare side inserts as many rows into a table
without keys or checks, one statement each, in one transaction. Both are asked for by as many callers at once, on the same
database with full durability, through the same writer with the same group commits; interleaved, medians. That the
settlements which wait in one group are read and written together is the product's own doing, and measured. On a SQLite
file, and on PostgreSQL where its wheel is installed. Fails below `RATIO_MIN`. The ratio of this process's CPU time stands
beside it: on a busy machine it varies less, but knows neither the disk's part nor that of PostgreSQL's own processes.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Coroutine
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Column, Integer, MetaData, Table, Text, insert, text
from sqlmodel import Session

from cm_server.billing import settlement
from cm_wire.ids import SessionId
from tests.support import money_world, postgres
from tests.support.money_world import LEARNER, MoneyWorld

AIM = 0.5
RATIO_MIN = 0.3
"""Below the aim by what a busy machine may take away; there to notice a relapse."""
_GROWING = ("receipt", "billing_outbox", "ledger_journal", "ledger_transfer", "ledger_account")
_BARE = Table("bare", MetaData(), Column("id", Integer, primary_key=True), Column("body", Text))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--sessions", type=int, default=40)
    chosen = parser.parse_args()
    names = ["SQLite", *(["PostgreSQL"] if postgres.is_here() else [])]
    return max([_judge(name, chosen.rounds, chosen.sessions) for name in names])


def _judge(name: str, rounds: int, sessions: int) -> int:
    with tempfile.TemporaryDirectory() as folder, _address(name) as url:
        measured = asyncio.run(_measure(Path(folder), url, rounds, sessions))
    ratios = [bare.wall / settled.wall for settled, bare in measured]
    by_cpu = statistics.median(bare.cpu / settled.cpu for settled, bare in measured)
    ratio = statistics.median(ratios)
    print(
        f"{name}: settlement / bare: {ratio:.2f} (aim {AIM}, at least {RATIO_MIN}), rounds {min(ratios):.2f} to {max(ratios):.2f}; "
        f"by CPU {by_cpu:.2f}"
    )
    return 0 if ratio >= RATIO_MIN else 1


def _address(name: str) -> AbstractContextManager[str]:
    return nullcontext("") if name == "SQLite" else postgres.server(durable=True)


@dataclass(frozen=True)
class Took:
    """Seconds."""

    wall: float
    cpu: float


async def _measure(folder: Path, url: str, rounds: int, count: int) -> list[tuple[Took, Took]]:
    """Of each round: the settlements, the bare transactions."""
    world = money_world.new(folder, url)
    _BARE.create(world.database.engine)
    await world.save_card()
    measured = []
    for number in range(rounds):
        ended = [await _ended(world) for _ in range(count)]
        before = await world.database.read(_rows)
        settled = await _timed(world, ended)
        rows = (await world.database.read(_rows) - before) / count
        bare = await _timed_bare(world, count, round(rows))
        print(
            f"round {number + 1}: {count / settled.wall:7.0f} settlements/s, {count / bare.wall:7.0f} bare/s, {rows:.0f} rows each"
        )
        measured.append((settled, bare))
    await world.close()
    return measured


async def _ended(world: MoneyWorld) -> SessionId:
    session_id = await world.open(await world.hold())
    for _ in range(25):
        await world.serve_silently(session_id, 5)
        await world.recorder.tick()
    await world.recorder.end(session_id, "learner-ended", by=LEARNER)
    return session_id


async def _timed(world: MoneyWorld, ended: list[SessionId]) -> Took:
    return await _took(*(settlement.settle(world.till, session_id) for session_id in ended))


async def _timed_bare(world: MoneyWorld, count: int, rows: int) -> Took:
    def write(session: Session) -> None:
        for _ in range(rows):
            session.connection().execute(insert(_BARE).values(body="x" * 200))

    return await _took(*(world.database.write(write) for _ in range(count)))


async def _took(*work: Coroutine[Any, Any, object]) -> Took:
    wall, cpu = time.perf_counter(), time.process_time()
    await asyncio.gather(*work)
    return Took(time.perf_counter() - wall, time.process_time() - cpu)


def _rows(session: Session) -> int:
    counts = (f"SELECT COUNT(*) FROM {name}" for name in _GROWING)
    return sum(session.connection().execute(text(count)).scalar_one() for count in counts)


if __name__ == "__main__":
    sys.exit(main())
