"""What the stand-in remembers, one frozen record per Stripe object.

Owns: the fields. Does not own: how Stripe writes them (the `as_json` of each story) or the rules.
A reader would guess that records are changed in place: a changed record is put anew, which is how
the store learns what to save. Times are Unix seconds, amounts minor units, currencies lower case.
"""

from __future__ import annotations

from typing import Any

import msgspec


class Record(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    created: int


class Customer(Record, frozen=True, kw_only=True):
    email: str | None
    metadata: dict[str, str]


class PaymentMethod(Record, frozen=True, kw_only=True):
    """`number` is always one of the published test numbers (`cards`)."""

    number: str
    customer: str | None = None


class CheckoutSession(Record, frozen=True, kw_only=True):
    customer: str
    success_url: str
    cancel_url: str | None
    metadata: dict[str, str]
    expires_at: int
    status: str = "open"


class PaymentIntent(Record, frozen=True, kw_only=True):
    amount: int
    currency: str
    customer: str | None
    payment_method: str | None
    capture_method: str
    off_session: bool
    return_url: str | None
    transfer_group: str | None
    metadata: dict[str, str]
    status: str
    charge: str | None = None
    amount_received: int = 0
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    error: dict[str, str] | None = None


class Charge(Record, frozen=True, kw_only=True):
    intent: str
    amount: int
    currency: str
    customer: str | None
    payment_method: str
    capture_before: int
    captured: bool = False
    canceled: bool = False
    amount_captured: int = 0
    amount_refunded: int = 0
    amount_transferred: int = 0
    balance_line: str | None = None
    dispute: str | None = None


class Refund(Record, frozen=True, kw_only=True):
    charge: str
    intent: str
    amount: int
    currency: str
    metadata: dict[str, str]
    reason: str | None
    status: str
    pending_reason: str | None = None
    failure_reason: str | None = None
    balance_line: str | None = None


class Account(Record, frozen=True, kw_only=True):
    email: str | None
    display_name: str | None
    country: str
    dashboard: str
    metadata: dict[str, str]
    transfers_status: str = "restricted"
    missing: tuple[str, ...] = ("The person's name, date of birth and bank account",)


class AccountLink(Record, frozen=True, kw_only=True):
    account: str
    refresh_url: str
    return_url: str | None
    expires_at: int
    used: bool = False


class Transfer(Record, frozen=True, kw_only=True):
    amount: int
    currency: str
    destination: str
    source: str | None
    group: str | None
    metadata: dict[str, str]
    balance_line: str
    amount_reversed: int = 0


class Reversal(Record, frozen=True, kw_only=True):
    transfer: str
    amount: int
    currency: str
    metadata: dict[str, str]
    balance_line: str


class Dispute(Record, frozen=True, kw_only=True):
    charge: str
    intent: str
    amount: int
    currency: str
    reason: str
    status: str
    due_by: int
    metadata: dict[str, str]
    evidence: dict[str, str]
    balance_lines: tuple[str, ...]


class BalanceLine(Record, frozen=True, kw_only=True):
    """Of the platform (`owner` is "") or of a mentor's account. Net = amount - fee."""

    owner: str
    type: str
    category: str
    amount: int
    fee: int
    currency: str
    source: str | None
    available_on: int


class Event(Record, frozen=True, kw_only=True):
    """`body` is the whole event as delivered, frozen when it happened."""

    type: str
    body: dict[str, Any]


class Delivery(Record, frozen=True, kw_only=True):
    """One event on its way; `due` moves on with each failed attempt until `done`."""

    event: str
    due: int
    attempts: int = 0
    done: bool = False


class Answer(Record, frozen=True, kw_only=True):
    """What an idempotency key (`id`) was answered; `body` is JSON text."""

    fingerprint: str
    status: int
    body: str
