"""What the payment provider answered: every outcome of every command, as a value.

Owns: the provider's references and the outcomes of our calls. Does not own: the calls (`gateway`),
what the provider reports by itself (`gateway_reports`).
A reader would guess that a timeout is one of the outcomes: an unknown outcome is no value, it
raises `gateway.GatewayUnavailable`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NewType

from cm_wire.money import Money

CustomerRef = NewType("CustomerRef", str)
CardRef = NewType("CardRef", str)
HoldRef = NewType("HoldRef", str)
ChargeRef = NewType("ChargeRef", str)
RefundRef = NewType("RefundRef", str)
AccountRef = NewType("AccountRef", str)
TransferRef = NewType("TransferRef", str)
ReversalRef = NewType("ReversalRef", str)

# --- holds and charges ---------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Held:
    """The money is reserved on the card; after `capture_before` the reservation is gone."""

    ref: HoldRef
    amount: Money
    capture_before: datetime


@dataclass(frozen=True, slots=True)
class ActionRequired:
    """The bank asks its customer: open `url` in a browser. Nothing is held yet."""

    url: str
    ref: HoldRef


@dataclass(frozen=True, slots=True)
class Declined:
    """A definitive no. `message` may be shown to the card's owner; `ref` never holds money."""

    code: str
    message: str
    ref: HoldRef | None = None


@dataclass(frozen=True, slots=True)
class Captured:
    """Money taken. `fee` is in the settlement currency; None until the provider has booked it."""

    hold: HoldRef
    charge: ChargeRef
    amount: Money
    fee: Money | None = None


@dataclass(frozen=True, slots=True)
class CaptureLost:
    """The hold ended before it was captured: nothing was taken, and nothing can be from it."""

    hold: HoldRef
    reason: str


@dataclass(frozen=True, slots=True)
class Voided:
    """No money is or will be taken from this hold. `reason` is "expired" when time ended it."""

    hold: HoldRef
    reason: str


@dataclass(frozen=True, slots=True)
class AlreadyCaptured:
    """A void that came too late; the money can only be refunded now."""

    hold: HoldRef
    charge: ChargeRef
    amount: Money


HoldOutcome = Held | ActionRequired | Declined
CaptureOutcome = Captured | CaptureLost
VoidOutcome = Voided | AlreadyCaptured
ChargeOutcome = Captured | Declined
HoldState = Held | ActionRequired | Declined | Captured | Voided

# --- refunds, transfers, reversals ---------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Refunded:
    ref: RefundRef
    charge: ChargeRef
    amount: Money


@dataclass(frozen=True, slots=True)
class RefundPending:
    """Accepted, not yet paid out (most often: too little available balance). An event follows."""

    ref: RefundRef
    charge: ChargeRef
    amount: Money
    reason: str


@dataclass(frozen=True, slots=True)
class RefundFailed:
    """`ref` is None when the provider would not even accept the request."""

    ref: RefundRef | None
    charge: ChargeRef
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Transferred:
    """`reversed_minor` is what reversals have taken back of it so far."""

    ref: TransferRef
    amount: Money
    reversed_minor: int = 0


@dataclass(frozen=True, slots=True)
class Parked:
    """Not possible now (`code`: "balance_insufficient", "account_not_ready"), perhaps later."""

    code: str
    message: str


@dataclass(frozen=True, slots=True)
class Reversed:
    ref: ReversalRef
    transfer: TransferRef
    amount: Money


@dataclass(frozen=True, slots=True)
class ReversalShort:
    """The mentor's balance does not cover it: becomes a receivable. Nothing was moved."""

    transfer: TransferRef
    code: str
    message: str


RefundOutcome = Refunded | RefundPending | RefundFailed
TransferOutcome = Transferred | Parked
ReversalOutcome = Reversed | ReversalShort

# --- people --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HostedPage:
    """A page of the provider to open in a browser; it stops working at `expires_at`."""

    url: str
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class SavedCard:
    """What may be shown of a card. `fingerprint` is equal for one card under two customers."""

    ref: CardRef
    brand: str
    last4: str
    expires_year: int
    expires_month: int
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class MentorAccount:
    """`missing` names, in the provider's words, what the mentor must still enter."""

    ref: AccountRef
    can_receive: bool
    missing: tuple[str, ...]
