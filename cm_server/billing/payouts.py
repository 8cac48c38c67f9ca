"""The mentor's money: released when the money-back window has closed, then sent.

Owns: when a payment is released, the split, the set-off of what a mentor owes, the transfers and reversals queued.
Does not own: making the calls, the arithmetic of the split (`meter.rating`). A guess that would be wrong: a transfer is made
at capture. Nothing leaves before the window is over and no refund, dispute or case is open, so a refund takes nothing back.
"""

from sqlmodel import Session

from cm_server.billing import accounts, calls, effects, journals, ledger, store
from cm_server.billing.accounts import PaymentId
from cm_server.billing.gateway_outcomes import AccountRef, ChargeRef, TransferRef
from cm_server.billing.model import Hold, Payment, Payout
from cm_server.billing.till import Till
from cm_server.meter import rating
from cm_server.meter.rating import BasisPoints
from cm_wire.ids import PersonId
from cm_wire.money import Money

REFUNDS_OPEN = ("requested", "pending")


async def release_due(till: Till) -> list[PaymentId]:
    """Release every payment whose window is over and which nothing holds back."""

    def release_all(session: Session) -> list[PaymentId]:
        settled = store.payments_in(session, ("settled",))
        due = [payment for payment in settled if may_release(session, till, payment)]
        for payment in due:
            _release(session, till, payment)
        return [PaymentId(payment.id) for payment in due]

    return await till.database.write(release_all)


def may_release(session: Session, till: Till, payment: Payment) -> bool:
    """Only `settled` ones are asked for."""
    over_at_ms = (payment.ended_at_ms or 0) + till.refund_window_ms
    refunds = store.refunds(session, payment.id)
    return (
        till.now_ms() >= over_at_ms
        and not any(refund.state in REFUNDS_OPEN for refund in refunds)
        and not store.open_disputes(session, payment.id)
        and not store.open_cases(session, payment.id)
    )


def queue_waiting(session: Session, till: Till, mentor: PersonId) -> None:
    """A mentor's account has become able to receive: send what waited, and what was parked at once."""
    for payout in store.payouts_waiting(session, mentor):
        payment = store.payment(session, PaymentId(payout.payment_id))
        _send(session, till, payment, payout)
    for payout in store.payouts_parked(session, mentor):
        row = store.outbox_row(session, payout.key)
        if row is not None and row.state == "queued":
            row.due_at_ms = till.now_ms()


def reverse(session: Session, till: Till, payment: Payment, share_minor: int) -> None:
    """Ask back up to `share_minor` of what was sent; what was never sent cannot be asked back, and stays a set-off."""
    for payout in store.payouts(session, payment.id):
        part = min(share_minor, payout.amount_minor - payout.reversed_minor)
        if part <= 0 or not payout.ref:
            continue
        share_minor -= part
        payout.reversed_minor += part
        payout.reversals += 1
        call = calls.Reverse(
            payout_key=payout.key,
            transfer=TransferRef(payout.ref),
            amount=Money(part, payment.currency),
            metadata={"payment": payment.id},
        )
        key = f"{payout.key}:reverse:{payout.reversals}"
        store.enqueue(session, key, payment.id, call, till.now_ms(), lane=_lane(payment))


def shares_of(payment: Payment, net_minor: int) -> tuple[Money, Money]:
    """(mentor, platform) of what is left of the payment."""
    net = Money(net_minor, payment.currency)
    return rating.split(net, BasisPoints(payment.commission_basis_points))


def captured_minor(session: Session, payment: Payment) -> int:
    return sum(hold.captured_minor for hold in store.holds(session, payment.id))


def refunded_of(session: Session, hold: Hold) -> int:
    return sum(
        refund.amount_minor
        for refund in store.refunds(session, hold.payment_id)
        if refund.hold_key == hold.key and refund.state not in ("failed", "unsent")
    )


def _release(session: Session, till: Till, payment: Payment) -> None:
    effects.move(payment, "window-closed")
    net_minor = captured_minor(session, payment) - payment.refunded_minor
    if not net_minor:
        return
    mentor = PersonId(payment.mentor)
    share, commission = shares_of(payment, net_minor)
    set_off_minor = min(_to_set_off_minor(session, mentor, payment.currency), share.minor)
    key = f"{till.environment}:{payment.id}:release:1"
    journal = journals.released(
        key, PaymentId(payment.id), mentor, share, set_off_minor, commission
    )
    ledger.append(session, journal, at_ms=till.now_ms())
    _pay(session, till, payment, share.minor - set_off_minor)


def _to_set_off_minor(session: Session, mentor: PersonId, currency: str) -> int:
    """What a mentor owes less what is being asked back from their account: only one of the two may take it."""
    owed = ledger.balance_of(session, accounts.mentor_receivable(mentor, currency))
    asked_back = sum(
        call.amount.minor
        for call in store.open_reversals(session, mentor)
        if call.amount.currency == currency
    )
    return owed - asked_back


def _pay(session: Session, till: Till, payment: Payment, left_minor: int) -> None:
    """One payout for each charge, for a transfer is bound to the charge whose money it is."""
    number = 0
    for hold in store.holds(session, payment.id):
        part = min(left_minor, hold.captured_minor - refunded_of(session, hold))
        if part <= 0:
            continue
        number += 1
        left_minor -= part
        payout = Payout(
            key=f"{till.environment}:{payment.id}:transfer:{number}",
            payment_id=payment.id,
            mentor=payment.mentor,
            hold_key=hold.key,
            amount_minor=part,
            state="waiting",
        )
        session.add(payout)
        session.flush()
        _send(session, till, payment, payout)


def _send(session: Session, till: Till, payment: Payment, payout: Payout) -> None:
    payee = store.payee(session, PersonId(payout.mentor))
    if payee is None or not payee.can_receive:
        payout.reason = "The mentor's account cannot receive money yet."
        return
    payout.state, payout.reason = "queued", ""
    call = calls.Transfer(
        account=AccountRef(payee.ref),
        amount=Money(payout.amount_minor, payment.currency),
        source=ChargeRef(store.hold(session, payout.hold_key).charge_ref),
        group=payment.id,
        metadata={"payment": payment.id},
    )
    store.enqueue(session, payout.key, payment.id, call, till.now_ms(), lane=_lane(payment))


def _lane(payment: Payment) -> str:
    """Apart from the learner's lane: a payout that waits for a mentor must not delay a refund."""
    return f"{payment.id}:mentor"
