"""What learners owe: the price of a session whose card said no when it was taken.

Owns: charging it anew. Does not own: how it came about (`effects`), what is booked of it (`journals`).
"""

from sqlmodel import Session

from cm_server.billing import charges, dossier, effects, journals, store
from cm_server.billing.accounts import PaymentId
from cm_server.billing.gateway_outcomes import CardRef
from cm_server.billing.till import Till
from cm_wire.ids import PersonId
from cm_wire.money import Money


async def collect(till: Till, learner: PersonId) -> None:
    """Charge what a learner owes to the card they have now; refuses with the bank's words when it says no."""
    _, card = await charges.card_of(till, learner)
    key = await till.database.write(lambda s: _withdraw(s, learner, card, till.now_ms()))
    if key is not None:
        await charges.perform(till, key)


def _withdraw(session: Session, learner: PersonId, card: CardRef, at_ms: int) -> str | None:
    found = store.unpaid(session, learner)
    if found is None:
        return None
    with dossier.opened(session, at_ms, [found.id]) as papers:
        payment = papers.payment(found.id)
        owed = [
            hold
            for hold in papers.holds(payment)
            if hold.state == "declined" and hold.to_capture_minor
        ]
        minor = sum(hold.to_capture_minor for hold in owed)
        for hold in owed:
            hold.to_capture_minor = 0
        effects.move(payment, "debt-paid")
        key = effects.queue_charge(papers, payment, card, minor)
        amount = Money(minor, payment.currency)
        papers.book(journals.debt_withdrawn(key, PaymentId(payment.id), learner, amount))
    return key
