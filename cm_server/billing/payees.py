"""Who people are to the payment provider: the learner's customer and card, the mentor's account.

Owns: those links and the provider's hosted pages; a card number never comes near us. Does not own: any money.
"""

from sqlmodel import Session

from cm_server.billing import payouts, store
from cm_server.billing.gateway import GatewayUnavailable
from cm_server.billing.gateway_outcomes import AccountRef, CustomerRef, HostedPage, SavedCard
from cm_server.billing.model import Customer, Payee
from cm_server.billing.till import Till
from cm_wire import faults
from cm_wire.ids import PersonId


async def customer(till: Till, person: PersonId, *, email: str) -> CustomerRef:
    """The person's customer, made at the first need; the key makes a second call the same customer."""
    known = await till.database.read(lambda s: store.customer(s, person))
    if known is not None:
        return CustomerRef(known.ref)
    key = f"{till.environment}:{person}:customer:1"
    try:
        ref = await till.gateway.create_customer(key, email=email, metadata={"person": person})
    except GatewayUnavailable as unavailable:
        raise _unavailable() from unavailable
    await till.database.write(lambda s: _keep_customer(s, person, ref))
    return ref


async def card_page(
    till: Till, person: PersonId, *, email: str, done_url: str, cancel_url: str
) -> HostedPage:
    """Where the learner saves a card: a page of the provider."""
    ref = await customer(till, person, email=email)
    number = await till.database.write(lambda s: _next_setup(s, person))
    key = f"{till.environment}:{person}:setup:{number}"
    try:
        return await till.gateway.card_setup_page(
            key, ref, done_url=done_url, cancel_url=cancel_url
        )
    except GatewayUnavailable as unavailable:
        raise _unavailable() from unavailable


async def saved_card(till: Till, person: PersonId) -> SavedCard | None:
    known = await till.database.read(lambda s: store.customer(s, person))
    return None if known is None else await till.gateway.saved_card(CustomerRef(known.ref))


async def has_account(till: Till, person: PersonId) -> bool:
    return await till.database.read(lambda s: store.payee(s, person)) is not None


async def mentor_page(
    till: Till, person: PersonId, *, email: str, name: str, country: str, base_url: str
) -> HostedPage:
    """Where the mentor tells the provider who they are and where the money goes."""
    try:
        account = await _account(till, person, email=email, name=name, country=country)
        number = await till.database.write(lambda s: _next_page(s, person))
        return await till.gateway.onboarding_page(
            f"{till.environment}:{person}:onboarding:{number}",
            account,
            done_url=f"{base_url}/paid/onboarded",
            again_url=f"{base_url}/paid/onboarding",
        )
    except GatewayUnavailable as unavailable:
        raise _unavailable() from unavailable


async def refresh(till: Till, account: AccountRef) -> bool:
    """Ask whether a mentor can receive money now; if so, what waited for it is sent."""
    known = await till.gateway.look_up_account(account)

    def keep(session: Session) -> None:
        payee = store.payee_by_ref(session, account)
        if payee is not None:
            payee.can_receive = known.can_receive
            if known.can_receive:
                payouts.queue_waiting(session, till, PersonId(payee.person))

    await till.database.write(keep)
    return known.can_receive


async def refresh_awaited(till: Till) -> None:
    """Ask about the accounts that money waits for: what makes them ready is told once, and no list has it."""
    for payee in await till.database.read(store.payees_awaited):
        await refresh(till, AccountRef(payee.ref))


async def _account(
    till: Till, person: PersonId, *, email: str, name: str, country: str
) -> AccountRef:
    known = await till.database.read(lambda s: store.payee(s, person))
    if known is not None:
        return AccountRef(known.ref)
    ref = await till.gateway.create_mentor_account(
        f"{till.environment}:{person}:account:1",
        email=email,
        name=name,
        country=country,
        metadata={"person": person},
    )
    await till.database.write(lambda s: _keep_payee(s, person, ref))
    return ref


def _keep_customer(session: Session, person: PersonId, ref: CustomerRef) -> None:
    if store.customer(session, person) is None:
        session.add(Customer(person=person, ref=ref))


def _keep_payee(session: Session, person: PersonId, ref: AccountRef) -> None:
    if store.payee(session, person) is None:
        session.add(Payee(person=person, ref=ref))


def _next_setup(session: Session, person: PersonId) -> int:
    row = session.get_one(Customer, person)
    row.setups += 1
    return row.setups


def _next_page(session: Session, person: PersonId) -> int:
    row = session.get_one(Payee, person)
    row.pages += 1
    return row.pages


def _unavailable() -> faults.Refused:
    return faults.refusal(
        "unavailable", "The payment service does not answer.", "Try again in a minute."
    )
