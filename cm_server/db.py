"""The database door: one writer that commits in natural groups, readers beside it.

Owns: engines, pragmas, the writer thread, what an acknowledgement means (the commit returned, `synchronous=FULL`).
Does not own any table. A guess that would be wrong: there is no commit in the stages. `write` runs their function in a
savepoint of the current group; everyone in a group is told after the one commit, so a commit costs what the disk
costs however many wait, and the next group is whatever came in meanwhile.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from queue import SimpleQueue
from typing import Any, Final, TypeVar, assert_never, cast

from sqlalchemy import (
    Connection,
    DateTime,
    Dialect,
    Engine,
    Table,
    TypeDecorator,
    create_engine,
    event,
    insert,
    text,
)
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError
from sqlalchemy.pool import ConnectionPoolEntry
from sqlmodel import Session

T = TypeVar("T")
Item = TypeVar("Item")

WRITES_PER_GROUP_MAX: Final = 512
WRITES_WAITING_MAX: Final = 20_000
READERS: Final = 4
LOCK_WAIT_MS: Final = 250
CHECKPOINT_PAGES: Final = 4_000
"""Of SQLite's log, 16 MB, before they are copied into its file. Every session writes to a page of its own four times a second; copied
four times as seldom, an edit costs the disk's thread a fifth less.
"""
COLLISIONS_MAX: Final = 20
COLLISION_STATES: Final = frozenset({"40001", "40P01", "55P03"})
"""Not serialisable, deadlock, lock not available in time."""


class StorageUnavailable(Exception):  # noqa: N818 - reads as what happened
    """The database refused or failed; nothing of the write is in it, or, for a lost commit, nobody was told it is."""


class UtcDateTime(TypeDecorator[datetime]):
    """An instant. Aware going in, aware UTC coming out, on databases that keep a zone and on SQLite, which does not."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("An instant without a zone cannot be stored.")
        instant = value.astimezone(UTC)
        return instant.replace(tzinfo=None) if dialect.name == "sqlite" else instant

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        del dialect  # a driver that keeps no zone hands out naive values, whatever it is called
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


@dataclass(slots=True)
class _Work:
    run: Callable[[Session], Any]
    done: Future[Any] = field(default_factory=Future)


@dataclass(slots=True)
class _Share:
    """One item of a work that is done for many at once."""

    run: Callable[[Session, list[Any]], Sequence[Any]]
    item: Any
    done: Future[Any] = field(default_factory=Future)


@dataclass(slots=True)
class _Append:
    table: Table
    rows: Sequence[Mapping[str, Any]]
    done: Future[Any] = field(default_factory=Future)


_Job = _Work | _Share | _Append


class Database:
    """`write` and `append` return when their effect is durable; `read` sees the last committed group."""

    def __init__(self, url: str) -> None:
        self.url = url
        self._writing = open_engine(url, writes=True)
        self._reading = open_engine(url, writes=False)
        self._readers = ThreadPoolExecutor(READERS, thread_name_prefix="db-read")
        self._waiting: SimpleQueue[_Job | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write_groups, name="db-write", daemon=True)
        self._closed = False
        self._file = sqlite_file(url)
        self._file_id: tuple[int, int] | None = None
        self._writer.start()

    @property
    def engine(self) -> Engine:
        """For migrations and checks, which manage their own transactions before the server serves."""
        return self._writing

    async def write(self, work: Callable[[Session], T]) -> T:
        """Run `work` in a transaction on the writer thread; its exception rolls back its own changes only.

        Called once, except on PostgreSQL after a collision with another process, when it runs again from the start: it
        must read and write through its session and touch nothing else.
        """
        return cast("T", await self._enqueue(_Work(work)))

    async def write_together(
        self, work: Callable[[Session, list[Item]], Sequence[T]], item: Item
    ) -> T:
        """As `write`, but all items that wait for the same `work` are given to it at once; it answers in their order.

        Where it raises, each item is tried by itself, so the exception is told to whose item it is. `work` must be the
        same object each time, a function of a module, or nothing is ever done together.
        """
        return cast("T", await self._enqueue(_Share(work, item)))

    async def append(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        """Insert rows by the cheapest road: all appends that wait together become one statement per table."""
        await self._enqueue(_Append(table, rows))

    async def read(self, work: Callable[[Session], T]) -> T:
        """Run `work` on a reader thread; what it changes is rolled back."""
        if self._closed:
            raise StorageUnavailable("The database is closed.")
        return await asyncio.get_running_loop().run_in_executor(self._readers, self._read, work)

    async def check(self) -> None:
        """Take the write lock and give it back; raises `StorageUnavailable` when the next write would fail.

        On SQLite it also notices when another file has come into the place of the one in use, or none has.
        """
        await self.write(lambda session: session.execute(text("SELECT 1")).close())
        if self._file is None:
            return
        try:
            status = self._file.stat()
        except OSError as error:
            raise StorageUnavailable(f"The database file is gone: {error.strerror}.") from error
        if not os.access(self._file, os.W_OK):
            # SQLite takes a write lock on a read-only file without a word, for reading.
            raise StorageUnavailable("The database file is read-only.")
        found = (status.st_dev, status.st_ino)
        self._file_id = self._file_id or found
        if found != self._file_id:
            raise StorageUnavailable("The database file was replaced while in use; restart.")

    async def close(self) -> None:
        """Finish what waits, then close; later calls fail with `StorageUnavailable`."""
        if self._closed:
            return
        self._closed = True
        self._waiting.put(None)
        await asyncio.get_running_loop().run_in_executor(None, self._writer.join)
        self._readers.shutdown()
        self._writing.dispose()
        self._reading.dispose()

    async def _enqueue(self, job: _Job) -> Any:
        if self._closed:
            raise StorageUnavailable("The database is closed.")
        if self._waiting.qsize() >= WRITES_WAITING_MAX:
            raise StorageUnavailable(f"More than {WRITES_WAITING_MAX} writes wait for the disk.")
        self._waiting.put(job)
        return await asyncio.wrap_future(job.done)

    def _read(self, work: Callable[[Session], T]) -> T:
        try:
            with Session(self._reading, expire_on_commit=False) as session:
                return work(session)
        except DBAPIError as error:
            raise StorageUnavailable(_reason(error)) from error

    def _write_groups(self) -> None:
        open_for_more = True
        while open_for_more:
            group, open_for_more = self._next_group()
            # Whoever gave up waiting is left out; from here on a job cannot be cancelled, only answered.
            if started := [job for job in group if job.done.set_running_or_notify_cancel()]:
                self._commit(started)

    def _next_group(self) -> tuple[list[_Job], bool]:
        """What waits, up to the bound, and whether more may come."""
        group: list[_Job] = []
        while not group or (len(group) < WRITES_PER_GROUP_MAX and not self._waiting.empty()):
            job = self._waiting.get()
            if job is None:
                return group, False
            group.append(job)
        return group, True

    def _came_meanwhile(self) -> list[_Job]:
        came: list[_Job] = []
        for _ in range(self._waiting.qsize()):
            job = self._waiting.get()
            if job is None:
                self._waiting.put(None)  # whoever closes puts it last
                break
            if job.done.set_running_or_notify_cancel():
                came.append(job)
        return came

    def _commit(self, group: list[_Job], tries: int = COLLISIONS_MAX) -> None:
        """One transaction for the group; a caller whose own part failed has been told before the commit.

        Where another process holds what the group needs, waiting long would only wait for each other: the group holds
        locks too. It lets go of all of them, and each part goes by itself.
        """
        answers: list[tuple[Future[Any], Any]] = []
        begun = False
        try:
            with self._writing.begin() as connection:
                begun = True
                _limit_waiting(connection)
                for jobs in _runs(group):
                    answers.extend(_perform(connection, jobs))
        except Exception as error:  # noqa: BLE001 - guard: the writer outlives any one job, and everyone gets an answer
            unanswered = [job for job in group if not job.done.done()]
            if begun and len(group) > 1:
                for job in unanswered:
                    self._commit([job])
            elif unanswered and _collided(error) and tries > 1:
                self._commit(unanswered, tries - 1)
            else:
                # Without a transaction nobody's part is to blame, and trying each would wait for the lock each time; nor
                # do those who came meanwhile wait for it once more.
                for job in unanswered if begun else [*unanswered, *self._came_meanwhile()]:
                    _fail(job.done, _told(error), error)
            return
        for done, value in answers:
            done.set_result(value)


def _runs(group: list[_Job]) -> list[list[_Job]]:
    """Consecutive jobs that can be done together, everything else by itself, in the order they came."""
    runs: list[list[_Job]] = []
    for job in group:
        if runs and _go_together(runs[-1][-1], job):
            runs[-1].append(job)
        else:
            runs.append([job])
    return runs


def _go_together(before: _Job, job: _Job) -> bool:
    match before, job:
        case _Append(), _Append():
            return before.table is job.table
        case _Share(), _Share():
            return before.run is job.run
        case _:
            return False


def _perform(connection: Connection, jobs: list[_Job]) -> list[tuple[Future[Any], Any]]:
    """What each is to be told after the commit; who is not in it has been told of a failure."""
    first = jobs[0]
    match first:
        case _Append():
            rows = [row for job in jobs if isinstance(job, _Append) for row in job.rows]
            connection.execute(insert(first.table), rows)
            return [(job.done, None) for job in jobs]
        case _Share():
            shares = [job for job in jobs if isinstance(job, _Share)]
            return _perform_together(connection, first.run, shares)
        case _Work():
            return _perform_together(connection, lambda s, _: [first.run(s)], [first])
        case _:  # pragma: no cover - closed union
            assert_never(first)


def _perform_together(
    connection: Connection,
    run: Callable[[Session, list[Any]], Sequence[Any]],
    jobs: Sequence[_Work | _Share],
) -> list[tuple[Future[Any], Any]]:
    """The session keeps to a savepoint of the group's transaction, so its failure is its own."""
    session = Session(connection, expire_on_commit=False, join_transaction_mode="create_savepoint")
    try:
        values = run(session, [job.item for job in jobs if isinstance(job, _Share)])
        session.commit()
    except Exception as error:
        if _collided(error) or (isinstance(error, DBAPIError) and error.connection_invalidated):
            raise
        try:
            session.rollback()
        except SQLAlchemyError:
            # A full disk ends SQLite's whole transaction, and the savepoint with it: what is told is why.
            raise error from None
        if len(jobs) > 1:
            return [told for job in jobs for told in _perform_together(connection, run, [job])]
        # A full disk is nobody's own fault, and nothing the caller could know by its driver's name.
        told = _told(error) if isinstance(error, OperationalError) else error
        _fail(jobs[0].done, told, error if told is not error else None)
        return []
    finally:
        session.close()
    return list(zip((job.done for job in jobs), values, strict=True))


def _limit_waiting(connection: Connection) -> None:
    """SQLite has one writer, and its `busy_timeout` does this."""
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = {LOCK_WAIT_MS}")


def _collided(error: BaseException) -> bool:
    """PostgreSQL gave up waiting for another transaction, or found the two waiting for each other."""
    return (
        isinstance(error, DBAPIError) and getattr(error.orig, "sqlstate", None) in COLLISION_STATES
    )


def _fail(done: Future[Any], error: Exception, cause: Exception | None) -> None:
    if cause is not error:
        error.__cause__ = cause or error.__cause__
    done.set_exception(error)


def _told(error: Exception) -> Exception:
    return StorageUnavailable(_reason(error)) if isinstance(error, SQLAlchemyError) else error


def _reason(error: SQLAlchemyError) -> str:
    return f"The database says: {getattr(error, 'orig', error)}"


def open_engine(url: str, *, writes: bool) -> Engine:
    """An engine set up as `Database`'s own are, for commands that work before there is a server."""
    if not url.startswith("sqlite"):
        return create_engine(url, pool_size=1 if writes else READERS, pool_pre_ping=True)
    if path := sqlite_file(url):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    engine = create_engine(url, pool_size=1 if writes else READERS, max_overflow=0)
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine, "connect")
    def set_pragmas(connection: Any, _: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # SQLAlchemy's own BEGIN below, not the driver's late one
        for pragma in (
            "journal_mode=WAL",
            "synchronous=FULL",
            "foreign_keys=ON",
            "busy_timeout=5000",
            f"wal_autocheckpoint={CHECKPOINT_PAGES}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin_transaction(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine


def sqlite_file(url: str) -> Path | None:
    return Path(url.removeprefix("sqlite:///")) if url.startswith("sqlite:///") else None
