"""What becomes of a refund that the bank sent back: an operator sends it again, pays it another way, or withdraws it.

Owns: these three ends. Does not own: that it failed (`effects`), who decides (`cases`). Before the payout the money lies in
escrow again. A guess that would be wrong: it lies there afterwards too. The mentor's share was asked back for it, so it
stays in reserve (`unsent`) until one of these ends has come; nothing else can be paid from it.
"""

from sqlmodel import Session

from cm_server.billing import journals, ledger, refunds
from cm_server.billing.accounts import PaymentId
from cm_server.billing.model import Payment, Refund
from cm_server.billing.till import Till
from cm_wire import faults
from cm_wire.money import Money

CASE_KIND = "refund-failed"


def of_case(session: Session, case_key: str) -> Refund:
    return session.get_one(Refund, case_key.removesuffix(":failed"))


def send_again(
    session: Session, till: Till, payment: Payment, refund: Refund, amount: Money, reason: str
) -> list[str]:
    """The keys of the calls. What is in reserve goes whole, for it was promised whole."""
    if refund.state != "unsent":
        return refunds.refund(session, till, payment, amount, reason)
    if amount.minor != refund.amount_minor:
        promised = Money(refund.amount_minor, payment.currency)
        raise faults.refusal(
            "bad-value",
            f"{promised} was promised and is sent whole.",
            "Leave the amount out.",
            limit=promised.minor,
            got=amount.minor,
        )
    refund.state = "failed"
    return refunds.queue_parts(session, till, payment, amount.minor, reason)


def pay_otherwise(session: Session, till: Till, payment: Payment, refund: Refund) -> Money:
    """The operator has paid it from our own bank; it is only booked here."""
    amount = Money(refund.amount_minor, payment.currency)
    if refund.state != "unsent":
        refunds.reserve(session, till, payment, amount, f"{refund.key}:otherwise:reserve")
    refund.state = "failed"
    journal = journals.refund_paid_otherwise(refund.key, PaymentId(payment.id), amount)
    ledger.append(session, journal, at_ms=till.now_ms())
    return amount


def withdraw(session: Session, till: Till, payment: Payment, refund: Refund) -> None:
    """It is not paid. What was in reserve for it covers what we lose; what lies in escrow stays there."""
    if refund.state != "unsent":
        return
    refund.state = "failed"
    amount = Money(refund.amount_minor, payment.currency)
    journal = journals.refund_withdrawn(refund.key, PaymentId(payment.id), amount)
    ledger.append(session, journal, at_ms=till.now_ms())
