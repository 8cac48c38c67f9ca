"""The learner's money before the end: held before anyone is rung, raised with the cap, given back.

Owns: when a hold or void is queued, and what the learner is told. Does not own: making the calls (`outbox`), what follows
from them (`effects`), taking the price (`settlement`).
"""

from typing import Final, Literal

from sqlmodel import Session

from cm_server.billing import calls, debts, decline_reasons, dossier, effects, outbox, store
from cm_server.billing.accounts import PaymentId
from cm_server.billing.gateway import GatewayUnavailable
from cm_server.billing.gateway_outcomes import CardRef, CustomerRef
from cm_server.billing.model import Hold, Payment
from cm_server.billing.till import Till
from cm_server.meter import minutes, rating
from cm_server.meter import store as meter_store
from cm_server.session import store as session_store
from cm_wire import faults
from cm_wire.ids import AskId, PersonId, SessionId
from cm_wire.money import Money

Challenge = Literal["none", "waits", "passed", "failed"]
TRIES: Final = 2
"""How often a learner who waits is made to wait for a provider that does not answer."""


def payment_id(ask_id: AskId, attempt: int) -> PaymentId:
    return PaymentId(f"{ask_id}.{attempt}")


async def authorise(
    till: Till, ask_id: AskId, attempt: int, learner: PersonId, amount: Money
) -> None:
    """Hold `amount` on the learner's card. Returns once it is held, the same again at once.

    Refuses with `card-needed`, `card-declined`, `payment-action-needed` (the message holds the bank's address; called
    again after it was dealt with, it returns) or `unavailable`, after which nothing stays held.
    """
    payment = payment_id(ask_id, attempt)
    await _refuse_debtor(till, learner)
    known = await till.database.read(lambda s: s.get(Payment, payment))
    if known is None:
        customer, card = await card_of(till, learner)
        await till.database.write(
            lambda s: _begin(s, till, payment, ask_id, learner, amount, customer, card)
        )
    key = hold_key(till, payment, 1)
    await look_again(till, key)
    await _make(till, key)
    if await till.database.read(lambda s: store.hold(s, key).state) == "requested":
        await void(till, ask_id, attempt)
    await _answer(till, key)


async def challenge(till: Till, ask_id: AskId, attempt: int) -> Challenge:
    """What became of the bank's question to the learner; `none` where it asked nothing."""
    payment = payment_id(ask_id, attempt)
    hold = await till.database.read(lambda s: s.get(Hold, hold_key(till, payment, 1)))
    if hold is None or not hold.challenge_url:
        return "none"
    if hold.state == "challenged":
        return "waits"
    return "passed" if hold.state == "held" else "failed"


async def void(till: Till, ask_id: AskId, attempt: int) -> None:
    """Give it all back; nothing happens where nothing is held or the session's price is being taken."""
    payment = payment_id(ask_id, attempt)
    queued = await till.database.write(lambda s: _cancel(s, payment, till.now_ms()))
    for key in queued:
        await outbox.perform(till, key)


async def extend(till: Till, session_id: SessionId, cap_seconds: int) -> None:
    """Hold what the higher cap costs beyond what is held; refuses as `authorise` does, and then the cap must stay.

    A hold whose answer is still out, or which waits for the bank, is asked about first: asking again holds nothing twice.
    """
    for hold in await till.database.read(lambda s: _unanswered(s, session_id)):
        if hold.state == "challenged":
            await look_again(till, hold.key)
        await perform(till, hold.key)
    payment, missing = await till.database.read(lambda s: _missing(s, session_id, cap_seconds))
    if not missing:
        return
    customer, card = await card_of(till, PersonId(payment.learner))
    key = await till.database.write(
        lambda s: _begin_extension(s, till, session_id, cap_seconds, customer, card)
    )
    if key is not None:
        await perform(till, key)


async def perform(till: Till, key: str) -> None:
    """Make the hold or charge under `key` for somebody who waits for it, and refuse as the bank or its silence does."""
    await _make(till, key)
    await _answer(till, key)


async def look_again(till: Till, key: str) -> None:
    """After a challenge the repeated call would give the first answer again, so the hold itself is asked."""
    hold = await till.database.read(lambda s: store.hold(s, key))
    row = await till.database.read(lambda s: store.outbox_row(s, key))
    if hold.state != "challenged" or row is None:
        return
    call = calls.decoded(row.call)
    try:
        state = await calls.find(till.gateway, row.call_key, call)
    except GatewayUnavailable as unavailable:
        raise _unavailable() from unavailable
    if state is not None:
        found = state
        await till.database.write(lambda s: outbox.settle(s, row, call, found, till.now_ms()))


async def card_of(till: Till, learner: PersonId) -> tuple[CustomerRef, CardRef]:
    known = await till.database.read(lambda s: store.customer(s, learner))
    if known is None:
        raise _card_needed()
    customer = CustomerRef(known.ref)
    try:
        saved = await till.gateway.saved_card(customer)
    except GatewayUnavailable as unavailable:
        raise _unavailable() from unavailable
    if saved is None:
        raise _card_needed()
    return customer, saved.ref


async def _refuse_debtor(till: Till, learner: PersonId) -> None:
    owed = await till.database.read(lambda s: debts.of_learner(s, learner))
    if owed is not None:
        raise faults.refusal("card-declined", owed.says, "Pay it, then ask again.")


def _begin(
    session: Session,
    till: Till,
    payment: PaymentId,
    ask_id: AskId,
    learner: PersonId,
    amount: Money,
    customer: CustomerRef,
    card: CardRef,
) -> None:
    if session.get(Payment, payment) is not None:
        return
    session.add(
        Payment(
            id=payment,
            ask_id=ask_id,
            learner=learner,
            currency=amount.currency,
            commission_basis_points=till.commission,
            state="authorising",
            opened_at_ms=till.now_ms(),
        )
    )
    session.flush()
    _queue_hold(session, till, payment, 1, amount, customer, card)


def _queue_hold(
    session: Session,
    till: Till,
    payment: PaymentId,
    number: int,
    amount: Money,
    customer: CustomerRef,
    card: CardRef,
) -> str:
    key = hold_key(till, payment, number)
    session.add(
        Hold(
            key=key,
            payment_id=payment,
            number=number,
            amount_minor=amount.minor,
            state="requested",
            card_ref=card,
        )
    )
    session.flush()
    call = calls.Hold(
        customer=customer,
        card=card,
        amount=amount,
        metadata={"payment": payment},
        return_url=till.return_url,
    )
    store.enqueue(session, key, payment, call, till.now_ms())
    return key


def hold_key(till: Till, payment: PaymentId, number: int) -> str:
    return f"{till.environment}:{payment}:hold:{number}"


async def _make(till: Till, key: str) -> None:
    for _ in range(TRIES):
        if await outbox.perform(till, key):
            return
        await till.database.write(lambda s: _due_now(s, key))


def _due_now(session: Session, key: str) -> None:
    row = store.outbox_row(session, key)
    if row is not None and row.state == "queued" and not row.leased_until_ms:
        row.due_at_ms = 0


async def _answer(till: Till, key: str) -> None:
    """Tell a hold or charge's standing by returning or refusing."""
    hold = await till.database.read(lambda s: store.hold(s, key))
    if hold.state in ("held", "captured"):
        return
    if hold.state == "challenged":
        raise faults.refusal(
            "payment-action-needed",
            f"Your bank wants to hear from you: {hold.challenge_url}",
            "Open the address, confirm, and ask again.",
        )
    if hold.state == "requested":
        raise _unavailable()
    why = decline_reasons.reason(hold.reason)
    raise faults.refusal("card-declined", f"{why.says} Nothing was taken.", why.do)


def _cancel(session: Session, payment_id: PaymentId, at_ms: int) -> list[str]:
    with dossier.opened(session, at_ms) as papers:
        payment = papers.find(payment_id)
        if payment is None or not effects.move(payment, "cancelled"):
            return []
        effects.void_unused(papers, payment)
        return papers.queued(payment)


def _unanswered(session: Session, session_id: SessionId) -> list[Hold]:
    payment = _payment_of(session, session_id)
    holds = store.holds(session, payment.id)
    return [hold for hold in holds if hold.state in ("requested", "challenged")]


def _missing(session: Session, session_id: SessionId, cap_seconds: int) -> tuple[Payment, int]:
    """What the cap costs beyond what is held, in minor units; nothing is missing at 0."""
    payment = _payment_of(session, session_id)
    terms = minutes.fold(meter_store.read_facts(session, session_id)).terms
    needed = rating.cap_hold(cap_seconds, terms.price)
    held = [hold for hold in store.holds(session, payment.id) if hold.state == "held"]
    return payment, max(0, needed.minor - sum(hold.amount_minor for hold in held))


def _begin_extension(
    session: Session,
    till: Till,
    session_id: SessionId,
    cap_seconds: int,
    customer: CustomerRef,
    card: CardRef,
) -> str | None:
    payment, missing = _missing(session, session_id, cap_seconds)
    if not missing:
        return None
    amount = max(missing, rating.minimum_charge(payment.currency).minor)
    return _queue_hold(
        session,
        till,
        PaymentId(payment.id),
        store.holds(session, payment.id)[-1].number + 1,
        Money(amount, payment.currency),
        customer,
        card,
    )


def _payment_of(session: Session, session_id: SessionId) -> Payment:
    standing = session_store.find(session, session_id)
    rows = store.payments_of_ask(session, standing.ask_id) if standing else []
    live = [row for row in rows if row.state == "authorised"]
    if not live:
        raise faults.refusal("no-such-session", "No money is held for this session.")
    return live[-1]


def _card_needed() -> faults.Refused:
    return faults.refusal(
        "card-needed", "You have no card saved to pay with.", "Save one, then ask again."
    )


def _unavailable() -> faults.Refused:
    return faults.refusal(
        "unavailable",
        "The payment service does not answer. Nothing was taken, and nothing stays reserved.",
        "Try again in a minute.",
    )
