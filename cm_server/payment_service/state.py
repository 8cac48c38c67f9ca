"""All records of the stand-in in memory, and where they are kept.

Owns: the tables, what changed since the last save, the two stores. Does not own: any rule.
A reader would guess a database behind every look-up: memory answers, the store only survives.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Generic, Protocol, TypeVar

import msgspec

from cm_server.payment_service import problems, records

R = TypeVar("R", bound=records.Record)
Row = tuple[str, str, bytes]
"""Kind, id, JSON of one record."""


class Store(Protocol):
    def load(self) -> Iterable[Row]: ...

    def save(self, rows: list[Row]) -> None:
        """All or nothing; a row replaces the one of the same kind and id, in its place."""
        ...

    def close(self) -> None: ...


class MemoryStore:
    """Keeps rows as long as the object lives: what a test restarts from."""

    def __init__(self) -> None:
        self._rows: dict[tuple[str, str], bytes] = {}

    def load(self) -> Iterable[Row]:
        return [(kind, id_, body) for (kind, id_), body in self._rows.items()]

    def save(self, rows: list[Row]) -> None:
        self._rows.update({(kind, id_): body for kind, id_, body in rows})

    def close(self) -> None:
        """Nothing is open."""


class SqliteStore:
    """One file; a killed process loses at most the request it had not answered."""

    def __init__(self, path: Path) -> None:
        self._database = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute(
            "CREATE TABLE IF NOT EXISTS record ("
            "position INTEGER PRIMARY KEY, kind TEXT NOT NULL, id TEXT NOT NULL,"
            " body BLOB NOT NULL, UNIQUE (kind, id))"
        )

    def load(self) -> Iterable[Row]:
        return self._database.execute("SELECT kind, id, body FROM record ORDER BY position")

    def save(self, rows: list[Row]) -> None:
        self._database.execute("BEGIN IMMEDIATE")
        try:
            self._database.executemany(
                "INSERT INTO record (kind, id, body) VALUES (?, ?, ?)"
                " ON CONFLICT (kind, id) DO UPDATE SET body = excluded.body",
                rows,
            )
        except sqlite3.Error:
            self._database.execute("ROLLBACK")
            raise
        self._database.execute("COMMIT")

    def close(self) -> None:
        self._database.close()


class Table(Generic[R]):
    """Records of one kind by id, oldest first; those `is_open` also apart, for time to work on."""

    def __init__(
        self, kind: str, type_: type[R], is_open: Callable[[R], bool] | None = None
    ) -> None:
        self.kind = kind
        self._is_open = is_open
        self._open: dict[str, None] = {}
        self._type = type_
        self._records: dict[str, R] = {}
        # Ordered: rows must be saved in the order in which their records came to be.
        self._changed: dict[str, None] = {}

    def __contains__(self, id_: str) -> bool:
        return id_ in self._records

    def __iter__(self) -> Iterator[R]:
        return iter(list(self._records.values()))

    def get(self, id_: str) -> R:
        found = self._records.get(id_)
        if found is None:
            raise problems.missing(self.kind, id_)
        return found

    def find(self, id_: str) -> R | None:
        return self._records.get(id_)

    def newest_first(self) -> list[R]:
        return list(reversed(self._records.values()))

    def open(self) -> list[R]:
        return [self._records[id_] for id_ in self._open]

    def put(self, record: R) -> R:
        self._keep(record)
        self._changed[record.id] = None
        return record

    def take_changes(self) -> list[Row]:
        rows = [(self.kind, id_, msgspec.json.encode(self._records[id_])) for id_ in self._changed]
        self._changed.clear()
        return rows

    def restore(self, id_: str, body: bytes) -> None:
        record = msgspec.json.decode(body, type=self._type)
        if record.id != id_:
            raise ValueError(f"the row {id_} of {self.kind} holds {record.id}")
        self._keep(record)

    def _keep(self, record: R) -> None:
        self._records[record.id] = record
        if self._is_open is not None and self._is_open(record):
            self._open.setdefault(record.id)
        else:
            self._open.pop(record.id, None)


class State:
    """Every table, filled from the store."""

    def __init__(self, store: Store) -> None:
        self.customers = Table("customer", records.Customer)
        self.payment_methods = Table("payment_method", records.PaymentMethod)
        self.checkout_sessions = Table(
            "checkout.session", records.CheckoutSession, lambda r: r.status == "open"
        )
        self.intents = Table(
            "payment_intent", records.PaymentIntent, lambda r: r.status == "requires_capture"
        )
        self.charges = Table("charge", records.Charge)
        self.refunds = Table("refund", records.Refund, lambda r: r.status == "pending")
        self.accounts = Table("account", records.Account)
        self.account_links = Table("account_link", records.AccountLink)
        self.transfers = Table("transfer", records.Transfer)
        self.reversals = Table("transfer_reversal", records.Reversal)
        self.disputes = Table("dispute", records.Dispute, lambda r: r.status == "needs_response")
        self.balance_lines = Table("balance_transaction", records.BalanceLine)
        self.events = Table("event", records.Event)
        self.deliveries = Table("delivery", records.Delivery, lambda r: not r.done)
        self.answers = Table("answer", records.Answer)
        self._store = store
        tables = {table.kind: table for table in self._tables()}
        for kind, id_, body in store.load():
            tables[kind].restore(id_, body)

    def save(self) -> None:
        rows = [row for table in self._tables() for row in table.take_changes()]
        if rows:
            self._store.save(rows)

    def close(self) -> None:
        self._store.close()

    def _tables(self) -> list[Table[records.Record]]:
        return [table for table in vars(self).values() if isinstance(table, Table)]
