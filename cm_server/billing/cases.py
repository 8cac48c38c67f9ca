"""What an operator must decide, and what follows from the decision."""

from dataclasses import dataclass
from typing import Literal

from sqlmodel import Session

from cm_server.billing import outbox, payouts, refunds, store
from cm_server.billing.accounts import PaymentId
from cm_server.billing.model import Case
from cm_server.billing.till import Till
from cm_wire import faults
from cm_wire.money import Money

Decision = Literal["refund", "dismiss"]


@dataclass(frozen=True, slots=True)
class Decided:
    number: int
    says: str


async def listed(till: Till, *, decided: bool = False) -> list[Case]:
    """The open ones, oldest first; with the `decided` ones, all."""
    return await till.database.read(store.all_cases if decided else store.open_cases)


async def find(till: Till, number: int) -> Case:
    case = await till.database.read(lambda s: s.get(Case, number))
    if case is None:
        raise faults.refusal("bad-value", f"There is no case {number}.", "cm-server case list")
    return case


async def decide(
    till: Till, number: int, decision: Decision, note: str, amount_minor: int | None = None
) -> Decided:
    """Close a case; `amount_minor` is how much goes back, all that is left when not said."""
    decided, keys = await till.database.write(
        lambda s: decide_in(s, till, number, decision, note, amount_minor)
    )
    for key in keys:
        await outbox.perform(till, key)
    return decided


def decide_in(
    session: Session,
    till: Till,
    number: int,
    decision: Decision,
    note: str,
    amount_minor: int | None,
) -> tuple[Decided, list[str]]:
    """The decision without its calls, whose keys it returns: whoever runs the server makes them."""
    case = session.get(Case, number, with_for_update=True)
    if case is None:
        raise faults.refusal("wrong-state", f"There is no case {number}.", "cm-server case list")
    if case.state != "open":
        raise faults.refusal(
            "wrong-state",
            f"Case {number} is decided already: {case.decision}",
            f"cm-server case show {number}",
        )
    keys: list[str] = []
    says = "dismissed"
    if decision == "refund":
        payment = store.payment(session, PaymentId(case.payment_id))
        left = payouts.captured_minor(session, payment) - payment.refunded_minor
        amount = Money(left if amount_minor is None else amount_minor, payment.currency)
        keys = refunds.refund(session, till, payment, amount, f"case {number}")
        says = f"{amount} goes back"
    case.state = "decided"
    case.decision = f"{says}. {note}".strip()
    case.decided_at_ms = till.now_ms()
    return Decided(number, says), keys
