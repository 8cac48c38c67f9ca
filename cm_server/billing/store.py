"""The SQL of billing's own rows: payments, holds, refunds, payouts, cases, and the queue of calls.

Every function works in the caller's transaction. The ledger's SQL is in `ledger`.
"""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlmodel import Session, col, func, select

from cm_server.billing import calls
from cm_server.billing.accounts import PaymentId
from cm_server.billing.model import (
    Case,
    Customer,
    Dispute,
    Hold,
    OutboxRow,
    Payee,
    Payment,
    Payout,
    Refund,
)
from cm_server.session.model import RatingRow
from cm_wire import faults
from cm_wire.ids import PersonId


def payment(session: Session, payment_id: PaymentId) -> Payment:
    found = session.get(Payment, payment_id, with_for_update=True)
    if found is None:
        raise faults.refusal("no-such-ask", "There is no payment for this ask.")
    return found


def payments_of_ask(session: Session, ask_id: str) -> list[Payment]:
    rows = select(Payment).where(Payment.ask_id == ask_id).order_by(col(Payment.opened_at_ms))
    return list(session.exec(rows))


def payment_of_session(session: Session, session_id: str) -> Payment | None:
    return session.exec(select(Payment).where(Payment.session_id == session_id)).one_or_none()


def payments_in(session: Session, states: Sequence[str]) -> list[Payment]:
    rows = select(Payment).where(col(Payment.state).in_(states)).order_by(col(Payment.id))
    return list(session.exec(rows))


def unpaid(session: Session, learner: PersonId) -> Payment | None:
    rows = select(Payment).where(Payment.learner == learner, Payment.state == "owed").limit(1)
    return session.exec(rows).one_or_none()


def holds(session: Session, payment_id: str) -> list[Hold]:
    rows = select(Hold).where(Hold.payment_id == payment_id).order_by(col(Hold.number))
    return list(session.exec(rows))


def hold(session: Session, key: str) -> Hold:
    return session.get_one(Hold, key)


def asks_held_until(session: Session, before_ms: int) -> set[str]:
    """Asks with money held that the bank lets go of before then."""
    rows = (
        select(Payment.ask_id)
        .join(Hold, col(Hold.payment_id) == col(Payment.id))
        .where(
            Payment.state == "authorised",
            Hold.state == "held",
            col(Hold.capture_before_ms) <= before_ms,
        )
    )
    return set(session.exec(rows))


def hold_of_charge(session: Session, charge_ref: str) -> Hold | None:
    return session.exec(select(Hold).where(Hold.charge_ref == charge_ref)).one_or_none()


def refunds(session: Session, payment_id: str) -> list[Refund]:
    rows = select(Refund).where(Refund.payment_id == payment_id).order_by(col(Refund.key))
    return list(session.exec(rows))


def payouts(session: Session, payment_id: str) -> list[Payout]:
    rows = select(Payout).where(Payout.payment_id == payment_id).order_by(col(Payout.key))
    return list(session.exec(rows))


def payouts_waiting(session: Session, mentor: PersonId) -> list[Payout]:
    rows = select(Payout).where(Payout.mentor == mentor, Payout.state == "waiting")
    return list(session.exec(rows.order_by(col(Payout.key))))


def payouts_parked(session: Session, mentor: PersonId) -> list[Payout]:
    return list(
        session.exec(select(Payout).where(Payout.mentor == mentor, Payout.state == "parked"))
    )


def customer(session: Session, person: PersonId) -> Customer | None:
    return session.get(Customer, person)


def payee(session: Session, person: PersonId) -> Payee | None:
    return session.get(Payee, person)


def payee_by_ref(session: Session, ref: str) -> Payee | None:
    return session.exec(select(Payee).where(Payee.ref == ref)).one_or_none()


def open_disputes(session: Session, payment_id: str) -> list[Dispute]:
    rows = select(Dispute).where(
        Dispute.payment_id == payment_id, col(Dispute.state).in_(("warning", "open"))
    )
    return list(session.exec(rows))


def open_case(
    session: Session,
    key: str,
    kind: str,
    payment_id: str,
    said: str,
    evidence: dict[str, Any],
    at_ms: int,
) -> Case:
    """A case is opened once for each key; the same again is the same case."""
    known = case_by_key(session, key)
    if known is not None:
        return known
    case = Case(
        key=key,
        kind=kind,
        payment_id=payment_id,
        state="open",
        said=said,
        evidence=msgspec.json.encode(evidence, order="sorted").decode(),
        opened_at_ms=at_ms,
    )
    session.add(case)
    session.flush()
    return case


def case_by_key(session: Session, key: str) -> Case | None:
    return session.exec(select(Case).where(Case.key == key)).one_or_none()


def said_solved(session: Session, session_id: str, learner: str) -> bool | None:
    rows = select(RatingRow.solved).where(
        RatingRow.session_id == session_id, RatingRow.author == learner
    )
    return session.exec(rows).one_or_none()


def refunded_payments(session: Session, learner: str, since_ms: int) -> int:
    """How many of a learner's sessions since then gave money back."""
    rows = select(func.count()).where(
        Payment.learner == learner,
        Payment.refunded_minor > 0,
        col(Payment.ended_at_ms) >= since_ms,
    )
    return session.exec(rows).one()


def open_cases(session: Session, payment_id: str | None = None) -> list[Case]:
    rows = select(Case).where(Case.state == "open")
    if payment_id is not None:
        rows = rows.where(Case.payment_id == payment_id)
    return list(session.exec(rows.order_by(col(Case.number))))


def enqueue(
    session: Session, key: str, payment_id: str, call: calls.Call, at_ms: int, *, lane: str = ""
) -> None:
    """Queue a call, once for each key. The lane is the payment's unless another is named; calls of a lane keep their order."""
    if session.exec(select(OutboxRow.id).where(OutboxRow.key == key)).first() is not None:
        return
    session.add(
        OutboxRow(
            key=key,
            call_key=key,
            lane=lane or payment_id,
            payment_id=payment_id,
            call=calls.encoded(call),
            state="queued",
            due_at_ms=at_ms,
            made_at_ms=at_ms,
        )
    )
    session.flush()


def queued_keys(session: Session, payment_id: PaymentId) -> list[str]:
    rows = select(OutboxRow.key).where(
        OutboxRow.payment_id == payment_id, OutboxRow.state == "queued"
    )
    return list(session.exec(rows.order_by(col(OutboxRow.id))))


def waiting_calls(session: Session) -> list[str]:
    """Calls without an outcome, with what was last heard; for people."""
    rows = session.exec(
        select(OutboxRow).where(OutboxRow.state == "queued").order_by(col(OutboxRow.id))
    )
    return [f"{row.key}: {row.last_error or 'not sent yet'}" for row in rows]


def outbox_row(session: Session, key: str) -> OutboxRow | None:
    return session.exec(select(OutboxRow).where(OutboxRow.key == key)).one_or_none()


def outbox_row_by_call_key(session: Session, call_key: str) -> OutboxRow | None:
    return session.exec(select(OutboxRow).where(OutboxRow.call_key == call_key)).one_or_none()


def claim(
    session: Session, now_ms: int, lease_ms: int, at_most: int, key: str | None = None
) -> list[OutboxRow]:
    """Lease the first open call of each lane that is due; nobody else gets it until the lease ends."""
    first = (
        select(func.min(OutboxRow.id)).where(OutboxRow.state == "queued").group_by(OutboxRow.lane)
    )
    rows = select(OutboxRow).where(
        col(OutboxRow.id).in_(first),
        OutboxRow.due_at_ms <= now_ms,
        OutboxRow.leased_until_ms <= now_ms,
    )
    if key is not None:
        rows = rows.where(OutboxRow.key == key)
    claimed = list(
        session.exec(
            rows.order_by(col(OutboxRow.id)).limit(at_most).with_for_update(skip_locked=True)
        )
    )
    for row in claimed:
        row.leased_until_ms = now_ms + lease_ms
        row.attempts += 1
        row.first_sent_at_ms = row.first_sent_at_ms or now_ms
    return claimed


def end_leases(session: Session) -> None:
    leased = select(OutboxRow).where(OutboxRow.state == "queued", OutboxRow.leased_until_ms > 0)
    for row in session.exec(leased):
        row.leased_until_ms = 0
