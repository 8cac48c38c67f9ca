"""What the payment provider tells us unasked: disputes, statement lines, events.

Owns: the values of those reports. Does not own: the outcomes of our own calls (`gateway`), nor
what billing does about a report.
A reader would guess that an event carries the truth: it carries what was true when it was sent.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import NewType

from cm_server.billing.gateway_outcomes import (
    AccountRef,
    ChargeRef,
    CustomerRef,
    HoldRef,
    HoldState,
    RefundOutcome,
    Transferred,
)
from cm_wire.money import Money

DisputeRef = NewType("DisputeRef", str)
BalanceEntryRef = NewType("BalanceEntryRef", str)
EventId = NewType("EventId", str)

# --- disputes, balance ---------------------------------------------------------------------------


class DisputeStatus(StrEnum):
    """Warnings are inquiries: no money has moved yet."""

    WARNING = "warning"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    WON = "won"
    LOST = "lost"
    WARNING_CLOSED = "warning_closed"


@dataclass(frozen=True, slots=True)
class Dispute:
    ref: DisputeRef
    charge: ChargeRef
    hold: HoldRef | None
    amount: Money
    status: DisputeStatus
    reason: str
    evidence_due_at: datetime | None


class BalanceKind(StrEnum):
    """The lines of the provider's account statement that our ledger must explain."""

    CHARGE = "charge"
    REFUND = "refund"
    REFUND_FAILED = "refund_failed"
    TRANSFER = "transfer"
    REVERSAL = "reversal"
    DISPUTE = "dispute"
    DISPUTE_REVERSED = "dispute_reversed"
    PAYOUT = "payout"
    FEE = "fee"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class BalanceEntry:
    """One line of the statement, from the platform's view: positive is money in.

    `source` is the ref of the charge, refund, transfer, reversal, dispute or payout behind it.
    Net = amount - fee, in the settlement currency, which need not be one we charge in; neither
    are these sums bounded like one charge. Hence plain integers in minor units, not `Money`.
    """

    ref: BalanceEntryRef
    kind: BalanceKind
    currency: str
    amount_minor: int
    fee_minor: int
    net_minor: int
    source: str | None
    created_at: datetime
    available_at: datetime


@dataclass(frozen=True, slots=True)
class Balance:
    """Of one currency; `pending` becomes `available` by itself after some days."""

    currency: str
    available_minor: int
    pending_minor: int


# --- events --------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class HoldChanged:
    """`state` is as of the event, not as of now: `look_up_hold` where the order matters."""

    ref: HoldRef
    key: str | None
    state: HoldState | None
    metadata: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CardSaved:
    customer: CustomerRef


@dataclass(frozen=True, slots=True)
class RefundChanged:
    key: str | None
    outcome: RefundOutcome


@dataclass(frozen=True, slots=True)
class TransferChanged:
    key: str | None
    group: str | None
    transfer: Transferred


@dataclass(frozen=True, slots=True)
class DisputeChanged:
    dispute: Dispute


@dataclass(frozen=True, slots=True)
class AccountChanged:
    """Something about a mentor's account; ask `look_up_account` what."""

    account: AccountRef


@dataclass(frozen=True, slots=True)
class PayoutFailed:
    """Of the account the event names, or of our own when it names none."""

    currency: str
    amount_minor: int
    message: str


@dataclass(frozen=True, slots=True)
class UnknownSubject:
    """An event we did not ask for: acknowledged, counted, nothing done."""


EventSubject = (
    HoldChanged
    | CardSaved
    | RefundChanged
    | TransferChanged
    | DisputeChanged
    | AccountChanged
    | PayoutFailed
    | UnknownSubject
)


@dataclass(frozen=True, slots=True)
class GatewayEvent:
    """A verified fact. Equal ids with different `body_sha256` are an alarm, never an effect.

    The digest leaves out what differs between deliveries of one event.
    """

    id: EventId
    type: str
    created_at: datetime
    account: AccountRef | None
    body_sha256: str
    subject: EventSubject
