"""Stripe's published test cards, as far as we meet them, and how each behaves.

Owns: the numbers, their tokens, their behaviour. A reader would guess that other numbers work:
every other number is refused, so that nobody types a real card into a demo.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final


@dataclass(frozen=True, slots=True)
class TestCard:
    """`decline_code` None: the bank says yes. `challenge`: it asks its customer first."""

    __test__ = False

    number: str
    token: str
    brand: str = "visa"
    saves: bool = True
    code: str | None = None
    decline_code: str | None = None
    challenge: bool = False
    disputed: bool = False

    @property
    def last4(self) -> str:
        return self.number[-4:]

    @property
    def fingerprint(self) -> str:
        return hashlib.sha256(self.number.encode()).hexdigest()[:16]


_CARDS: Final = (
    TestCard("4242424242424242", "pm_card_visa"),
    TestCard("5555555555554444", "pm_card_mastercard", brand="mastercard"),
    TestCard(
        "4000000000000002",
        "pm_card_chargeDeclined",
        saves=False,
        code="card_declined",
        decline_code="generic_decline",
    ),
    TestCard(
        "4000000000009995",
        "pm_card_chargeDeclinedInsufficientFunds",
        code="card_declined",
        decline_code="insufficient_funds",
    ),
    TestCard("4000000000000069", "pm_card_chargeDeclinedExpiredCard", code="expired_card"),
    TestCard(
        "4000000000000341",
        "pm_card_chargeCustomerFail",
        code="card_declined",
        decline_code="generic_decline",
    ),
    TestCard("4000002760003184", "pm_card_authenticationRequired", challenge=True),
    TestCard("4000000000000259", "pm_card_createDispute", disputed=True),
)
BY_NUMBER: Final = MappingProxyType({card.number: card for card in _CARDS})
BY_TOKEN: Final = MappingProxyType({card.token: card for card in _CARDS})
