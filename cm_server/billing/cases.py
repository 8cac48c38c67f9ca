"""What an operator must decide, and what follows from the decision."""

from dataclasses import dataclass
from typing import Literal, assert_never

from sqlmodel import Session

from cm_server.billing import failed_refunds, outbox, payouts, refunds, store
from cm_server.billing.accounts import PaymentId
from cm_server.billing.model import Case
from cm_server.billing.till import Till
from cm_wire import faults
from cm_wire.money import Money

Decision = Literal["refund", "paid", "dismiss"]
"""`paid`: a refund that the bank sent back has been paid another way."""


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
    """Close a case; `amount_minor` is how much goes back, when not said all that is left or that failed."""
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
    if case.kind == failed_refunds.CASE_KIND:
        says, keys = _of_failed_refund(session, till, case, decision, amount_minor)
    else:
        says, keys = _of_any(session, till, case, decision, amount_minor)
    case.state = "decided"
    case.decision = f"{says}. {note}".strip()
    case.decided_at_ms = till.now_ms()
    return Decided(number, says), keys


def _of_any(
    session: Session, till: Till, case: Case, decision: Decision, amount_minor: int | None
) -> tuple[str, list[str]]:
    match decision:
        case "dismiss":
            return "dismissed", []
        case "refund":
            payment = store.payment(session, PaymentId(case.payment_id))
            left = payouts.captured_minor(session, payment) - payment.refunded_minor
            amount = Money(left if amount_minor is None else amount_minor, payment.currency)
            keys = refunds.refund(session, till, payment, amount, f"case {case.number}")
            return f"{amount} goes back", keys
        case "paid":
            raise faults.refusal(
                "wrong-state",
                f"Case {case.number} is not about a refund that failed.",
                "Decide it by refund or dismiss.",
            )
        case _:  # pragma: no cover - closed union
            assert_never(decision)


def _of_failed_refund(
    session: Session, till: Till, case: Case, decision: Decision, amount_minor: int | None
) -> tuple[str, list[str]]:
    payment = store.payment(session, PaymentId(case.payment_id))
    failed = failed_refunds.of_case(session, case.key)
    match decision:
        case "dismiss":
            failed_refunds.withdraw(session, till, payment, failed)
            return "dismissed", []
        case "refund":
            minor = failed.amount_minor if amount_minor is None else amount_minor
            amount = Money(minor, payment.currency)
            reason = f"case {case.number}"
            keys = failed_refunds.send_again(session, till, payment, failed, amount, reason)
            return f"{amount} goes back", keys
        case "paid":
            paid = failed_refunds.pay_otherwise(session, till, payment, failed)
            return f"{paid} was paid another way", []
        case _:  # pragma: no cover - closed union
            assert_never(decision)
