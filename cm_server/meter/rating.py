"""From seconds to money and from money to shares: the only module that rounds.

Owns: plans, gross amounts, how long a sum lasts, the split between mentor and platform. Does not own: which seconds
count (`minutes`) or where money is booked. A guess that would be wrong: a price per minute exists. Prices are per
quarter of an hour and stay fractions until one floor over the session's whole billed time.
"""

import math
from dataclasses import dataclass
from typing import Final, NewType

from cm_wire.money import CURRENCIES, MINOR_UNITS_MAX, Money

BasisPoints = NewType("BasisPoints", int)

QUARTER_SECONDS: Final = 900
WHOLE_BASIS_POINTS: Final = 10_000
COMMISSION: Final = BasisPoints(2_000)
"""20 % all-in; the learner pays nothing on top."""


@dataclass(frozen=True, slots=True)
class Plan:
    """How counted time becomes billed time: `free_seconds` cost nothing, then one `first_seconds`, then increments.

    A step is billed when it is complete, so each plan rounds for the learner. The default bills completed minutes.
    """

    free_seconds: int = 0
    first_seconds: int = 60
    increment_seconds: int = 60

    def __post_init__(self) -> None:
        if self.free_seconds < 0 or self.first_seconds < 1 or self.increment_seconds < 1:
            raise ValueError(f"{self} has a negative free part or a step below one second")


COMPLETED_MINUTES: Final = Plan()


@dataclass(frozen=True, slots=True)
class Price:
    """What a mentor asks: `quarter` is for 15 minutes."""

    quarter: Money
    plan: Plan = COMPLETED_MINUTES

    def __post_init__(self) -> None:
        if self.quarter.minor < 0:
            raise ValueError(f"a price of {self.quarter} would pay the learner")


def billed_seconds(counted_ms: int, plan: Plan) -> int:
    """The completed steps within the counted time, without the free part."""
    past_free = counted_ms // 1000 - plan.free_seconds
    if past_free < plan.first_seconds:
        return 0
    increments = (past_free - plan.first_seconds) // plan.increment_seconds
    return plan.first_seconds + increments * plan.increment_seconds


def next_step_ms(billed: int, plan: Plan) -> int:
    """The counted time at which more than `billed` seconds become billed."""
    step = plan.first_seconds if billed == 0 else plan.increment_seconds
    return (plan.free_seconds + billed + step) * 1000


def gross(billed: int, price: Price) -> Money:
    """The price of the billed seconds, rounded down once to what the currency can charge and pay out."""
    quarter = price.quarter
    step = step_minor(quarter.currency)
    exact_floor = quarter.minor * billed // QUARTER_SECONDS
    return Money(exact_floor // step * step, quarter.currency)


def affordable_seconds(amount: Money, price: Price, *, at_most: int) -> int:
    """The longest billed time up to `at_most` that costs no more than `amount`; whole steps of the plan."""
    seconds = at_most
    if price.quarter.minor > 0:
        step = step_minor(amount.currency)
        first_beyond = (amount.minor // step + 1) * step
        # gross(s) <= amount  <=>  floor(p*s/900) < first_beyond  <=>  p*s < 900*first_beyond
        seconds = min(at_most, (QUARTER_SECONDS * first_beyond - 1) // price.quarter.minor)
    return billed_seconds((seconds + price.plan.free_seconds) * 1000, price.plan)


def cap_hold(cap_seconds: int, price: Price) -> Money:
    """What to reserve for `cap_seconds` of counted time: never less than the card network takes."""
    needed = gross(billed_seconds(cap_seconds * 1000, price.plan), price)
    if needed.minor == 0:
        return needed
    return max(needed, minimum_charge(needed.currency))


def split(net: Money, commission: BasisPoints = COMMISSION) -> tuple[Money, Money]:
    """(mentor, platform) of a session's whole net so far; the mentor's part is rounded half up.

    Call it on cumulative amounts only: a refund gives back the difference of two splits, so any number of partial
    refunds comes to the same shares as one.
    """
    step = step_minor(net.currency)
    if net.minor < 0 or net.minor % step:
        raise ValueError(f"{net} cannot be shared in steps of {step} minor units")
    kept = WHOLE_BASIS_POINTS - commission
    units = (net.minor // step * kept + WHOLE_BASIS_POINTS // 2) // WHOLE_BASIS_POINTS
    mentor = Money(units * step, net.currency)
    return mentor, net - mentor


def step_minor(currency: str) -> int:
    """The smallest amount that can be both charged and paid out."""
    known = CURRENCIES[currency]
    return math.lcm(known.charge_step, known.payout_step)


def minimum_charge(currency: str) -> Money:
    return Money(CURRENCIES[currency].minimum_charge_minor, currency)


def is_chargeable(amount: Money) -> bool:
    """Whether the card network takes this amount at all; below it a session is waived."""
    return minimum_charge(amount.currency) <= amount and amount.minor <= MINOR_UNITS_MAX
