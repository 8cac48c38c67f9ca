"""Append-only double entry: journals of transfers, one per business fact, in integer minor units.

Owns: appending, reading and checking. Does not own: which accounts a fact touches (`journals`). A guess that would be
wrong: balances are state to be kept right. They are sums over rows that are never changed; the database keeps the cached
ones by trigger, and `verify` recomputes them.
"""

import hashlib
import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final, Literal

from sqlalchemy import Connection, Row, Table, bindparam, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

from cm_server.billing.accounts import Account
from cm_server.billing.ledger_model import LedgerJournal

KEY_CHARACTERS_MAX: Final = 255

_JOURNALS: Final[Table] = LedgerJournal.__table__  # type: ignore[attr-defined]
_INSERT_JOURNALS: Final = MappingProxyType(
    {
        name: dialect.insert(_JOURNALS)
        .on_conflict_do_nothing(index_elements=["key"])
        .returning(_JOURNALS.c.id, _JOURNALS.c.key)
        for name, dialect in (("sqlite", sqlite), ("postgresql", postgresql))
    }
)
_FINGERPRINTS: Final = text(
    "SELECT key, fingerprint FROM ledger_journal WHERE key IN :keys"
).bindparams(bindparam("keys", expanding=True))
_OPEN_ACCOUNTS: Final = text(
    "INSERT INTO ledger_account (code, currency, guard, dr, cr, dr_pending, cr_pending) "
    "VALUES (:code, :currency, :guard, 0, 0, 0, 0) ON CONFLICT (code) DO NOTHING"
)
_RESERVED: Final = text(
    "SELECT j.key, t.id, t.debit, t.credit, t.amount FROM ledger_transfer t "
    "JOIN ledger_journal j ON j.id = t.journal_id WHERE j.key IN :keys AND t.phase = 'pending'"
).bindparams(bindparam("keys", expanding=True))
_INSERT_TRANSFERS: Final = text(
    "INSERT INTO ledger_transfer (journal_id, debit, credit, amount, phase, pending_id) "
    "VALUES (:journal_id, :debit, :credit, :amount, :phase, :pending_id)"
)


class LedgerRefused(Exception):  # noqa: N818 - a refusal is an answer
    """The database's own guards said no; nothing of the journal is in it."""


class KeyReused(LedgerRefused):
    """The key stands for another fact already: an alarm, never an effect."""


@dataclass(frozen=True, slots=True)
class Leg:
    """`minor` goes from `credit` to `debit`; a pending leg only reserves."""

    debit: Account
    credit: Account
    minor: int
    phase: Literal["single", "pending"] = "single"


@dataclass(frozen=True, slots=True)
class Resolve:
    """Ends the one reservation of journal `reserved_key`: posts `minor` of it and returns the rest, or voids it all at 0."""

    reserved_key: str
    minor: int = 0


@dataclass(frozen=True, slots=True)
class Journal:
    """`cause` is the key of the outbox row or event, or the command, that this follows from."""

    key: str
    kind: str
    payment_id: str
    cause: str
    legs: tuple[Leg | Resolve, ...]


@dataclass(frozen=True, slots=True)
class Balance:
    """`minor` is debits less credits; `pending_minor` likewise of what is reserved."""

    code: str
    currency: str
    minor: int
    pending_minor: int


@dataclass(frozen=True, slots=True)
class Posting:
    """One row as printed and exported."""

    journal_id: int
    key: str
    kind: str
    at_ms: int
    payment_id: str
    debit: str
    credit: str
    minor: int
    phase: str
    cause: str


def append(session: Session, journal: Journal, *, at_ms: int) -> bool:
    """Book a fact once. False: it stands there already. Raises `KeyReused` or `LedgerRefused`, which undo the caller's work."""
    return bool(append_all(session, [journal], at_ms=at_ms))


def append_all(session: Session, journals: Sequence[Journal], *, at_ms: int) -> int:
    """Book facts, each once, in their order; how many did not stand there already. Raises as `append` does."""
    for journal in journals:
        if not journal.key or len(journal.key) > KEY_CHARACTERS_MAX or not journal.legs:
            raise LedgerRefused(f"journal {journal.key!r} has no fitting key or no legs")
    connection = session.connection()
    try:
        return sum(_book(connection, part, at_ms) for part in _independent(journals))
    except OperationalError:
        raise  # not a guard's no: another process holds the rows, or the disk is full
    except DBAPIError as error:
        told = ", ".join(f"{journal.kind} {journal.key}" for journal in journals)
        raise LedgerRefused(f"{told}: {error.orig}") from error


def has(session: Session, key: str) -> bool:
    found = session.connection().execute(
        text("SELECT 1 FROM ledger_journal WHERE key = :key"), {"key": key}
    )
    return found.first() is not None


def balances(session: Session) -> list[Balance]:
    rows = session.connection().execute(
        text(
            "SELECT code, currency, dr - cr AS minor, dr_pending - cr_pending AS pending "
            "FROM ledger_account ORDER BY code"
        )
    )
    return [Balance(row.code, row.currency, row.minor, row.pending) for row in rows]


def balance_of(session: Session, account: Account) -> int:
    """Debits less credits; 0 for an account that was never used."""
    found = session.connection().execute(
        text("SELECT dr - cr FROM ledger_account WHERE code = :code"), {"code": account.code}
    )
    return int(found.scalar() or 0)


def postings(session: Session) -> list[Posting]:
    rows = session.connection().execute(
        text(
            "SELECT j.id, j.key, j.kind, j.at_ms, j.payment_id, t.debit, t.credit, t.amount, t.phase, "
            "j.cause FROM ledger_transfer t JOIN ledger_journal j ON j.id = t.journal_id ORDER BY t.id"
        )
    )
    return [Posting(*row) for row in rows]


def verify(session: Session) -> list[str]:
    """Every way in which the stored balances are not the sums of the rows, as sentences; empty when all is well."""
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
    reserved: dict[int, int] = {}
    problems: list[str] = []
    rows = session.connection().execute(
        text("SELECT id, debit, credit, amount, phase, pending_id FROM ledger_transfer ORDER BY id")
    )
    for row in rows:
        booked = row.amount if row.phase in ("single", "post") else 0
        pending = row.amount if row.phase == "pending" else -reserved.pop(row.pending_id, 0)
        if row.phase == "pending":
            reserved[row.id] = row.amount
        if row.phase == "single":
            pending = 0
        for side, code in enumerate((row.debit, row.credit)):
            sums[code][side] += booked
            sums[code][side + 2] += pending
    accounts = session.connection().execute(
        text(
            "SELECT code, currency, guard, dr, cr, dr_pending, cr_pending FROM ledger_account ORDER BY code"
        )
    )
    totals: defaultdict[str, int] = defaultdict(int)
    for account in accounts:
        stored = [account.dr, account.cr, account.dr_pending, account.cr_pending]
        if stored != sums[account.code]:
            problems.append(f"{account.code}: stored {stored}, rows give {sums[account.code]}")
        totals[account.currency] += account.dr - account.cr
    problems += [
        f"{currency}: debits exceed credits by {minor}"
        for currency, minor in totals.items()
        if minor
    ]
    return problems + _empty_journals(session)


def _independent(journals: Sequence[Journal]) -> Iterator[list[Journal]]:
    """In parts of which none resolves or repeats what the same part books."""
    part: list[Journal] = []
    keys: set[str] = set()
    for journal in journals:
        resolved = {leg.reserved_key for leg in journal.legs if isinstance(leg, Resolve)}
        if keys & {journal.key, *resolved}:
            yield part
            part, keys = [], set()
        part.append(journal)
        keys.add(journal.key)
    if part:
        yield part


def _book(connection: Connection, journals: list[Journal], at_ms: int) -> int:
    ids = _insert_journals(connection, journals, at_ms)
    fresh = [journal for journal in journals if journal.key in ids]
    if not fresh:
        return 0
    _open_accounts(connection, fresh)
    reserved = _reservations(connection, fresh)
    connection.execute(
        _INSERT_TRANSFERS,
        [
            {"journal_id": ids[journal.key], **_row_of(leg, reserved)}
            for journal in fresh
            for leg in journal.legs
        ],
    )
    return len(fresh)


def _insert_journals(connection: Connection, journals: list[Journal], at_ms: int) -> dict[str, int]:
    """Key and id of those that were not there; the others must be the same facts."""
    prints = {journal.key: _fingerprint(journal) for journal in journals}
    inserted = connection.execute(
        _INSERT_JOURNALS[connection.dialect.name],
        [
            {
                "key": journal.key,
                "kind": journal.kind,
                "payment_id": journal.payment_id,
                "cause": journal.cause,
                "at_ms": at_ms,
                "fingerprint": prints[journal.key],
            }
            for journal in journals
        ],
    )
    ids = {row.key: int(row.id) for row in inserted}
    there = [journal.key for journal in journals if journal.key not in ids]
    if there:
        _check_same(connection, {key: prints[key] for key in there})
    return ids


def _check_same(connection: Connection, prints: dict[str, str]) -> None:
    stored = connection.execute(_FINGERPRINTS, {"keys": list(prints)})
    for key, fingerprint in stored:
        if prints[key] != fingerprint:
            raise KeyReused(f"journal {key} is booked already with other amounts or accounts")


def _open_accounts(connection: Connection, journals: list[Journal]) -> None:
    accounts = {
        account.code: account
        for journal in journals
        for leg in journal.legs
        if isinstance(leg, Leg)
        for account in (leg.debit, leg.credit)
    }
    if accounts:
        connection.execute(
            _OPEN_ACCOUNTS,
            [
                {"code": code, "currency": account.currency, "guard": account.guard}
                for code, account in sorted(accounts.items())
            ],
        )


def _reservations(connection: Connection, journals: list[Journal]) -> dict[str, Row[Any]]:
    """The reserving row of each journal that one of these resolves."""
    keys = {leg.reserved_key for j in journals for leg in j.legs if isinstance(leg, Resolve)}
    if not keys:
        return {}
    found = {row.key: row for row in connection.execute(_RESERVED, {"keys": sorted(keys)})}
    for key in keys - found.keys():
        raise LedgerRefused(f"nothing is reserved under {key}")
    return found


def _row_of(leg: Leg | Resolve, reserved: dict[str, Row[Any]]) -> dict[str, str | int | None]:
    if isinstance(leg, Leg):
        return {
            "debit": leg.debit.code,
            "credit": leg.credit.code,
            "amount": leg.minor,
            "phase": leg.phase,
            "pending_id": None,
        }
    row = reserved[leg.reserved_key]
    return {
        "debit": row.debit,
        "credit": row.credit,
        "amount": leg.minor or row.amount,
        "phase": "post" if leg.minor else "void",
        "pending_id": row.id,
    }


def _fingerprint(journal: Journal) -> str:
    legs = [
        [leg.debit.code, leg.credit.code, leg.minor, leg.phase]
        if isinstance(leg, Leg)
        else [leg.reserved_key, leg.minor]
        for leg in journal.legs
    ]
    parts = json.dumps([journal.kind, journal.payment_id, legs], separators=(",", ":"))
    return hashlib.sha256(parts.encode()).hexdigest()


def _empty_journals(session: Session) -> list[str]:
    rows = session.connection().execute(
        text(
            "SELECT key FROM ledger_journal j WHERE NOT EXISTS "
            "(SELECT 1 FROM ledger_transfer t WHERE t.journal_id = j.id)"
        )
    )
    return [f"journal {row.key} moves nothing" for row in rows]
