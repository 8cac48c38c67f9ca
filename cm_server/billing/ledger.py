"""Append-only double entry: journals of transfers, one per business fact, in integer minor units.

Owns: appending, reading and checking. Does not own: which accounts a fact touches (`journals`). A guess that would be
wrong: balances are state to be kept right. They are sums over rows that are never changed; the database keeps the cached
ones by trigger, and `verify` recomputes them.
"""

import hashlib
import json
from collections import defaultdict
from dataclasses import dataclass
from typing import Final, Literal

from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlmodel import Session

from cm_server.billing.accounts import Account

KEY_CHARACTERS_MAX: Final = 255


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
    if not journal.key or len(journal.key) > KEY_CHARACTERS_MAX or not journal.legs:
        raise LedgerRefused(f"journal {journal.key!r} has no fitting key or no legs")
    connection = session.connection()
    try:
        journal_id = _insert_journal(connection, journal, at_ms)
        if journal_id is None:
            return False
        _open_accounts(connection, journal)
        for leg in journal.legs:
            _insert_leg(connection, journal_id, leg)
    except DBAPIError as error:
        raise LedgerRefused(f"{journal.kind} {journal.key}: {error.orig}") from error
    return True


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


def _insert_journal(connection: Connection, journal: Journal, at_ms: int) -> int | None:
    fingerprint = _fingerprint(journal)
    inserted = connection.execute(
        text(
            "INSERT INTO ledger_journal (key, kind, payment_id, cause, at_ms, fingerprint) "
            "VALUES (:key, :kind, :payment_id, :cause, :at_ms, :fingerprint) "
            "ON CONFLICT (key) DO NOTHING RETURNING id"
        ),
        {
            "key": journal.key,
            "kind": journal.kind,
            "payment_id": journal.payment_id,
            "cause": journal.cause,
            "at_ms": at_ms,
            "fingerprint": fingerprint,
        },
    ).scalar()
    if inserted is not None:
        return int(inserted)
    stored = connection.execute(
        text("SELECT fingerprint FROM ledger_journal WHERE key = :key"), {"key": journal.key}
    ).scalar_one()
    if stored != fingerprint:
        raise KeyReused(f"journal {journal.key} is booked already with other amounts or accounts")
    return None


def _open_accounts(connection: Connection, journal: Journal) -> None:
    accounts = {
        account.code: account
        for leg in journal.legs
        if isinstance(leg, Leg)
        for account in (leg.debit, leg.credit)
    }
    if accounts:
        connection.execute(
            text(
                "INSERT INTO ledger_account (code, currency, guard, dr, cr, dr_pending, cr_pending) "
                "VALUES (:code, :currency, :guard, 0, 0, 0, 0) ON CONFLICT (code) DO NOTHING"
            ),
            [
                {"code": a.code, "currency": a.currency, "guard": a.guard}
                for a in sorted(accounts.values(), key=lambda a: a.code)
            ],
        )


def _insert_leg(connection: Connection, journal_id: int, leg: Leg | Resolve) -> None:
    values: dict[str, str | int | None]
    if isinstance(leg, Leg):
        values = {
            "debit": leg.debit.code,
            "credit": leg.credit.code,
            "amount": leg.minor,
            "phase": leg.phase,
            "pending_id": None,
        }
    else:
        values = _resolution(connection, leg)
    connection.execute(
        text(
            "INSERT INTO ledger_transfer (journal_id, debit, credit, amount, phase, pending_id) "
            "VALUES (:journal_id, :debit, :credit, :amount, :phase, :pending_id)"
        ),
        {"journal_id": journal_id, **values},
    )


def _resolution(connection: Connection, leg: Resolve) -> dict[str, str | int | None]:
    reserved = connection.execute(
        text(
            "SELECT t.id, t.debit, t.credit, t.amount FROM ledger_transfer t "
            "JOIN ledger_journal j ON j.id = t.journal_id WHERE j.key = :key AND t.phase = 'pending'"
        ),
        {"key": leg.reserved_key},
    ).one_or_none()
    if reserved is None:
        raise LedgerRefused(f"nothing is reserved under {leg.reserved_key}")
    return {
        "debit": reserved.debit,
        "credit": reserved.credit,
        "amount": leg.minor or reserved.amount,
        "phase": "post" if leg.minor else "void",
        "pending_id": reserved.id,
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
