"""What follows from an outcome: one function for each call, the same for its answer, its webhook and a look-up.

Owns: the move of payment, hold, refund and payout, and their journal, in the caller's transaction. Does not own: making
calls, nor when a stage begins. A guess that would be wrong: it runs once. It may run any number of times, in any order with
other effects: states move only along their tables and journals are booked once by key.
"""

from typing import Any, assert_never, cast

from sqlmodel import Session

from cm_server.billing import calls, journals, ledger, payment_states, store
from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing.accounts import PaymentId
from cm_server.billing.gateway_outcomes import CardRef, CustomerRef, HoldRef
from cm_server.billing.model import Hold, Payment, Payout, Refund
from cm_server.billing.payment_states import HoldEvent, HoldState, PaymentEvent, PaymentState
from cm_wire.ids import PersonId
from cm_wire.money import Money


def apply(session: Session, key: str, call: calls.Call, outcome: calls.Outcome, at_ms: int) -> None:
    """`key` is the outbox row's. Raises only where the ledger itself refuses, which takes the transaction back."""
    match call:
        case calls.Hold():
            _of_hold(session, key, cast("outcomes.HoldState", outcome), at_ms)
        case calls.Capture():
            _of_capture(session, key, call, cast("outcomes.CaptureOutcome", outcome), at_ms)
        case calls.Void():
            _of_void(session, call, outcome, at_ms)
        case calls.Charge():
            _of_charge(session, key, cast("outcomes.ChargeOutcome", outcome), at_ms)
        case calls.Refund():
            _of_refund(session, key, cast("outcomes.RefundOutcome", outcome), at_ms)
        case calls.Transfer():
            _of_transfer(session, key, cast("outcomes.TransferOutcome", outcome), at_ms)
        case calls.Reverse():
            _of_reversal(session, key, call, cast("outcomes.ReversalOutcome", outcome), at_ms)
        case _:  # pragma: no cover - closed union
            assert_never(call)


def move(payment: Payment, event: PaymentEvent) -> bool:
    after = payment_states.payment_after(cast("PaymentState", payment.state), event)
    if after is None:
        return False
    payment.state = after
    return True


def move_hold(hold: Hold, event: HoldEvent) -> bool:
    after = payment_states.hold_after(cast("HoldState", hold.state), event)
    if after is None:
        return False
    hold.state = after
    return True


def is_pointless(session: Session, key: str) -> bool:
    """A hold that never came about and that nobody waits for any more; it is ended here and not asked for anew."""
    hold = session.get(Hold, key)
    if hold is None or hold.state != "requested" or hold.to_capture_minor:
        return False
    payment = store.payment(session, PaymentId(hold.payment_id))
    return payment.state in payment_states.PAYMENT_OVER and move_hold(hold, "voided")


def queue_void(session: Session, hold: Hold, at_ms: int) -> None:
    call = calls.Void(hold_key=hold.key, hold=HoldRef(hold.ref))
    store.enqueue(session, f"{hold.key}:void", hold.payment_id, call, at_ms)


def lose(session: Session, hold: Hold, payment: Payment, reason: str, at_ms: int) -> None:
    """The reservation is gone by itself; what was to be captured of it is charged instead."""
    if not move_hold(hold, "lost"):
        return
    hold.reason = reason
    ledger.append(
        session, journals.hold_ended(hold.key, PaymentId(payment.id), hold.key), at_ms=at_ms
    )
    if hold.to_capture_minor:
        minor, hold.to_capture_minor = hold.to_capture_minor, 0
        queue_charge(session, payment, hold.card_ref, minor, at_ms)


def queue_charge(session: Session, payment: Payment, card_ref: str, minor: int, at_ms: int) -> str:
    """A charge with nobody at the screen; its key is returned."""
    holds = store.holds(session, payment.id)
    number = holds[-1].number + 1
    key = f"{holds[0].key.partition(':')[0]}:{payment.id}:charge:{number}"
    customer = store.customer(session, PersonId(payment.learner))
    assert customer is not None, "whoever had a hold is a customer"
    session.add(
        Hold(
            key=key,
            payment_id=payment.id,
            number=number,
            amount_minor=minor,
            to_capture_minor=minor,
            state="requested",
            card_ref=card_ref,
        )
    )
    session.flush()
    call = calls.Charge(
        customer=CustomerRef(customer.ref),
        card=CardRef(card_ref),
        amount=Money(minor, payment.currency),
        metadata={"payment": payment.id, "session": payment.session_id},
    )
    store.enqueue(session, key, payment.id, call, at_ms)
    return key


def finish_if_captured(session: Session, payment: Payment) -> None:
    """All of the price is in: nothing is left to capture and nothing waits for an answer."""
    session.flush()
    waiting = [h for h in store.holds(session, payment.id) if _is_waiting(h)]
    if not waiting:
        move(payment, "all-captured")


def _is_waiting(hold: Hold) -> bool:
    if hold.state in ("captured", "void", "lost"):
        return False
    return hold.to_capture_minor > 0 and hold.state != "declined"


def _of_hold(session: Session, key: str, outcome: outcomes.HoldState, at_ms: int) -> None:
    hold = store.hold(session, key)
    payment = store.payment(session, PaymentId(hold.payment_id))
    match outcome:
        case outcomes.Held() | outcomes.Captured():
            _held(session, hold, payment, outcome, at_ms)
        case outcomes.ActionRequired():
            if move_hold(hold, "challenge"):
                hold.ref, hold.challenge_url = outcome.ref, outcome.url
                move(payment, "challenge")
                if payment.state not in ("challenged", "authorised"):
                    queue_void(session, hold, at_ms)
        case outcomes.Declined():
            if move_hold(hold, "declined"):
                hold.ref, hold.reason = outcome.ref or "", outcome.code
                if hold.number == 1:
                    payment.why = outcome.message
                    move(payment, "declined")
        case outcomes.Voided():
            _voided(session, hold, payment, outcome.reason, at_ms)


def _held(
    session: Session,
    hold: Hold,
    payment: Payment,
    outcome: outcomes.Held | outcomes.Captured,
    at_ms: int,
) -> None:
    if not move_hold(hold, "held"):
        return
    hold.ref = outcome.ref if isinstance(outcome, outcomes.Held) else outcome.hold
    if isinstance(outcome, outcomes.Held):
        hold.capture_before_ms = int(outcome.capture_before.timestamp() * 1000)
    amount = Money(hold.amount_minor, payment.currency)
    ledger.append(session, journals.held(hold.key, PaymentId(payment.id), amount), at_ms=at_ms)
    if hold.number == 1:
        move(payment, "held")
    if payment.state != "authorised" and hold.to_capture_minor == 0:
        # It came after everybody had left: a card is never kept waiting for nothing.
        queue_void(session, hold, at_ms)


def _voided(session: Session, hold: Hold, payment: Payment, reason: str, at_ms: int) -> None:
    was_held = hold.state == "held"
    if hold.to_capture_minor:
        lose(session, hold, payment, reason, at_ms)
    elif move_hold(hold, "voided"):
        hold.reason = reason
        if was_held:
            gone = journals.hold_ended(hold.key, PaymentId(payment.id), hold.key)
            ledger.append(session, gone, at_ms=at_ms)
        if hold.number == 1 and payment.state in ("authorising", "challenged"):
            move(payment, "cancelled")


def _of_capture(
    session: Session, key: str, call: calls.Capture, outcome: outcomes.CaptureOutcome, at_ms: int
) -> None:
    hold = store.hold(session, call.hold_key)
    payment = store.payment(session, PaymentId(hold.payment_id))
    match outcome:
        case outcomes.Captured():
            _captured(session, key, hold, payment, outcome, at_ms)
        case outcomes.CaptureLost():
            lose(session, hold, payment, outcome.reason, at_ms)
    finish_if_captured(session, payment)


def _captured(
    session: Session,
    key: str,
    hold: Hold,
    payment: Payment,
    outcome: outcomes.Captured,
    at_ms: int,
) -> None:
    if move_hold(hold, "captured"):
        hold.captured_minor, hold.charge_ref = outcome.amount.minor, outcome.charge
        hold.ref = outcome.hold
    journal = (
        journals.charged(key, PaymentId(payment.id), outcome.amount, outcome.charge)
        if hold.key == key
        else journals.captured(key, PaymentId(payment.id), hold.key, outcome.amount, outcome.charge)
    )
    ledger.append(session, journal, at_ms=at_ms)
    _book_fee(session, payment, outcome, at_ms)


def _book_fee(session: Session, payment: Payment, outcome: outcomes.Captured, at_ms: int) -> None:
    """A fee in another currency, or not yet known, is booked from the provider's statement."""
    if outcome.fee is not None and outcome.fee.minor and outcome.fee.currency == payment.currency:
        booked = journals.fee(outcome.charge, payment.id, payment.currency, outcome.fee.minor)
        ledger.append(session, booked, at_ms=at_ms)


def _of_void(session: Session, call: calls.Void, outcome: Any, at_ms: int) -> None:
    hold = store.hold(session, call.hold_key)
    payment = store.payment(session, PaymentId(hold.payment_id))
    match outcome:
        case outcomes.Voided():
            _voided(session, hold, payment, outcome.reason, at_ms)
        case outcomes.AlreadyCaptured() | outcomes.CaptureLost():
            store.open_case(
                session,
                f"{hold.key}:void",
                "void-failed",
                payment.id,
                f"The hold {hold.ref} could not be given back; look at it with the payment provider.",
                {"hold": hold.ref, "outcome": repr(outcome)},
                at_ms,
            )


def _of_charge(session: Session, key: str, outcome: outcomes.ChargeOutcome, at_ms: int) -> None:
    hold = store.hold(session, key)
    payment = store.payment(session, PaymentId(hold.payment_id))
    amount = Money(hold.amount_minor, payment.currency)
    match outcome:
        case outcomes.Captured():
            _captured(session, key, hold, payment, outcome, at_ms)
            finish_if_captured(session, payment)
        case outcomes.Declined():
            if move_hold(hold, "declined"):
                hold.reason, payment.why = outcome.code, outcome.message
                move(payment, "charge-declined")
                learner = PersonId(payment.learner)
                debt = journals.owed(key, PaymentId(payment.id), learner, amount)
                ledger.append(session, debt, at_ms=at_ms)


def _of_refund(session: Session, key: str, outcome: outcomes.RefundOutcome, at_ms: int) -> None:
    refund = session.get_one(Refund, key)
    payment = store.payment(session, PaymentId(refund.payment_id))
    amount = Money(refund.amount_minor, payment.currency)
    if refund.state == "failed":
        return
    match outcome:
        case outcomes.Refunded():
            refund.state, refund.ref = "succeeded", outcome.ref
            done = journals.refunded(key, PaymentId(payment.id), amount, outcome.ref)
            ledger.append(session, done, at_ms=at_ms)
        case outcomes.RefundPending():
            if refund.state == "requested":
                refund.state, refund.ref = "pending", outcome.ref
        case outcomes.RefundFailed():
            _refund_failed(session, refund, payment, outcome, at_ms)


def _refund_failed(
    session: Session,
    refund: Refund,
    payment: Payment,
    outcome: outcomes.RefundFailed,
    at_ms: int,
) -> None:
    released = payment.state == "released"
    paid = refund.state == "succeeded"
    refund.state, refund.reason = "failed", outcome.message
    amount = Money(refund.amount_minor, payment.currency)
    if paid or not released:
        undone = journals.refund_failed(
            refund.key,
            PaymentId(payment.id),
            amount,
            refund.ref or refund.key,
            paid=paid,
            released=released,
        )
        ledger.append(session, undone, at_ms=at_ms)
    if not released:
        payment.refunded_minor -= refund.amount_minor
    store.open_case(
        session,
        f"{refund.key}:failed",
        "refund-failed",
        payment.id,
        f"The bank did not take {amount} back ({outcome.message}); refund again or agree another way.",
        {"refund": refund.key, "code": outcome.code},
        at_ms,
    )


def _of_transfer(session: Session, key: str, outcome: outcomes.TransferOutcome, at_ms: int) -> None:
    payout = session.get_one(Payout, key)
    payment = store.payment(session, PaymentId(payout.payment_id))
    match outcome:
        case outcomes.Transferred():
            payout.state, payout.ref, payout.reason = "paid", outcome.ref, ""
            amount = Money(payout.amount_minor, payment.currency)
            mentor = PersonId(payout.mentor)
            paid = journals.paid_out(key, PaymentId(payment.id), mentor, amount, outcome.ref)
            ledger.append(session, paid, at_ms=at_ms)
        case outcomes.Parked():
            if payout.state != "paid":
                payout.state, payout.reason = "parked", outcome.message


def _of_reversal(
    session: Session, key: str, call: calls.Reverse, outcome: outcomes.ReversalOutcome, at_ms: int
) -> None:
    """What a mentor's balance does not cover stays their debt and is set off against what they earn next."""
    payout = session.get_one(Payout, call.payout_key)
    if isinstance(outcome, outcomes.ReversalShort):
        payout.reason = outcome.message
        return
    payment = PaymentId(payout.payment_id)
    back = journals.reversed_transfer(
        key, payment, PersonId(payout.mentor), call.amount, outcome.ref
    )
    ledger.append(session, back, at_ms=at_ms)
