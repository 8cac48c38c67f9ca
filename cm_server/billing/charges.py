"""The learner's money: held before anyone is rung, raised with the cap, given back, or taken for the minutes that count.

Owns: when a hold, capture, void or charge is queued, and what the learner is told. Does not own: making the calls
(`outbox`), what follows from them (`effects`), what a session costs (`meter`).
"""

from typing import Final

from sqlmodel import Session

from cm_server.billing import allocation, calls, effects, journals, ledger, outbox, receipts, store
from cm_server.billing.accounts import PaymentId
from cm_server.billing.gateway import GatewayUnavailable
from cm_server.billing.gateway_outcomes import CardRef, CustomerRef, HoldRef
from cm_server.billing.model import Hold, Payment
from cm_server.billing.receipts import Issued
from cm_server.billing.till import Till
from cm_server.meter import minutes, rating
from cm_server.meter import store as meter_store
from cm_server.session import store as session_store
from cm_wire import faults
from cm_wire.ids import AskId, PersonId, SessionId
from cm_wire.money import Money

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
        customer, card = await _card(till, learner)
        await till.database.write(
            lambda s: _begin(s, till, payment, ask_id, learner, amount, customer, card)
        )
    elif known.state == "challenged":
        await _look_again(till, payment)
    key = _hold_key(till, payment, 1)
    await _perform(till, key)
    if await till.database.read(lambda s: store.hold(s, key).state) == "requested":
        await void(till, ask_id, attempt)
    await _answer(till, key)


async def void(till: Till, ask_id: AskId, attempt: int) -> None:
    """Give it all back; nothing happens where nothing is held or the session's price is being taken."""
    payment = payment_id(ask_id, attempt)
    queued = await till.database.write(lambda s: _cancel(s, payment, till.now_ms()))
    for key in queued:
        await outbox.perform(till, key)


async def extend(till: Till, session_id: SessionId, cap_seconds: int) -> None:
    """Hold what the higher cap costs beyond what is held; refuses as `authorise` does, and then the cap must stay."""
    key = await till.database.write(lambda s: _begin_extension(s, till, session_id, cap_seconds))
    if key is None:
        return
    await _perform(till, key)
    await _answer(till, key)


async def settle(till: Till, session_id: SessionId) -> Issued:
    """Issue the receipt and take its amount. The same again is the same receipt.

    The receipt stands before the card is charged; what the card then does never changes it.
    """
    issued = await till.database.write(lambda s: _settle(s, till, session_id))
    for key in await till.database.read(lambda s: store.queued_keys(s, issued.payment_id)):
        await outbox.perform(till, key)
    return issued


async def collect_debt(till: Till, learner: PersonId) -> None:
    """Charge what a learner owes to the card they have now; refuses with the bank's words when it says no."""
    customer, card = await _card(till, learner)
    del customer
    key = await till.database.write(lambda s: _withdraw_debt(s, learner, card, till.now_ms()))
    if key is None:
        return
    await _perform(till, key)
    await _answer(till, key)


async def _card(till: Till, learner: PersonId) -> tuple[CustomerRef, CardRef]:
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
    debt = await till.database.read(lambda s: store.unpaid(s, learner))
    if debt is not None:
        raise faults.refusal(
            "card-declined",
            "An earlier session is not paid: your card was declined.",
            "Save another card and pay it, then ask again.",
        )


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
    key = _hold_key(till, payment, number)
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


def _hold_key(till: Till, payment: PaymentId, number: int) -> str:
    return f"{till.environment}:{payment}:hold:{number}"


async def _perform(till: Till, key: str) -> None:
    for _ in range(TRIES):
        if await outbox.perform(till, key):
            return
        await till.database.write(lambda s: _due_now(s, key))


def _due_now(session: Session, key: str) -> None:
    row = store.outbox_row(session, key)
    if row is not None and row.state == "queued" and not row.leased_until_ms:
        row.due_at_ms = 0


async def _look_again(till: Till, payment: PaymentId) -> None:
    """After a challenge the repeated call would give the first answer again, so the hold itself is asked."""
    hold = (await till.database.read(lambda s: store.holds(s, payment)))[0]
    row = await till.database.read(lambda s: store.outbox_row(s, hold.key))
    assert row is not None
    call = calls.decoded(row.call)
    try:
        state = await calls.find(till.gateway, row.call_key, call)
    except GatewayUnavailable as unavailable:
        raise _unavailable() from unavailable
    if state is not None:
        found = state
        await till.database.write(lambda s: outbox.settle(s, hold.key, call, found, till.now_ms()))


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
    raise faults.refusal(
        "card-declined",
        f"Your card was declined ({hold.reason or hold.state}). Nothing was taken.",
        "Use another card or a lower cap.",
    )


def _cancel(session: Session, payment_id: PaymentId, at_ms: int) -> list[str]:
    payment = session.get(Payment, payment_id, with_for_update=True)
    if payment is None or not effects.move(payment, "cancelled"):
        return []
    return _void_unused(session, payment, at_ms)


def _void_unused(session: Session, payment: Payment, at_ms: int) -> list[str]:
    """A hold whose answer is still unknown is given back when it arrives."""
    unused = [
        hold
        for hold in store.holds(session, payment.id)
        if hold.state in ("held", "challenged") and not hold.to_capture_minor
    ]
    for hold in unused:
        effects.queue_void(session, hold, at_ms)
    return [f"{hold.key}:void" for hold in unused]


def _begin_extension(
    session: Session, till: Till, session_id: SessionId, cap_seconds: int
) -> str | None:
    payment = _payment_of(session, session_id)
    terms = minutes.fold(meter_store.read_facts(session, session_id)).terms
    needed = rating.cap_hold(cap_seconds, terms.price)
    held = [hold for hold in store.holds(session, payment.id) if hold.state == "held"]
    missing = needed.minor - sum(hold.amount_minor for hold in held)
    if missing <= 0:
        return None
    minimum = rating.minimum_charge(payment.currency).minor
    customer = store.customer(session, PersonId(payment.learner))
    assert customer is not None, "whoever has a hold is a customer"
    return _queue_hold(
        session,
        till,
        PaymentId(payment.id),
        store.holds(session, payment.id)[-1].number + 1,
        Money(max(missing, minimum), payment.currency),
        CustomerRef(customer.ref),
        CardRef(held[-1].card_ref if held else store.holds(session, payment.id)[-1].card_ref),
    )


def _settle(session: Session, till: Till, session_id: SessionId) -> Issued:
    known = receipts.of_session(session, session_id)
    if known is not None:
        return known
    payment = _payment_of(session, session_id)
    standing = session_store.find(session, session_id)
    if standing is None:
        raise faults.refusal("no-such-session", "There is no such session.")
    payment.session_id, payment.mentor = session_id, standing.mentor
    payment.ended_at_ms = till.now_ms()
    folded = minutes.fold(meter_store.read_facts(session, session_id))
    usable = [hold for hold in store.holds(session, payment.id) if hold.state == "held"]
    lost = [hold for hold in store.holds(session, payment.id) if hold.state == "lost"]
    takes = allocation.allocate(
        folded.amount.minor,
        [hold.amount_minor for hold in (*usable, *lost)],
        rating.minimum_charge(payment.currency).minor,
    )
    payment.gross_minor = sum(takes)
    effects.move(payment, "ended" if payment.gross_minor else "waived")
    for hold, minor in zip(usable, takes, strict=False):
        _queue_capture(session, hold, payment, minor, till.now_ms())
    for minor in filter(None, takes[len(usable) :]):
        effects.queue_charge(session, payment, lost[0].card_ref, minor, till.now_ms())
    _void_unused(session, payment, till.now_ms())
    return receipts.issue(session, standing, payment, at_ms=till.now_ms())


def _queue_capture(session: Session, hold: Hold, payment: Payment, minor: int, at_ms: int) -> None:
    if not minor:
        return
    hold.to_capture_minor = minor
    call = calls.Capture(
        hold_key=hold.key, hold=HoldRef(hold.ref), amount=Money(minor, payment.currency)
    )
    store.enqueue(session, f"{hold.key}:capture", payment.id, call, at_ms)


def _payment_of(session: Session, session_id: SessionId) -> Payment:
    standing = session_store.find(session, session_id)
    rows = store.payments_of_ask(session, standing.ask_id) if standing else []
    live = [row for row in rows if row.state == "authorised" or row.session_id == session_id]
    if not live:
        raise faults.refusal("no-such-session", "No money is held for this session.")
    return live[-1]


def _withdraw_debt(session: Session, learner: PersonId, card: CardRef, at_ms: int) -> str | None:
    payment = store.unpaid(session, learner)
    if payment is None:
        return None
    owed = [
        hold
        for hold in store.holds(session, payment.id)
        if hold.state == "declined" and hold.to_capture_minor
    ]
    minor = sum(hold.to_capture_minor for hold in owed)
    for hold in owed:
        hold.to_capture_minor = 0
    effects.move(payment, "debt-paid")
    key = effects.queue_charge(session, payment, card, minor, at_ms)
    amount = Money(minor, payment.currency)
    withdrawn = journals.debt_withdrawn(key, PaymentId(payment.id), learner, amount)
    ledger.append(session, withdrawn, at_ms=at_ms)
    return key


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
