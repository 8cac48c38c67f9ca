"""Tables of the ledger and the guards the database itself keeps on them.

Owns: accounts, journals, transfers, and the triggers that move balances and refuse changes, for SQLite and PostgreSQL.
Does not own: what is booked when. A guess that would be wrong: sums must be checked for balance. A row debits one account
and credits another with one positive amount, so no set of rows can fail to balance.
"""

from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Connection, MetaData, event
from sqlmodel import Field, SQLModel

from cm_server.billing import ledger_guards


class LedgerAccount(SQLModel, table=True):
    """`guard` names the side that must never be exceeded: `credit` accounts owe, `debit` accounts are owed."""

    __tablename__ = "ledger_account"
    __table_args__ = (
        CheckConstraint("guard IN ('none', 'credit', 'debit')", name="ledger_guard_known"),
        CheckConstraint("guard <> 'credit' OR cr >= dr", name="ledger_credit_guard"),
        CheckConstraint("guard <> 'debit' OR dr >= cr", name="ledger_debit_guard"),
        CheckConstraint("dr_pending >= 0 AND cr_pending >= 0", name="ledger_pending_whole"),
    )

    code: str = Field(primary_key=True, max_length=120)
    currency: str = Field(max_length=3)
    guard: str = Field(max_length=6)
    dr: int = Field(default=0, sa_type=BigInteger)
    cr: int = Field(default=0, sa_type=BigInteger)
    dr_pending: int = Field(default=0, sa_type=BigInteger)
    cr_pending: int = Field(default=0, sa_type=BigInteger)


class LedgerJournal(SQLModel, table=True):
    """One business fact. `fingerprint` tells a repetition from a second fact under the same key."""

    __tablename__ = "ledger_journal"

    id: int | None = Field(default=None, primary_key=True)
    key: str = Field(unique=True, max_length=255)
    kind: str = Field(max_length=40)
    payment_id: str = Field(index=True, max_length=64)
    cause: str = Field(max_length=255)
    at_ms: int = Field(sa_type=BigInteger)
    fingerprint: str = Field(max_length=64)


class LedgerTransfer(SQLModel, table=True):
    """`pending_id` is the reservation a `post` or `void` resolves; unique, so it happens once."""

    __tablename__ = "ledger_transfer"
    __table_args__ = (
        CheckConstraint("amount > 0", name="ledger_amount_positive"),
        CheckConstraint("debit <> credit", name="ledger_two_accounts"),
        CheckConstraint(
            "phase IN ('single', 'pending', 'post', 'void')", name="ledger_phase_known"
        ),
        CheckConstraint(
            "(phase IN ('post', 'void')) = (pending_id IS NOT NULL)", name="ledger_resolves"
        ),
    )

    id: int | None = Field(default=None, primary_key=True)
    journal_id: int = Field(foreign_key="ledger_journal.id", index=True)
    debit: str = Field(foreign_key="ledger_account.code", index=True)
    credit: str = Field(foreign_key="ledger_account.code", index=True)
    amount: int = Field(sa_type=BigInteger)
    phase: str = Field(max_length=7)
    pending_id: int | None = Field(default=None, foreign_key="ledger_transfer.id", unique=True)


@event.listens_for(SQLModel.metadata, "after_create")
def _guard_new_tables(_: MetaData, connection: Connection, **made: Any) -> None:
    """Tables made from the metadata get their guards at once; a migration calls `install`."""
    if LedgerTransfer.__tablename__ in {table.name for table in made["tables"]}:
        install(connection)


def install(connection: Connection) -> None:
    """Put the guards in place; may be repeated."""
    for statement in ledger_guards.statements(connection.dialect.name):
        connection.exec_driver_sql(statement)
