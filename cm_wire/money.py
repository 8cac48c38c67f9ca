"""Money: a whole number of the currency's smallest unit.

Owns: the value, the currencies we can charge, and how an amount is written for people. Does not own rounding:
only `cm_server.meter.rating` turns time into money. There is no float anywhere near.
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

import msgspec

from cm_wire import limits

QUARTER_MINUTES: Final = 15
MINOR_UNITS_MAX: Final = 99_999_999
"""Stripe takes amounts of at most eight digits."""


@dataclass(frozen=True, slots=True)
class Currency:
    """How one currency is written and charged.

    `charge_step` and `payout_step` are in minor units: amounts must be whole multiples of them (ISK, UGX, HUF, TWD and the
    three-decimal currencies). `minimum_charge_minor` is the card network's; below it a session is waived.
    """

    code: str
    exponent: int
    symbol: str
    minimum_charge_minor: int
    charge_step: int = 1
    payout_step: int = 1


CURRENCIES: Final = MappingProxyType(
    {
        currency.code: currency
        for currency in (
            Currency("USD", 2, "$", 50),
            Currency("EUR", 2, "€", 50),
            Currency("GBP", 2, "£", 30),
            Currency("CAD", 2, "CA$", 50),
            Currency("AUD", 2, "A$", 50),
            Currency("CHF", 2, "CHF ", 50),
            Currency("SEK", 2, "SEK ", 300),
            Currency("JPY", 0, "¥", 50),
            Currency("KRW", 0, "₩", 500),
            Currency("ISK", 2, "ISK ", 10_000, charge_step=100, payout_step=100),
            Currency("UGX", 2, "UGX ", 200_000, charge_step=100, payout_step=100),
            Currency("HUF", 2, "HUF ", 17_500, payout_step=100),
            Currency("TWD", 2, "NT$", 1_500, payout_step=100),
            Currency("KWD", 3, "KWD ", 150, charge_step=10, payout_step=10),
        )
    }
)


class Money(msgspec.Struct, frozen=True, order=False):
    """`Money(1000, "USD")` is ten dollars. Two amounts add up only in one currency."""

    minor: int
    currency: str

    def __post_init__(self) -> None:
        if self.currency not in CURRENCIES:
            raise ValueError(f"currency {self.currency!r} is not one of {', '.join(CURRENCIES)}")
        if abs(self.minor) > MINOR_UNITS_MAX:
            raise ValueError(f"amount {self.minor} is beyond {MINOR_UNITS_MAX} minor units")

    def __add__(self, other: "Money") -> "Money":
        return Money(self.minor + self._same_currency(other).minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.minor - self._same_currency(other).minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        return self.minor < self._same_currency(other).minor

    def __le__(self, other: "Money") -> bool:
        return self.minor <= self._same_currency(other).minor

    def __str__(self) -> str:
        return written(self.minor, self.currency)

    def _same_currency(self, other: "Money") -> "Money":
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add up")
        return other


def written(minor: int, code: str) -> str:
    """As people write it; of any size, as sums of many amounts may be."""
    currency = CURRENCIES[code]
    sign = "-" if minor < 0 else ""
    whole, fraction = divmod(abs(minor), 10**currency.exponent)
    decimals = f".{fraction:0{currency.exponent}}" if currency.exponent else ""
    return f"{sign}{currency.symbol}{whole}{decimals}"


def zero(currency: str) -> Money:
    return Money(0, currency)


def quarter_prices(currency: str) -> tuple[Money, Money]:
    """The least and the most that may be asked for 15 minutes; free is a price besides.

    The most is such that the longest session's price still has eight digits.
    """
    known = CURRENCIES[currency]
    most_payable = MINOR_UNITS_MAX * QUARTER_MINUTES // limits.CAP_MINUTES_MAX
    dearest = min(known.minimum_charge_minor * limits.PRICE_IN_MINIMUM_CHARGES_MAX, most_payable)
    cheapest = known.minimum_charge_minor * limits.PRICE_IN_MINIMUM_CHARGES_MIN
    return Money(cheapest, currency), Money(dearest - dearest % known.charge_step, currency)


def parse(text: str, currency: str = "USD") -> Money:
    """Read an amount as a person types it (`10`, `10.00`); refuses commas, signs, exponents and excess decimals."""
    exponent = CURRENCIES[currency].exponent
    whole, point, fraction = text.partition(".")
    well_formed = whole.isascii() and whole.isdigit() and (not point or fraction.isdigit())
    if not well_formed or len(fraction) > exponent:
        example = "10" if exponent == 0 else f"10.{'0' * exponent}"
        raise ValueError(f"{text!r} is not an amount of {currency}; write it like {example}")
    return Money(int(whole) * 10**exponent + int(fraction.ljust(exponent, "0") or "0"), currency)
