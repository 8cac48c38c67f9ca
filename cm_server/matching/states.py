"""Which state an offer may go to, and by what. Every end is final: a mentor rung again gets a new offer."""

from types import MappingProxyType
from typing import Final, Literal

OfferState = Literal["open", "accepted", "declined", "lapsed", "withdrawn"]
OfferEvent = Literal["accept", "decline", "lapse", "withdraw"]

TRANSITIONS: Final = MappingProxyType[tuple[OfferState, OfferEvent], OfferState](
    {
        ("open", "accept"): "accepted",
        ("open", "decline"): "declined",
        ("open", "lapse"): "lapsed",
        ("open", "withdraw"): "withdrawn",
    }
)


def after(state: OfferState, event: OfferEvent) -> OfferState | None:
    """The following state, or `None` when the offer has ended already."""
    return TRANSITIONS.get((state, event))
