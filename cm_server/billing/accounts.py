"""The chart of accounts: every place money can be, per currency, and the side it must never exceed.

Owns: codes and guards. Does not own: what is booked between them (`journals`).
"""

from dataclasses import dataclass
from typing import Literal, NewType

from cm_wire.ids import PersonId

PaymentId = NewType("PaymentId", str)
"""All money of one attempt of an ask, and of the session it became: `<ask>.<attempt>`."""

Guard = Literal["none", "credit", "debit"]


@dataclass(frozen=True, slots=True)
class Account:
    """`guard="credit"` refuses to owe less than nothing, `"debit"` to be owed less than nothing."""

    code: str
    currency: str
    guard: Guard = "none"


def gateway(currency: str) -> Account:
    """What the payment provider holds for us; may be below zero after a dispute."""
    return Account(f"{currency}:gateway", currency)


def bank(currency: str) -> Account:
    """What the provider paid out to our own bank."""
    return Account(f"{currency}:bank", currency)


def escrow(payment: PaymentId, currency: str) -> Account:
    """Captured for one session and nobody's yet."""
    return Account(f"{currency}:escrow:{payment}", currency, "credit")


def mentor_payable(mentor: PersonId, currency: str) -> Account:
    return Account(f"{currency}:mentor:{mentor}:payable", currency, "credit")


def mentor_receivable(mentor: PersonId, currency: str) -> Account:
    """What a mentor got and must give back; set off against what they earn next."""
    return Account(f"{currency}:mentor:{mentor}:receivable", currency, "debit")


def revenue(currency: str) -> Account:
    return Account(f"{currency}:revenue", currency)


def fees(currency: str) -> Account:
    """What the payment provider charges us."""
    return Account(f"{currency}:fees", currency)


def refunds_pending(currency: str) -> Account:
    """Promised to learners, not yet confirmed by the provider."""
    return Account(f"{currency}:refunds-pending", currency, "credit")


def disputes(currency: str) -> Account:
    """Taken back by banks while a dispute is open."""
    return Account(f"{currency}:disputes", currency, "debit")


def losses(currency: str) -> Account:
    return Account(f"{currency}:losses", currency)


def learner_debt(learner: PersonId, currency: str) -> Account:
    return Account(f"{currency}:learner:{learner}:debt", currency, "debit")


def uncollected(currency: str) -> Account:
    """The other side of debts: nobody's income until it is paid."""
    return Account(f"{currency}:uncollected", currency, "credit")


def held(currency: str) -> Account:
    """Memorandum: reserved on cards, not ours."""
    return Account(f"{currency}:memo:held", currency)


def limit(currency: str) -> Account:
    """Memorandum: what learners allowed to be spent."""
    return Account(f"{currency}:memo:limit", currency)
