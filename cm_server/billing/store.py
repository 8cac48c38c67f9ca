"""The SQL of billing's own rows: payments, holds, refunds, payouts, cases, and the queue of calls.

Every function works in the caller's transaction. The ledger's SQL is in `ledger`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec
from sqlalchemy import Table, bindparam, exists, text, update
from sqlalchemy import select as sql_select
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

_OUTBOX: Final[Table] = OutboxRow.__table__  # type: ignore[attr-defined]
_ENQUEUE: Final = text(
    "INSERT INTO billing_outbox (key, call_key, lane, payment_id, call, state, attempts, stored_failures, "
    "due_at_ms, leased_until_ms, made_at_ms, last_error) VALUES (:key, :key, :lane, :payment_id, :call, "
    "'queued', 0, 0, :at_ms, 0, :at_ms, '') ON CONFLICT (key) DO NOTHING"
)
_FINISH: Final = (
    update(_OUTBOX)
    .where(_OUTBOX.c.key == bindparam("row_key"), _OUTBOX.c.state == "queued")
    .values(state="done", last_error="", leased_until_ms=0)
)


def payment(session: Session, payment_id: PaymentId) -> Payment:
    found = session.get(Payment, payment_id, with_for_update=True)
    if found is None:
        raise faults.refusal("no-such-ask", "There is no payment for this ask.")
    return found


def payments_of_ask(session: Session, ask_id: str) -> list[Payment]:
    rows = select(Payment).where(Payment.ask_id == ask_id).order_by(col(Payment.opened_at_ms))
    return list(session.exec(rows))


def payment_ids_of_asks(session: Session, ask_ids: Sequence[str]) -> dict[str, list[str]]:
    """By ask, the oldest first."""
    rows = select(Payment.ask_id, Payment.id).where(col(Payment.ask_id).in_(ask_ids))
    found: dict[str, list[str]] = {ask_id: [] for ask_id in ask_ids}
    for ask_id, payment_id in session.connection().execute(
        rows.order_by(col(Payment.opened_at_ms))
    ):
        found[ask_id].append(payment_id)
    return found


def payment_of_session(session: Session, session_id: str) -> Payment | None:
    return session.exec(select(Payment).where(Payment.session_id == session_id)).one_or_none()


def payments_in(session: Session, states: Sequence[str]) -> list[Payment]:
    rows = select(Payment).where(col(Payment.state).in_(states)).order_by(col(Payment.id))
    return list(session.exec(rows))


def payments_owed(session: Session, learner: PersonId | None = None) -> list[Payment]:
    """The oldest first; one learner's, or all."""
    rows = select(Payment).where(Payment.state == "owed")
    if learner is not None:
        rows = rows.where(Payment.learner == learner)
    return list(session.exec(rows.order_by(col(Payment.ended_at_ms), col(Payment.id))))


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


def open_reversals(session: Session, mentor: PersonId) -> list[calls.Reverse]:
    """What of a mentor's money is being asked back, its outcome not known yet."""
    rows = select(OutboxRow.call).where(
        OutboxRow.state != "done",
        col(OutboxRow.key).contains(":reverse:", autoescape=True),
        col(OutboxRow.payment_id).in_(select(Payment.id).where(Payment.mentor == mentor)),
    )
    made = (calls.decoded(row) for row in session.exec(rows))
    return [call for call in made if isinstance(call, calls.Reverse)]


def payouts(session: Session, payment_id: str) -> list[Payout]:
    rows = select(Payout).where(Payout.payment_id == payment_id).order_by(col(Payout.key))
    return list(session.exec(rows))


def payouts_waiting(session: Session, mentor: PersonId) -> list[Payout]:
    rows = select(Payout).where(Payout.mentor == mentor, Payout.state == "waiting")
    return list(session.exec(rows.order_by(col(Payout.key))))


def payees_awaited(session: Session) -> list[Payee]:
    """Mentors who have earned what their account cannot take yet."""
    waiting = select(Payout.mentor).where(Payout.state == "waiting")
    rows = select(Payee).where(col(Payee.person).in_(waiting)).order_by(col(Payee.person))
    return list(session.exec(rows))


def payouts_parked(session: Session, mentor: PersonId) -> list[Payout]:
    return list(
        session.exec(select(Payout).where(Payout.mentor == mentor, Payout.state == "parked"))
    )


def customer(session: Session, person: PersonId) -> Customer | None:
    return session.get(Customer, person)


def learner_of(session: Session, ref: str) -> PersonId | None:
    row = session.exec(select(Customer).where(Customer.ref == ref)).one_or_none()
    return None if row is None else PersonId(row.person)


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


def all_cases(session: Session) -> list[Case]:
    return list(session.exec(select(Case).order_by(col(Case.number))))


def open_cases(session: Session, payment_id: str | None = None) -> list[Case]:
    rows = select(Case).where(Case.state == "open")
    if payment_id is not None:
        rows = rows.where(Case.payment_id == payment_id)
    return list(session.exec(rows.order_by(col(Case.number))))


@dataclass(frozen=True, slots=True)
class NewCall:
    """A call to queue. Calls of a lane keep their order."""

    key: str
    payment_id: str
    lane: str
    call: calls.Call
    at_ms: int


@dataclass(frozen=True, slots=True)
class LeasedCall:
    """A call that nobody else makes until the lease ends. `attempts`, this one included, tells one lease from the next."""

    key: str
    call_key: str
    payment_id: str
    call: str
    attempts: int
    stored_failures: int
    first_sent_at_ms: int


def enqueue(
    session: Session, key: str, payment_id: str, call: calls.Call, at_ms: int, *, lane: str = ""
) -> None:
    """Queue a call, once for each key, in the payment's lane unless another is named."""
    enqueue_all(session, [NewCall(key, payment_id, lane or payment_id, call, at_ms)])


def enqueue_all(session: Session, new: Sequence[NewCall]) -> None:
    if not new:
        return
    session.connection().execute(
        _ENQUEUE,
        [
            {
                "key": one.key,
                "lane": one.lane,
                "payment_id": one.payment_id,
                "call": calls.encoded(one.call),
                "at_ms": one.at_ms,
            }
            for one in new
        ],
    )


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


def outbox_row(session: Session, key: str, *, lock: bool = False) -> OutboxRow | None:
    rows = select(OutboxRow).where(OutboxRow.key == key)
    return session.exec(rows.with_for_update() if lock else rows).one_or_none()


def outbox_row_by_call_key(session: Session, call_key: str) -> OutboxRow | None:
    return session.exec(select(OutboxRow).where(OutboxRow.call_key == call_key)).one_or_none()


def lease(
    session: Session,
    now_ms: int,
    lease_ms: int,
    *,
    at_most: int | None = None,
    keys: Sequence[str] | None = None,
) -> list[LeasedCall]:
    """Lease calls that are due and the first open one of their lane, any of them or these; nobody else gets them meanwhile."""
    earlier = _OUTBOX.alias()
    is_first = ~exists().where(
        earlier.c.state == "queued",
        earlier.c.lane == _OUTBOX.c.lane,
        earlier.c.id < _OUTBOX.c.id,
    )
    free = sql_select(_OUTBOX.c.id).where(
        _OUTBOX.c.state == "queued",
        _OUTBOX.c.due_at_ms <= now_ms,
        _OUTBOX.c.leased_until_ms <= now_ms,
        is_first,
    )
    if keys is not None:
        free = free.where(_OUTBOX.c.key.in_(keys))
    if at_most is not None:
        free = free.order_by(_OUTBOX.c.id).limit(at_most)
    leased = session.connection().execute(
        update(_OUTBOX)
        .where(_OUTBOX.c.id.in_(free.with_for_update(skip_locked=True)))
        .values(
            leased_until_ms=now_ms + lease_ms,
            attempts=_OUTBOX.c.attempts + 1,
            first_sent_at_ms=func.coalesce(_OUTBOX.c.first_sent_at_ms, now_ms),
        )
        .returning(
            _OUTBOX.c.id,
            _OUTBOX.c.key,
            _OUTBOX.c.call_key,
            _OUTBOX.c.payment_id,
            _OUTBOX.c.call,
            _OUTBOX.c.attempts,
            _OUTBOX.c.stored_failures,
            _OUTBOX.c.first_sent_at_ms,
        )
    )
    return [LeasedCall(*row[1:]) for row in sorted(leased)]


def finish_calls(session: Session, keys: Sequence[str]) -> None:
    """Their outcome is known and has taken effect."""
    session.connection().execute(_FINISH, [{"row_key": key} for key in keys])


def end_leases(session: Session) -> None:
    leased = select(OutboxRow).where(OutboxRow.state == "queued", OutboxRow.leased_until_ms > 0)
    for row in session.exec(leased):
        row.leased_until_ms = 0
