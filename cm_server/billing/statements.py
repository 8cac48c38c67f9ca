"""A mentor's statement: each paid session with its price, refunds, commission, share, and where the money is.

Owns: the rows and their text. All amounts are read from payments and payouts; the ledger's balance closes the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlmodel import Session, col, select

from cm_server.billing import accounts, ledger, payouts, store
from cm_server.billing.model import Payment
from cm_wire.ids import PersonId
from cm_wire.money import Money


@dataclass(frozen=True, slots=True)
class StatementRow:
    session_id: str
    ended_at_ms: int
    charged: Money
    refunded: Money
    commission: Money
    share: Money
    standing: str


@dataclass(frozen=True, slots=True)
class Statement:
    """`due` is released and not yet sent; `owed_back` is what later earnings are set off against."""

    mentor: PersonId
    rows: tuple[StatementRow, ...]
    due: tuple[Money, ...]
    owed_back: tuple[Money, ...]


def of_mentor(session: Session, mentor: PersonId) -> Statement:
    query = select(Payment).where(Payment.mentor == mentor).order_by(col(Payment.ended_at_ms))
    payments = [p for p in session.exec(query) if p.state in ("settled", "released", "owed")]
    currencies = sorted({payment.currency for payment in payments})
    return Statement(
        mentor,
        tuple(_row(session, payment) for payment in payments),
        tuple(
            Money(-ledger.balance_of(session, accounts.mentor_payable(mentor, c)), c)
            for c in currencies
        ),
        tuple(
            Money(ledger.balance_of(session, accounts.mentor_receivable(mentor, c)), c)
            for c in currencies
        ),
    )


def text(statement: Statement, name: str) -> str:
    """For people; `name` is how the mentor is called."""
    lines = [f"Statement of {name}, {len(statement.rows)} paid sessions"]
    lines += [
        f"  {_day(row)}  {row.session_id}  charged {row.charged}, back {row.refunded}, "
        f"commission {row.commission}, yours {row.share}: {row.standing}"
        for row in statement.rows
    ]
    lines += [
        f"Released and not sent yet: {_sum(statement.due)}",
        f"To be set off against later earnings: {_sum(statement.owed_back)}",
    ]
    return "\n".join(lines) + "\n"


def _day(row: StatementRow) -> str:
    return f"{datetime.fromtimestamp(row.ended_at_ms / 1000, UTC):%Y-%m-%d}"


def _row(session: Session, payment: Payment) -> StatementRow:
    captured = payouts.captured_minor(session, payment)
    share, commission = payouts.shares_of(payment, captured - payment.refunded_minor)
    sent = [payout.state for payout in store.payouts(session, payment.id)]
    return StatementRow(
        session_id=payment.session_id,
        ended_at_ms=payment.ended_at_ms or 0,
        charged=Money(captured, payment.currency),
        refunded=Money(payment.refunded_minor, payment.currency),
        commission=commission,
        share=share,
        standing=", ".join(sent) or _STANDING[payment.state],
    )


_STANDING = {
    "settled": "in the money-back window",
    "released": "nothing to send",
    "owed": "the learner has not paid yet",
}


def _sum(amounts: Sequence[Money]) -> str:
    return " + ".join(str(amount) for amount in amounts if amount.minor) or "nothing"
