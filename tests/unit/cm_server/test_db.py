import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, Integer, MetaData, Table, select, text
from sqlmodel import Session

from cm_server.db import Database, StorageUnavailable, UtcDateTime
from tests.support.waiting import until

TABLES = MetaData()
NUMBERS = Table("number", TABLES, Column("value", Integer, primary_key=True))
INSTANTS = Table("instant", TABLES, Column("at", UtcDateTime))


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'folder' / 'test.sqlite3'}")
    TABLES.create_all(opened.engine)
    yield opened
    await opened.close()


def adding(value: int) -> Any:
    return lambda session: session.execute(NUMBERS.insert().values(value=value)).close()


def numbers(session: Session) -> list[int]:
    return sorted(session.execute(select(NUMBERS.c.value)).scalars())


async def test_a_write_is_seen_by_the_next_read(database: Database) -> None:
    await database.write(adding(1))
    assert await database.read(numbers) == [1]


async def test_one_that_fails_takes_nothing_of_the_others_with_it(database: Database) -> None:
    def failing(session: Session) -> None:
        adding(99)(session)
        raise KeyError("mine")

    answers = await asyncio.gather(
        *(database.write(adding(n)) for n in range(5)),
        database.write(failing),
        database.write(adding(3)),
        *(database.append(NUMBERS, [{"value": n}]) for n in range(10, 15)),
        return_exceptions=True,
    )
    assert [type(answer).__name__ for answer in answers if answer] == ["KeyError", "IntegrityError"]
    assert await database.read(numbers) == [0, 1, 2, 3, 4, 10, 11, 12, 13, 14]


async def test_a_row_the_database_cannot_hold_fails_alone(database: Database) -> None:
    """Not a database error: the driver refuses before the statement is sent."""
    answers = await asyncio.gather(
        database.append(NUMBERS, [{"value": 1}]),
        database.append(NUMBERS, [{"value": 2**64}]),
        database.append(NUMBERS, [{"value": 2}]),
        return_exceptions=True,
    )
    assert [isinstance(answer, Exception) for answer in answers] == [False, True, False]
    assert await database.read(numbers) == [1, 2]


async def test_who_gives_up_waiting_harms_nobody(database: Database) -> None:
    begun, release = threading.Event(), threading.Event()

    def hold(_: Session) -> None:
        begun.set()
        release.wait(10)

    holding = asyncio.create_task(database.write(hold))
    await until(begun.is_set, "the writer is busy, so that what follows waits")
    abandoned = [asyncio.create_task(database.write(adding(n))) for n in range(3)]
    await asyncio.sleep(0)
    for task in abandoned:
        task.cancel()
    kept = asyncio.create_task(database.write(adding(7)))
    await asyncio.sleep(0)
    release.set()
    await holding
    await kept
    assert await database.read(numbers) == [7]


async def test_giving_up_in_the_middle_of_the_work_harms_nobody(database: Database) -> None:
    started, release = threading.Event(), threading.Event()

    def slow(session: Session) -> None:
        started.set()
        release.wait(10)
        adding(1)(session)

    task = asyncio.create_task(database.write(slow))
    await until(started.is_set, "the work has begun")
    task.cancel()
    release.set()
    await database.write(adding(2))
    assert await database.read(numbers) == [1, 2]


async def test_what_was_queued_is_done_before_it_closes(database: Database) -> None:
    waiting = [asyncio.create_task(database.write(adding(n))) for n in range(50)]
    await asyncio.sleep(0)
    await database.close()
    await asyncio.gather(*waiting)
    with pytest.raises(StorageUnavailable, match="closed"):
        await database.write(adding(1))


async def test_a_locked_database_refuses_everyone_at_once_and_serves_again_after(
    database: Database,
) -> None:
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 50")
    shell = sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    answers = await asyncio.wait_for(
        asyncio.gather(*(database.write(adding(n)) for n in range(20)), return_exceptions=True), 5
    )
    assert all(isinstance(answer, StorageUnavailable) for answer in answers)
    assert "locked" in str(answers[0])
    shell.execute("ROLLBACK")
    shell.close()
    await database.write(adding(1))
    assert await database.read(numbers) == [1]


async def test_who_comes_while_the_lock_is_waited_for_does_not_wait_for_it_twice(
    database: Database,
) -> None:
    with database.engine.connect() as connection:
        connection.exec_driver_sql("PRAGMA busy_timeout = 2000")
    shell = sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None)
    shell.execute("BEGIN IMMEDIATE")
    first = asyncio.create_task(database.write(adding(1)))
    await asyncio.sleep(0)
    await until(database._waiting.empty, "the writer to wait for the lock")
    late = asyncio.create_task(database.write(adding(2)))
    await asyncio.wait({first})
    done, _ = await asyncio.wait({late}, timeout=1)
    assert done == {late}
    assert all(isinstance(one.exception(), StorageUnavailable) for one in (first, late))
    shell.execute("ROLLBACK")
    shell.close()
    await database.write(adding(3))
    assert await database.read(numbers) == [3]


async def test_check_notices_a_file_that_is_gone_or_another(database: Database) -> None:
    path = Path(database.url.removeprefix("sqlite:///"))
    await database.check()
    moved = path.rename(path.with_suffix(".moved"))
    with pytest.raises(StorageUnavailable, match="gone"):
        await database.check()
    path.write_bytes(b"")
    with pytest.raises(StorageUnavailable, match="replaced"):
        await database.check()
    moved.rename(path)
    await database.check()


async def test_an_instant_comes_back_aware_and_in_utc(database: Database) -> None:
    at = datetime(2026, 3, 2, 11, 30, tzinfo=timezone(timedelta(hours=2)))
    await database.write(lambda s: s.execute(INSTANTS.insert().values(at=at)).close())
    found = await database.read(lambda s: s.execute(select(INSTANTS.c.at)).scalar_one())
    assert found == at
    assert found.tzinfo is UTC


async def test_an_instant_without_a_zone_is_refused(database: Database) -> None:
    naive = at = datetime(2026, 3, 2, 11, 30)  # noqa: DTZ001 - the wrong input
    assert at is naive
    with pytest.raises(Exception, match="without a zone"):
        await database.write(lambda s: s.execute(INSTANTS.insert().values(at=at)).close())


async def test_an_acknowledged_write_survives_the_loss_of_power(database: Database) -> None:
    """As far as a test can say: the log is synced at each commit."""
    assert await database.read(lambda s: s.execute(text("PRAGMA synchronous")).scalar_one()) == 2
    assert (
        await database.read(lambda s: s.execute(text("PRAGMA journal_mode")).scalar_one()) == "wal"
    )


def adding_all(session: Session, values: list[int]) -> list[tuple[int, int]]:
    """Tells each how many it was done together with."""
    session.execute(NUMBERS.insert(), [{"value": value} for value in values]).close()
    return [(value, len(values)) for value in values]


async def test_items_that_wait_for_the_same_work_are_given_to_it_at_once(
    database: Database,
) -> None:
    begun, release = threading.Event(), threading.Event()

    def hold(_: Session) -> None:
        begun.set()
        release.wait(10)

    holding = asyncio.create_task(database.write(hold))
    await until(begun.is_set, "the writer is busy, so that what follows waits")
    adding_them = [
        asyncio.create_task(database.write_together(adding_all, value)) for value in range(5)
    ]
    await asyncio.sleep(0)
    release.set()
    await holding
    assert await asyncio.gather(*adding_them) == [(value, 5) for value in range(5)]
    assert await database.read(numbers) == [0, 1, 2, 3, 4]


async def test_an_item_its_work_cannot_do_fails_alone(database: Database) -> None:
    answers = await asyncio.gather(
        *(database.write_together(adding_all, value) for value in (1, 2, 2**64, 2, 3)),
        return_exceptions=True,
    )
    failed = [place for place, answer in enumerate(answers) if isinstance(answer, Exception)]
    assert failed == [2, 3]
    assert await database.read(numbers) == [1, 2, 3]
