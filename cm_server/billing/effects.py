"""What follows from an outcome: one function for each call, the same for its answer, its webhook and a look-up.

Owns: the move of payment, hold, refund and payout, and their journal, in the caller's dossier. Does not own: making
calls, nor when a stage begins. A guess that would be wrong: it runs once. It may run any number of times, in any order with
other effects: states move only along their tables and journals are booked once by key.
"""

from typing import Any, assert_never, cast

from cm_server.billing import calls, journals, payment_states, store
from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing.accounts import PaymentId
from cm_server.billing.dossier import Dossier
from cm_server.billing.gateway_outcomes import CardRef, CustomerRef, HoldRef
from cm_server.billing.model import Hold, Payment, Payout, Refund
from cm_server.billing.payment_states import HoldEvent, HoldState, PaymentEvent, PaymentState
from cm_wire.ids import PersonId
from cm_wire.money import Money


def apply(
    papers: Dossier, payment_id: str, key: str, call: calls.Call, outcome: calls.Outcome
) -> None:
    """`key` is the outbox row's."""
    payment = papers.payment(payment_id)
    match call:
        case calls.Hold():
            hold = papers.hold(payment, key)
            _of_hold(papers, payment, hold, cast("outcomes.HoldState", outcome))
        case calls.Capture():
            hold = papers.hold(payment, call.hold_key)
            _of_capture(papers, payment, hold, key, cast("outcomes.CaptureOutcome", outcome))
        case calls.Void():
            _of_void(papers, payment, papers.hold(payment, call.hold_key), outcome)
        case calls.Charge():
            hold = papers.hold(payment, key)
            _of_charge(papers, payment, hold, cast("outcomes.ChargeOutcome", outcome))
        case calls.Refund():
            _of_refund(papers, payment, key, cast("outcomes.RefundOutcome", outcome))
        case calls.Transfer():
            _of_transfer(papers, payment, key, cast("outcomes.TransferOutcome", outcome))
        case calls.Reverse():
            _of_reversal(papers, payment, key, call, cast("outcomes.ReversalOutcome", outcome))
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


def is_pointless(papers: Dossier, payment_id: str, key: str) -> bool:
    """A hold that never came about and that nobody waits for any more; it is ended here and not asked for anew."""
    payment = papers.payment(payment_id)
    hold = next((hold for hold in papers.holds(payment) if hold.key == key), None)
    if hold is None or hold.state != "requested" or hold.to_capture_minor:
        return False
    return payment.state in payment_states.PAYMENT_OVER and move_hold(hold, "voided")


def queue_capture(papers: Dossier, payment: Payment, hold: Hold, minor: int) -> None:
    hold.to_capture_minor = minor
    call = calls.Capture(
        hold_key=hold.key, hold=HoldRef(hold.ref), amount=Money(minor, payment.currency)
    )
    papers.queue(f"{hold.key}:capture", payment, call)


def queue_void(papers: Dossier, payment: Payment, hold: Hold) -> None:
    call = calls.Void(hold_key=hold.key, hold=HoldRef(hold.ref))
    papers.queue(f"{hold.key}:void", payment, call)


def void_unused(papers: Dossier, payment: Payment) -> None:
    """A hold whose answer is still unknown is given back when it arrives."""
    for hold in papers.holds(payment):
        if hold.state in ("held", "challenged") and not hold.to_capture_minor:
            queue_void(papers, payment, hold)


def let_go(papers: Dossier, payment: Payment, hold: Hold, reason: str) -> None:
    """The provider ended it without being asked to."""
    if hold.state == "held":
        lose(papers, payment, hold, reason)
    else:
        _voided(papers, payment, hold, reason)


def lose(papers: Dossier, payment: Payment, hold: Hold, reason: str) -> None:
    """The reservation is gone by itself; what was to be captured of it is charged instead."""
    if not move_hold(hold, "lost"):
        return
    hold.reason = reason
    papers.book(journals.hold_ended(hold.key, PaymentId(payment.id), hold.key))
    if hold.to_capture_minor:
        minor, hold.to_capture_minor = hold.to_capture_minor, 0
        queue_charge(papers, payment, hold.card_ref, minor)


def queue_charge(papers: Dossier, payment: Payment, card_ref: str, minor: int) -> str:
    """A charge with nobody at the screen; its key is returned."""
    holds = papers.holds(payment)
    number = holds[-1].number + 1
    key = f"{holds[0].key.partition(':')[0]}:{payment.id}:charge:{number}"
    customer = store.customer(papers.session, PersonId(payment.learner))
    assert customer is not None, "whoever had a hold is a customer"
    papers.add_hold(
        payment,
        Hold(
            key=key,
            payment_id=payment.id,
            number=number,
            amount_minor=minor,
            to_capture_minor=minor,
            state="requested",
            card_ref=card_ref,
        ),
    )
    call = calls.Charge(
        customer=CustomerRef(customer.ref),
        card=CardRef(card_ref),
        amount=Money(minor, payment.currency),
        metadata={"payment": payment.id, "session": payment.session_id},
    )
    papers.queue(key, payment, call)
    return key


def _finish_if_captured(papers: Dossier, payment: Payment) -> None:
    """All of the price is in: nothing is left to capture and nothing waits for an answer."""
    if not any(_is_waiting(hold) for hold in papers.holds(payment)):
        move(payment, "all-captured")


def _is_waiting(hold: Hold) -> bool:
    if hold.state in ("captured", "void", "lost"):
        return False
    return hold.to_capture_minor > 0 and hold.state != "declined"


def _of_hold(papers: Dossier, payment: Payment, hold: Hold, outcome: outcomes.HoldState) -> None:
    match outcome:
        case outcomes.Held() | outcomes.Captured():
            _held(papers, payment, hold, outcome)
        case outcomes.ActionRequired():
            if move_hold(hold, "challenge"):
                hold.ref, hold.challenge_url = outcome.ref, outcome.url
                move(payment, "challenge")
                if payment.state not in ("challenged", "authorised") and not hold.to_capture_minor:
                    queue_void(papers, payment, hold)
        case outcomes.Declined():
            if move_hold(hold, "declined"):
                hold.ref, hold.reason = outcome.ref or "", outcome.code
                if hold.number == 1:
                    payment.why = outcome.message
                    move(payment, "declined")
                elif hold.to_capture_minor:
                    payment.why = outcome.message
        case outcomes.Voided():
            _voided(papers, payment, hold, outcome.reason)


def _held(
    papers: Dossier, payment: Payment, hold: Hold, outcome: outcomes.Held | outcomes.Captured
) -> None:
    if not move_hold(hold, "held"):
        return
    hold.ref = outcome.ref if isinstance(outcome, outcomes.Held) else outcome.hold
    if isinstance(outcome, outcomes.Held):
        hold.capture_before_ms = int(outcome.capture_before.timestamp() * 1000)
    amount = Money(hold.amount_minor, payment.currency)
    papers.book(journals.held(hold.key, PaymentId(payment.id), amount))
    if hold.number == 1:
        move(payment, "held")
    if hold.to_capture_minor:
        # Held to pay a debt with the learner at the screen: the debt ends here, and the money is taken at once.
        move(payment, "debt-paid")
        learner = PersonId(payment.learner)
        papers.book(journals.debt_withdrawn(hold.key, PaymentId(payment.id), learner, amount))
        queue_capture(papers, payment, hold, hold.to_capture_minor)
    elif payment.state != "authorised":
        # It came after everybody had left: a card is never kept waiting for nothing.
        queue_void(papers, payment, hold)


def _voided(papers: Dossier, payment: Payment, hold: Hold, reason: str) -> None:
    was_held = hold.state == "held"
    if hold.to_capture_minor and not was_held:
        # Meant to pay a debt and never confirmed: what it was to take is owed as before.
        if move_hold(hold, "declined"):
            hold.reason = reason
    elif hold.to_capture_minor:
        lose(papers, payment, hold, reason)
    elif move_hold(hold, "voided"):
        hold.reason = reason
        if was_held:
            papers.book(journals.hold_ended(hold.key, PaymentId(payment.id), hold.key))
        if hold.number == 1 and payment.state in ("authorising", "challenged"):
            move(payment, "cancelled")


def _of_capture(
    papers: Dossier, payment: Payment, hold: Hold, key: str, outcome: outcomes.CaptureOutcome
) -> None:
    match outcome:
        case outcomes.Captured():
            _captured(papers, payment, hold, key, outcome)
        case outcomes.CaptureLost():
            lose(papers, payment, hold, outcome.reason)
    _finish_if_captured(papers, payment)


def _captured(
    papers: Dossier, payment: Payment, hold: Hold, key: str, outcome: outcomes.Captured
) -> None:
    if move_hold(hold, "captured"):
        hold.captured_minor, hold.charge_ref = outcome.amount.minor, outcome.charge
        hold.ref = outcome.hold
    payment_id = PaymentId(payment.id)
    if hold.key == key:
        papers.book(journals.charged(key, payment_id, outcome.amount, outcome.charge))
    else:
        papers.book(journals.captured(key, payment_id, hold.key, outcome.amount, outcome.charge))
    _book_fee(papers, payment, outcome)


def _book_fee(papers: Dossier, payment: Payment, outcome: outcomes.Captured) -> None:
    """A fee in another currency, or not yet known, is booked from the provider's statement."""
    if outcome.fee is not None and outcome.fee.minor and outcome.fee.currency == payment.currency:
        papers.book(journals.fee(outcome.charge, payment.id, payment.currency, outcome.fee.minor))


def _of_void(papers: Dossier, payment: Payment, hold: Hold, outcome: Any) -> None:
    match outcome:
        case outcomes.Voided():
            _voided(papers, payment, hold, outcome.reason)
        case outcomes.AlreadyCaptured() | outcomes.CaptureLost():
            store.open_case(
                papers.session,
                f"{hold.key}:void",
                "void-failed",
                payment.id,
                f"The hold {hold.ref} could not be given back; look at it with the payment provider.",
                {"hold": hold.ref, "outcome": repr(outcome)},
                papers.at_ms,
            )


def _of_charge(
    papers: Dossier, payment: Payment, hold: Hold, outcome: outcomes.ChargeOutcome
) -> None:
    match outcome:
        case outcomes.Captured():
            _captured(papers, payment, hold, hold.key, outcome)
            _finish_if_captured(papers, payment)
        case outcomes.Declined():
            if move_hold(hold, "declined"):
                hold.reason, payment.why = outcome.code, outcome.message
                move(payment, "charge-declined")
                learner = PersonId(payment.learner)
                amount = Money(hold.amount_minor, payment.currency)
                papers.book(journals.owed(hold.key, PaymentId(payment.id), learner, amount))


def _of_refund(
    papers: Dossier, payment: Payment, key: str, outcome: outcomes.RefundOutcome
) -> None:
    refund = papers.session.get_one(Refund, key)
    amount = Money(refund.amount_minor, payment.currency)
    if refund.state in ("failed", "unsent"):
        return
    match outcome:
        case outcomes.Refunded():
            refund.state, refund.ref = "succeeded", outcome.ref
            papers.book(journals.refunded(key, PaymentId(payment.id), amount, outcome.ref))
        case outcomes.RefundPending():
            if refund.state == "requested":
                refund.state, refund.ref = "pending", outcome.ref
        case outcomes.RefundFailed():
            _refund_failed(papers, payment, refund, outcome)


def _refund_failed(
    papers: Dossier, payment: Payment, refund: Refund, outcome: outcomes.RefundFailed
) -> None:
    released = payment.state == "released"
    paid = refund.state == "succeeded"
    refund.state, refund.reason = "unsent" if released else "failed", outcome.message
    amount = Money(refund.amount_minor, payment.currency)
    if paid or not released:
        papers.book(
            journals.refund_failed(
                refund.key,
                PaymentId(payment.id),
                amount,
                refund.ref or refund.key,
                paid=paid,
                released=released,
            )
        )
    if not released:
        payment.refunded_minor -= refund.amount_minor
    store.open_case(
        papers.session,
        f"{refund.key}:failed",
        "refund-failed",
        payment.id,
        f"The bank did not take {amount} back ({outcome.message}); send it again or pay it another way.",
        {"refund": refund.key, "code": outcome.code},
        papers.at_ms,
    )


def _of_transfer(
    papers: Dossier, payment: Payment, key: str, outcome: outcomes.TransferOutcome
) -> None:
    payout = papers.session.get_one(Payout, key)
    match outcome:
        case outcomes.Transferred():
            payout.state, payout.ref, payout.reason = "paid", outcome.ref, ""
            amount = Money(payout.amount_minor, payment.currency)
            mentor = PersonId(payout.mentor)
            papers.book(journals.paid_out(key, PaymentId(payment.id), mentor, amount, outcome.ref))
        case outcomes.Parked():
            if payout.state != "paid":
                payout.state, payout.reason = "parked", outcome.message


def _of_reversal(
    papers: Dossier,
    payment: Payment,
    key: str,
    call: calls.Reverse,
    outcome: outcomes.ReversalOutcome,
) -> None:
    """What a mentor's balance does not cover stays their debt and is set off against what they earn next."""
    payout = papers.session.get_one(Payout, call.payout_key)
    if isinstance(outcome, outcomes.ReversalShort):
        payout.reason = outcome.message
        return
    mentor = PersonId(payout.mentor)
    papers.book(
        journals.reversed_transfer(key, PaymentId(payment.id), mentor, call.amount, outcome.ref)
    )
