"""The states of payments and holds, as tables; whatever is not in them cannot happen.

A guess that would be wrong: an unexpected event is an error. Answers and webhooks come twice and out of order, so an event
a state has no row for is old news and changes nothing.
"""

from types import MappingProxyType
from typing import Final, Literal

PaymentState = Literal[
    "authorising",
    "challenged",
    "authorised",
    "declined",
    "cancelled",
    "settling",
    "settled",
    "waived",
    "owed",
    "released",
]
PaymentEvent = Literal[
    "held",
    "challenge",
    "declined",
    "cancelled",
    "ended",
    "waived",
    "all-captured",
    "charge-declined",
    "debt-paid",
    "written-off",
    "window-closed",
]
HoldState = Literal["requested", "challenged", "held", "declined", "captured", "lost", "void"]
HoldEvent = Literal["held", "challenge", "declined", "captured", "lost", "voided"]

PAYMENT: Final = MappingProxyType[tuple[PaymentState, PaymentEvent], PaymentState](
    {
        ("authorising", "held"): "authorised",
        ("authorising", "challenge"): "challenged",
        ("authorising", "declined"): "declined",
        ("authorising", "cancelled"): "cancelled",
        ("challenged", "held"): "authorised",
        ("challenged", "declined"): "declined",
        ("challenged", "cancelled"): "cancelled",
        ("authorised", "cancelled"): "cancelled",
        ("authorised", "ended"): "settling",
        ("authorised", "waived"): "waived",
        ("settling", "all-captured"): "settled",
        ("settling", "charge-declined"): "owed",
        ("owed", "debt-paid"): "settling",
        ("owed", "written-off"): "settled",
        ("settled", "window-closed"): "released",
    }
)

HOLD: Final = MappingProxyType[tuple[HoldState, HoldEvent], HoldState](
    {
        ("requested", "held"): "held",
        ("requested", "challenge"): "challenged",
        ("requested", "declined"): "declined",
        ("requested", "voided"): "void",
        ("requested", "captured"): "captured",
        ("challenged", "held"): "held",
        ("challenged", "declined"): "declined",
        ("challenged", "voided"): "void",
        ("held", "captured"): "captured",
        ("held", "lost"): "lost",
        ("held", "voided"): "void",
    }
)

PAYMENT_OVER: Final[frozenset[PaymentState]] = frozenset(
    {"declined", "cancelled", "waived", "settled", "released"}
)


def payment_after(state: PaymentState, event: PaymentEvent) -> PaymentState | None:
    """`None`: the event changes nothing any more."""
    return PAYMENT.get((state, event))


def hold_after(state: HoldState, event: HoldEvent) -> HoldState | None:
    """`None`: the event changes nothing any more."""
    return HOLD.get((state, event))
