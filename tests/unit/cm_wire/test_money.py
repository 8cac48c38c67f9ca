import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_wire import limits, money
from cm_wire.money import CURRENCIES, Money


@pytest.mark.parametrize(
    ("amount", "written"),
    [
        (Money(1000, "USD"), "$10.00"),
        (Money(5, "USD"), "$0.05"),
        (Money(-1234, "EUR"), "-€12.34"),
        (Money(77, "JPY"), "¥77"),
        (Money(1500, "KWD"), "KWD 1.500"),
        (Money(500_000, "UGX"), "UGX 5000.00"),
        (Money(0, "USD"), "$0.00"),
    ],
)
def test_an_amount_is_written_as_people_write_it(amount: Money, written: str) -> None:
    assert str(amount) == written


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "10,00", "1e3", "10.005", "ten", "10.", ".5", "١٠", "1 000"]
)
def test_an_amount_not_written_plainly_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(ValueError, match=r"write it like 10\.00"):
        money.parse(text)


def test_a_currency_without_decimals_takes_none() -> None:
    assert money.parse("77", "JPY") == Money(77, "JPY")
    with pytest.raises(ValueError, match="write it like 10"):
        money.parse("77.0", "JPY")


@given(st.integers(0, money.MINOR_UNITS_MAX), st.sampled_from(sorted(CURRENCIES)))
def test_what_is_written_reads_back(minor: int, code: str) -> None:
    amount = Money(minor, code)
    assert money.parse(str(amount).removeprefix(CURRENCIES[code].symbol), code) == amount


def test_two_currencies_neither_add_nor_compare() -> None:
    with pytest.raises(ValueError, match="do not add up"):
        _ = Money(1, "USD") + Money(1, "EUR")
    with pytest.raises(ValueError, match="do not add up"):
        _ = Money(1, "USD") < Money(1, "EUR")


def test_an_unknown_currency_and_nine_digits_are_refused() -> None:
    with pytest.raises(ValueError, match="is not one of"):
        Money(1, "usd")
    with pytest.raises(ValueError, match="beyond"):
        Money(100_000_000, "USD")


@pytest.mark.parametrize("code", sorted(CURRENCIES))
def test_a_price_is_worth_about_the_same_in_every_currency_and_four_hours_of_it_are_payable(
    code: str,
) -> None:
    low, high = money.quarter_prices(code)
    least = CURRENCIES[code].minimum_charge_minor
    assert low.minor == 2 * least
    longest_minor = high.minor * limits.CAP_MINUTES_MAX // 15
    assert longest_minor <= money.MINOR_UNITS_MAX
    assert high.minor == 1_000 * least or longest_minor > money.MINOR_UNITS_MAX * 99 // 100
    assert high.minor % CURRENCIES[code].charge_step == 0


def test_in_dollars_and_yen_fifteen_minutes_cost_up_to_fifty_thousand_minor_units() -> None:
    assert money.quarter_prices("USD") == (Money(100, "USD"), Money(50_000, "USD"))
    assert money.quarter_prices("JPY") == (Money(100, "JPY"), Money(50_000, "JPY"))
    assert money.quarter_prices("HUF") == (Money(35_000, "HUF"), Money(6_249_999, "HUF"))
