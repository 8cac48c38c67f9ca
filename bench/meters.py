"""What ten thousand live meters cost one core: their reviews each second, their checkpoint every five.

    python -m bench.meters [--meters 10000] [--rounds 3]

The meters are the server's own, on a SQLite file with full durability, all of them counting. A round is five seconds of
their time: a sign of life of both people and a tick each second, then one checkpoint, which is one transaction. Printed is the
CPU time of this process per second of theirs, of the writer's thread too, and as a ratio the checkpoint against a bare
`UPDATE` of as many rows by primary key. Fails above `SHARE_MAX` of a core.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from pathlib import Path

from sqlalchemy import Column, Integer, MetaData, Table, Text, bindparam, insert, update
from sqlmodel import Session

from cm_server.meter import counting
from cm_server.meter import store as meters
from cm_server.session import events, lifecycle
from cm_wire.ids import AskId, SessionId
from cm_wire.money import Money
from tests.support import money_world
from tests.support.money_world import LEARNER, MENTOR, MoneyWorld

SHARE_MAX = 1.0
SECONDS = 5
_BARE = Table(
    "bare",
    MetaData(),
    Column("id", Text, primary_key=True),
    Column("boot", Text),
    Column("proved", Integer),
    Column("proved_utc", Integer),
)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--meters", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        share = asyncio.run(_measure(Path(folder), chosen.meters, chosen.rounds))
    print(f"{chosen.meters} live meters: {share:.0%} of one core (at most {SHARE_MAX:.0%})")
    return 0 if share <= SHARE_MAX else 1


async def _measure(folder: Path, count: int, rounds: int) -> float:
    world = money_world.new(folder)
    sessions = [SessionId(f"ses_{number}") for number in range(count)]
    await _open(world, sessions)
    _BARE.create(world.database.engine)
    rows = [{"id": s, "boot": "", "proved": 0, "proved_utc": 0} for s in sessions]
    await world.database.write(lambda s: s.execute(insert(_BARE), rows).close())
    shares = []
    for number in range(rounds):
        signs = ticks = 0.0
        for _ in range(SECONDS):
            await world.clock.advance(1)
            signs += _timed_signs(world, sessions)
            started = time.process_time()
            await world.recorder.tick()
            ticks += time.process_time() - started
        started = time.process_time()
        await world.recorder.checkpoint()
        checkpoint = time.process_time() - started
        bare = await _timed_bare(world, sessions)
        shares.append((signs + ticks + checkpoint) / SECONDS)
        print(
            f"round {number + 1}: {shares[-1]:.0%} of a core (signs {signs / SECONDS:.0%}, ticks"
            f" {ticks / SECONDS:.0%}, checkpoint {checkpoint / SECONDS:.0%});"
            f" checkpoint / bare update {checkpoint / bare:.2f}"
        )
    await world.close()
    return statistics.median(shares)


async def _open(world: MoneyWorld, sessions: list[SessionId]) -> None:
    quarter = Money(1000, "USD")
    terms = money_world.terms(quarter, 240 * 60)

    def open_all(session: Session) -> None:
        at = events.moment(world.clock)
        for session_id in sessions:
            opening = lifecycle.Opening(
                session_id=session_id,
                ask_id=AskId(f"ask_{session_id}"),
                learner=LEARNER,
                learner_name="Lea",
                mentor=MENTOR,
                mentor_name="Mo",
                price_per_quarter=quarter,
                cap_minutes=240,
            )
            lifecycle.open_session(session, opening, at)
            meters.open_meter(session, session_id, terms, at)

    await world.database.write(open_all)
    await world.recorder.take_unfinished()
    for session_id in sessions:
        for role in counting.ROLES:
            world.recorder.joined(session_id, role)
    await asyncio.gather(*(world.recorder.start(s, by=LEARNER) for s in sessions))


def _timed_signs(world: MoneyWorld, sessions: list[SessionId]) -> float:
    started = time.process_time()
    for session_id in sessions:
        for role in counting.ROLES:
            world.recorder.hear(session_id, role, active=True)
    return time.process_time() - started


async def _timed_bare(world: MoneyWorld, sessions: list[SessionId]) -> float:
    statement = (
        update(_BARE)
        .where(_BARE.c.id == bindparam("which"))
        .values(boot=bindparam("b"), proved=bindparam("p"), proved_utc=bindparam("u"))
    )
    values = [{"which": s, "b": "boot-1", "p": 1, "u": 2} for s in sessions]
    started = time.process_time()
    await world.database.write(lambda s: s.execute(statement, values).close())
    return time.process_time() - started


if __name__ == "__main__":
    sys.exit(main())
