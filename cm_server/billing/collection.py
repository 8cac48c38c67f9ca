"""Takes what learners owe: from the card they have now, with them at the screen or without.

Owns: when a debt is charged anew, and that two ways at once take it once. Does not own: what is owed (`debts`), what follows
from the bank's answer (`effects`). With the learner there it is held, so that the bank may ask them, and captured at once;
without them it is charged. A guess that would be wrong: the debt ends when this begins. With the learner there it ends when
the money is held.
"""

import structlog
from sqlmodel import Session

from cm_server.billing import calls, charges, debts, dossier, effects, journals, outbox, store
from cm_server.billing.accounts import PaymentId
from cm_server.billing.dossier import Dossier
from cm_server.billing.gateway import GatewayUnavailable
from cm_server.billing.gateway_outcomes import CardRef, CustomerRef
from cm_server.billing.model import Hold, Payment
from cm_server.billing.till import Till
from cm_wire.faults import Refused
from cm_wire.ids import PersonId
from cm_wire.money import Money

_log = structlog.stdlib.get_logger(__name__)


async def pay(till: Till, learner: PersonId) -> str:
    """For a learner at the screen. The address where the bank wants to ask them; empty once the money is taken or on its way.

    The same again takes nothing more. Refuses with `card-needed`, `card-declined` or `unavailable`.
    """
    if await till.database.read(lambda s: debts.of_learner(s, learner)) is None:
        return ""
    customer, card = await charges.card_of(till, learner)
    *before, key = await till.database.write(
        lambda s: _begin(s, till, learner, customer, card)
    ) or [""]
    if not key:
        return ""
    for earlier in before:
        await outbox.perform(till, earlier)
    await charges.look_again(till, key)
    try:
        await charges.perform(till, key)
    except Refused as refused:
        if refused.fault.code != "payment-action-needed":
            raise
        return (await till.database.read(lambda s: store.hold(s, key))).challenge_url
    await outbox.perform(till, f"{key}:capture")
    return ""


async def charge(till: Till, learner: PersonId) -> None:
    """With nobody at the screen, where a bank that wants to ask the learner says no; refuses as `pay` does."""
    _, card = await charges.card_of(till, learner)
    key = await till.database.write(lambda s: _withdraw(s, learner, card, till.now_ms()))
    if key is not None:
        await charges.perform(till, key)


async def card_saved(till: Till, customer: CustomerRef) -> None:
    """A learner has another card now; what they owe is charged to it at once."""
    learner = await till.database.read(lambda s: store.learner_of(s, customer))
    if learner is not None:
        await _try(till, learner)


async def retry_due(till: Till) -> None:
    """Cards that said no may say yes some days later."""
    now_ms = till.now_ms()
    for debt in await till.database.read(debts.all_open):
        if debt.next_try_at_ms is not None and debt.next_try_at_ms <= now_ms:
            await _try(till, debt.learner)


async def _try(till: Till, learner: PersonId) -> None:
    try:
        await charge(till, learner)
    except (Refused, GatewayUnavailable) as refused:
        _log.info("a debt was not taken", learner=learner, reason=str(refused))


def _begin(
    session: Session, till: Till, learner: PersonId, customer: CustomerRef, card: CardRef
) -> list[str]:
    """The keys of the calls to make, the hold's last; none when nothing is owed any more."""
    owed = store.payments_owed(session, learner)
    if not owed:
        return []
    with dossier.opened(session, till.now_ms(), [owed[0].id]) as papers:
        payment = papers.payment(owed[0].id)
        owing = debts.owing_holds(papers.holds(payment)) if payment.state == "owed" else []
        begun = [hold for hold in owing if hold.state != "declined"]
        if begun and (begun[-1].state == "requested" or begun[-1].card_ref == card):
            return [begun[-1].key]
        if not owing:
            return []
        for hold in begun:
            effects.queue_void(papers, payment, hold)
        minor = _take_out(owing)
        hold = _new_hold(papers, till, payment, card, minor)
        call = calls.Hold(
            customer=customer,
            card=card,
            amount=Money(minor, payment.currency),
            metadata={"payment": payment.id, "session": payment.session_id},
            return_url=till.return_url,
        )
        papers.queue(hold.key, payment, call)
        return papers.queued(payment)


def _new_hold(papers: Dossier, till: Till, payment: Payment, card: CardRef, minor: int) -> Hold:
    number = papers.holds(payment)[-1].number + 1
    hold = Hold(
        key=charges.hold_key(till, PaymentId(payment.id), number),
        payment_id=payment.id,
        number=number,
        amount_minor=minor,
        to_capture_minor=minor,
        state="requested",
        card_ref=card,
    )
    papers.add_hold(payment, hold)
    return hold


def _withdraw(session: Session, learner: PersonId, card: CardRef, at_ms: int) -> str | None:
    owed = store.payments_owed(session, learner)
    if not owed:
        return None
    with dossier.opened(session, at_ms, [owed[0].id]) as papers:
        payment = papers.payment(owed[0].id)
        owing = debts.owing_holds(papers.holds(payment))
        if not owing or any(hold.state != "declined" for hold in owing):
            return None  # it is being paid
        if not effects.move(payment, "debt-paid"):
            return None
        minor = _take_out(owing)
        key = effects.queue_charge(papers, payment, card, minor)
        amount = Money(minor, payment.currency)
        papers.book(journals.debt_withdrawn(key, PaymentId(payment.id), learner, amount))
        return key


def _take_out(holds: list[Hold]) -> int:
    """What they were to take is taken under another key from now on."""
    minor = sum(hold.to_capture_minor for hold in holds)
    for hold in holds:
        hold.to_capture_minor = 0
    return minor
