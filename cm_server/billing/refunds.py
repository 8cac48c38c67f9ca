"""Money back: one request by the learner, at once in clear cases, else a case for the operator with the evidence in it.

Owns: the window, who may ask, how a refund is reserved and split over charges. Does not own: the rules (`refund_rules`), the
calls. A guess that would be wrong: a refund is booked when the bank confirms it. It is reserved when it is promised, so
nothing else can be paid from that money; confirmation only clears the reserve.
"""

from dataclasses import dataclass
from typing import Any

from sqlmodel import Session

from cm_server.billing import (
    calls,
    journals,
    ledger,
    outbox,
    payouts,
    receipts,
    refund_rules,
    store,
)
from cm_server.billing.accounts import PaymentId
from cm_server.billing.gateway_outcomes import ChargeRef
from cm_server.billing.model import Payment, Refund
from cm_server.billing.refund_rules import SessionFacts
from cm_server.billing.till import Till
from cm_server.meter import minutes, rating
from cm_server.meter import store as meter_store
from cm_server.meter.facts import MeterEnded
from cm_wire import faults
from cm_wire.ids import PersonId, SessionId
from cm_wire.money import Money

DAY_MS = 86_400_000


@dataclass(frozen=True, slots=True)
class Answer:
    """`case_number` is None when the money is on its way; `says` is for the learner."""

    amount: Money
    case_number: int | None
    says: str


async def request(till: Till, session_id: SessionId, by: PersonId, reason: str) -> Answer:
    """Ask all of a session's price back. Asked again, the answer is the same."""
    answer, keys = await till.database.write(lambda s: _request(s, till, session_id, by, reason))
    for key in keys:
        await outbox.perform(till, key)
    return answer


def refund(session: Session, till: Till, payment: Payment, amount: Money, reason: str) -> list[str]:
    """Reserve `amount` and queue its parts, oldest charge first; the keys of the calls. Refuses more than is left."""
    key = _key(till, payment, _next_number(session, payment))
    reserve(session, till, payment, amount, f"{key}:reserve")
    return queue_parts(session, till, payment, amount.minor, reason)


def reserve(session: Session, till: Till, payment: Payment, amount: Money, key: str) -> None:
    """From now on it can be paid to nobody else. After the payout the mentor's share of it is asked back."""
    _check(session, payment, amount)
    if payment.state == "settled":
        journal = journals.refund_reserved(key, PaymentId(payment.id), amount)
        ledger.append(session, journal, at_ms=till.now_ms())
    else:
        _take_back_shares(session, till, payment, amount, key)
    payment.refunded_minor += amount.minor


def queue_parts(
    session: Session, till: Till, payment: Payment, left_minor: int, reason: str
) -> list[str]:
    """Send what is reserved already, oldest charge first; the keys of the calls."""
    number = _next_number(session, payment)
    key = _key(till, payment, number)
    keys: list[str] = []
    for hold in store.holds(session, payment.id):
        part = min(left_minor, hold.captured_minor - payouts.refunded_of(session, hold))
        if part <= 0:
            continue
        left_minor -= part
        part_key = f"{key}:{len(keys) + 1}"
        session.add(
            Refund(
                key=part_key,
                payment_id=payment.id,
                hold_key=hold.key,
                number=number,
                amount_minor=part,
                state="requested",
                reason=reason,
            )
        )
        session.flush()
        call = calls.Refund(
            charge=ChargeRef(hold.charge_ref),
            amount=Money(part, payment.currency),
            metadata={"payment": payment.id},
        )
        store.enqueue(session, part_key, payment.id, call, till.now_ms())
        keys.append(part_key)
    return keys


def _request(
    session: Session, till: Till, session_id: SessionId, by: PersonId, reason: str
) -> tuple[Answer, list[str]]:
    payment = store.payment_of_session(session, session_id)
    if payment is None or payment.learner != by:
        raise faults.refusal("no-such-session", "There is no session of yours by that name.")
    amount = Money(payouts.captured_minor(session, payment), payment.currency)
    known = _known_answer(session, payment, session_id, amount)
    if known is not None:
        return known, []
    _check_asked_in_time(till, payment, amount)
    facts = _facts(session, till, payment, session_id)
    rule = refund_rules.clear_case(facts)
    if rule is not None:
        keys = refund(session, till, payment, amount, rule.name)
        return Answer(amount, None, f"{rule.says} {amount} goes back to your card."), keys
    case = store.open_case(
        session,
        f"refund:{session_id}",
        "refund-asked",
        payment.id,
        reason or "(no reason given)",
        _evidence(session, session_id, facts),
        till.now_ms(),
    )
    return Answer(amount, case.number, _CASE_OPENED), []


_CASE_OPENED = "We look at it and write to you; the mentor is not paid before that."


def _known_answer(
    session: Session, payment: Payment, session_id: SessionId, amount: Money
) -> Answer | None:
    if payment.refunded_minor:
        back = Money(payment.refunded_minor, payment.currency)
        return Answer(back, None, f"{back} of this session goes back to you or has gone back.")
    case = store.case_by_key(session, f"refund:{session_id}")
    if case is None:
        return None
    says = _CASE_OPENED if case.state == "open" else f"It was decided: {case.decision}"
    return Answer(amount, case.number, says)


def _check_asked_in_time(till: Till, payment: Payment, charged: Money) -> None:
    is_over = payment.state in ("settled", "released")
    if payment.state == "waived" or (is_over and not charged.minor):
        raise faults.refusal("wrong-state", "This session cost you nothing.")
    if not is_over:
        raise faults.refusal(
            "wrong-state", "Your card has not been charged yet.", "Ask again in a minute."
        )
    if till.now_ms() >= (payment.ended_at_ms or 0) + till.refund_window_ms:
        hours = till.refund_window_ms // 3_600_000
        raise faults.refusal(
            "too-late",
            f"Money back can be asked for {hours} hours after a session.",
            "Write to the operator if something was wrong with it.",
            limit=hours,
        )


def _check(session: Session, payment: Payment, amount: Money) -> None:
    left_minor = payouts.captured_minor(session, payment) - payment.refunded_minor
    if payment.state not in ("settled", "released"):
        raise faults.refusal("wrong-state", "The card has not been charged for this session.")
    if not 0 < amount.minor <= left_minor:
        raise faults.refusal(
            "bad-value",
            f"{amount} cannot go back: {Money(left_minor, payment.currency)} is left of what was charged.",
            limit=left_minor,
            got=amount.minor,
        )
    step = rating.step_minor(payment.currency)
    if amount.minor % step:
        raise faults.refusal(
            "bad-value", f"{amount} is no multiple of {step} minor units.", limit=step
        )


def _take_back_shares(
    session: Session, till: Till, payment: Payment, amount: Money, key: str
) -> None:
    captured = payouts.captured_minor(session, payment)
    before = payouts.shares_of(payment, captured - payment.refunded_minor)
    after = payouts.shares_of(payment, captured - payment.refunded_minor - amount.minor)
    share, commission = before[0] - after[0], before[1] - after[1]
    journal = journals.refund_reserved_after_release(
        key, PaymentId(payment.id), PersonId(payment.mentor), share, commission
    )
    ledger.append(session, journal, at_ms=till.now_ms())
    payouts.reverse(session, till, payment, share.minor)


def _next_number(session: Session, payment: Payment) -> int:
    return 1 + max((known.number for known in store.refunds(session, payment.id)), default=0)


def _key(till: Till, payment: Payment, number: int) -> str:
    return f"{till.environment}:{payment.id}:refund:{number}"


def _facts(session: Session, till: Till, payment: Payment, session_id: SessionId) -> SessionFacts:
    facts = meter_store.read_facts(session, session_id)
    folded = minutes.fold(facts)
    since_ms = till.now_ms() - refund_rules.RECENT_DAYS * DAY_MS
    ended_why = next((fact.why for fact in facts if isinstance(fact, MeterEnded)), "")
    return SessionFacts(
        billed_seconds=folded.billed_seconds,
        ended_why=ended_why,
        solved=store.said_solved(session, session_id, payment.learner),
        mentor_away_ms=sum(
            gap.until_utc_ms - gap.from_utc_ms
            for gap in folded.stretches
            if gap.why == "mentor-away" and not gap.counted_ms
        ),
        restarts=sum(gap.why == "server-restarted" for gap in folded.stretches if gap.counted_ms),
        recent_refunds=store.refunded_payments(session, payment.learner, since_ms),
    )


def _evidence(session: Session, session_id: SessionId, facts: SessionFacts) -> dict[str, Any]:
    document = receipts.document_of(session, session_id)
    return {
        "billed_seconds": facts.billed_seconds,
        "solved": facts.solved,
        "mentor_away_ms": facts.mentor_away_ms,
        "recent_refunds": facts.recent_refunds,
        "receipt": document.number if document else None,
        "receipt_digest": document.digest if document else None,
    }
