"""Rounding, shares and allocation, against their definitions by brute force."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_server.billing import allocation
from cm_server.meter import rating
from cm_server.meter.rating import BasisPoints, Plan, Price
from cm_wire.money import CURRENCIES, Money

plans = st.builds(
    Plan,
    st.integers(0, 300),
    st.integers(1, 600),
    st.integers(1, 120),
)
currencies = st.sampled_from(sorted(CURRENCIES))
prices = st.builds(
    lambda minor, currency, plan: Price(Money(minor, currency), plan),
    st.integers(0, 50_000),
    currencies,
    plans,
)
counted = st.integers(0, 86_400_000)


@given(counted, counted, plans)
def test_billed_time_never_falls_and_never_exceeds_the_counted(a: int, b: int, plan: Plan) -> None:
    low, high = sorted((a, b))
    assert rating.billed_seconds(low, plan) <= rating.billed_seconds(high, plan)
    assert rating.billed_seconds(high, plan) * 1000 <= max(0, high - plan.free_seconds * 1000)


@given(counted, plans)
def test_the_next_step_is_the_first_moment_that_bills_more(counted_ms: int, plan: Plan) -> None:
    billed = rating.billed_seconds(counted_ms, plan)
    step_ms = rating.next_step_ms(billed, plan)
    assert rating.billed_seconds(step_ms, plan) > billed
    assert rating.billed_seconds(step_ms - 1, plan) == billed


@given(st.integers(0, 86_400), prices)
def test_gross_is_the_exact_price_rounded_down_to_a_step(seconds: int, price: Price) -> None:
    amount = rating.gross(seconds, price)
    step = rating.step_minor(amount.currency)
    exact = Fraction(price.quarter.minor * seconds, 900)
    assert amount.minor % step == 0
    assert amount.minor <= exact < amount.minor + step


@given(st.integers(0, 200_000), prices, st.integers(0, 14_400))
def test_what_is_affordable_costs_no_more_and_one_step_more_does(
    minor: int, price: Price, at_most: int
) -> None:
    amount = Money(minor, price.quarter.currency)
    seconds = rating.affordable_seconds(amount, price, at_most=at_most)
    assert seconds <= at_most
    assert rating.gross(seconds, price) <= amount
    plan = price.plan
    further = seconds + (plan.first_seconds if seconds == 0 else plan.increment_seconds)
    assert further > at_most or not rating.gross(further, price) <= amount


@given(st.integers(0, 1_000_000), currencies, st.integers(0, 10_000))
def test_shares_are_whole_exact_and_near(units: int, currency: str, commission: int) -> None:
    step = rating.step_minor(currency)
    net = Money(min(units * step, 99_999_900 // step * step), currency)
    mentor, platform = rating.split(net, BasisPoints(commission))
    assert mentor + platform == net
    assert mentor.minor >= 0
    assert platform.minor >= 0
    assert mentor.minor % step == 0
    exact = Fraction(net.minor * (10_000 - commission), 10_000)
    assert abs(mentor.minor - exact) * 2 <= step


@given(st.integers(0, 100_000), st.integers(0, 10_000))
def test_each_share_grows_with_the_total(minor: int, commission: int) -> None:
    less = rating.split(Money(minor, "USD"), BasisPoints(commission))
    more = rating.split(Money(minor + 1, "USD"), BasisPoints(commission))
    assert less[0] <= more[0]
    assert less[1] <= more[1]


@given(st.lists(st.integers(1, 500), max_size=30), st.integers(0, 10_000))
def test_partial_refunds_come_to_the_shares_of_one(parts: list[int], commission: int) -> None:
    rate = BasisPoints(commission)
    total = sum(parts) + 100
    left, given_back = total, 0
    for part in parts:
        before, after = (rating.split(Money(m, "USD"), rate)[0] for m in (left, left - part))
        given_back += before.minor - after.minor
        left -= part
    whole = rating.split(Money(total, "USD"), rate)[0] - rating.split(Money(left, "USD"), rate)[0]
    assert given_back == whole.minor


@given(
    st.lists(st.integers(0, 400), max_size=5),
    st.integers(0, 1500),
    st.sampled_from((1, 30, 50, 100)),
)
def test_captures_are_the_best_any_subset_could_do(
    holds: list[int], amount: int, minimum: int
) -> None:
    captures = allocation.allocate(amount, holds, minimum)
    assert len(captures) == len(holds)
    for capture, hold in zip(captures, holds, strict=True):
        assert capture == 0 or minimum <= capture <= hold
    possible = {0: 0}
    usable = [hold for hold in holds if hold >= minimum]
    for count in range(1, len(usable) + 1):
        for chosen in itertools.combinations(usable, count):
            best = min(amount, sum(chosen))
            if best >= count * minimum:
                possible[best] = min(possible.get(best, count), count)
    assert sum(captures) == max(possible)
    assert sum(map(bool, captures)) == possible[max(possible)]


def test_the_second_hold_is_taken_when_the_first_alone_is_too_small() -> None:
    assert allocation.allocate(51, (50, 51), 50) == (0, 51)
    assert allocation.allocate(60, (50, 50), 50) == (50, 0)
    assert allocation.allocate(100, (50, 50), 50) == (50, 50)
    assert allocation.allocate(49, (100,), 50) == (0,)


@pytest.mark.parametrize(
    ("currency", "price", "seconds", "minor"),
    [
        ("JPY", 77, 900, 77),
        ("JPY", 77, 60, 5),
        ("TWD", 10_050, 900, 10_000),
        ("ISK", 199_950, 900, 199_900),
        ("HUF", 350_099, 900, 350_000),
        ("KWD", 3_333, 900, 3_330),
        ("USD", 1000, 540, 600),
    ],
)
def test_odd_currencies_end_on_what_can_be_charged_and_paid_out(
    currency: str, price: int, seconds: int, minor: int
) -> None:
    assert rating.gross(seconds, Price(Money(price, currency))).minor == minor


def test_the_cap_is_held_with_no_less_than_a_card_takes() -> None:
    assert rating.cap_hold(300, Price(Money(100, "USD"))) == Money(50, "USD")
    assert rating.cap_hold(1800, Price(Money(1000, "USD"))) == Money(2000, "USD")
    assert rating.cap_hold(1800, Price(Money(0, "USD"))) == Money(0, "USD")


@pytest.mark.parametrize("minor", [0, 49, 50, 99_999_999])
def test_a_card_takes_fifty_cents_to_eight_digits(minor: int) -> None:
    assert rating.is_chargeable(Money(minor, "USD")) is (minor >= 50)


def test_impossible_plans_prices_and_shares_are_refused() -> None:
    with pytest.raises(ValueError, match="step below one second"):
        Plan(0, 0, 60)
    with pytest.raises(ValueError, match="would pay the learner"):
        Price(Money(-1, "USD"))
    with pytest.raises(ValueError, match="cannot be shared"):
        rating.split(Money(150, "TWD"))
