"""Stripe's objects read as the gateway's values; nothing is asked and nothing is decided twice.

Owns: what each Stripe status means to billing. Does not own: the calls (`stripe_gateway`) or
which events are believed (`stripe_webhooks`).
A reader would guess that `canceled` is our doing: Stripe cancels by itself when a hold expires.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

import stripe
from stripe.v2.core import Account

from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing import gateway_reports as reports
from cm_server.billing.gateway import KEY_METADATA
from cm_server.billing.gateway_outcomes import (
    AccountRef,
    CardRef,
    ChargeRef,
    HoldRef,
    RefundRef,
    ReversalRef,
    TransferRef,
)
from cm_server.billing.gateway_reports import BalanceKind, DisputeStatus
from cm_wire.money import Money

_DISPUTE_STATUSES: Final[Mapping[str, DisputeStatus]] = MappingProxyType(
    {
        "warning_needs_response": DisputeStatus.WARNING,
        "warning_under_review": DisputeStatus.WARNING,
        "warning_closed": DisputeStatus.WARNING_CLOSED,
        "prevented": DisputeStatus.WARNING_CLOSED,
        "needs_response": DisputeStatus.NEEDS_RESPONSE,
        "appeal_needs_response": DisputeStatus.NEEDS_RESPONSE,
        "under_review": DisputeStatus.UNDER_REVIEW,
        "appeal_under_review": DisputeStatus.UNDER_REVIEW,
        "won": DisputeStatus.WON,
        "lost": DisputeStatus.LOST,
    }
)

_BALANCE_KINDS: Final[Mapping[str, BalanceKind]] = MappingProxyType(
    {
        "charge": BalanceKind.CHARGE,
        "payment": BalanceKind.CHARGE,
        "refund": BalanceKind.REFUND,
        "payment_refund": BalanceKind.REFUND,
        "refund_failure": BalanceKind.REFUND_FAILED,
        "payment_failure_refund": BalanceKind.REFUND_FAILED,
        "transfer": BalanceKind.TRANSFER,
        "transfer_refund": BalanceKind.REVERSAL,
        "payout": BalanceKind.PAYOUT,
        "payout_cancel": BalanceKind.PAYOUT,
        "payout_failure": BalanceKind.PAYOUT,
        "stripe_fee": BalanceKind.FEE,
        "stripe_fx_fee": BalanceKind.FEE,
        "tax_fee": BalanceKind.FEE,
    }
)


_WithMetadata = stripe.PaymentIntent | stripe.Refund | stripe.Transfer | stripe.TransferReversal


def moment(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def money(minor: int, currency: str) -> Money:
    return Money(minor, currency.upper())


def metadata_of(found: _WithMetadata) -> dict[str, str]:
    """As a dictionary, which the library's own object is not."""
    return dict(found.metadata.to_dict()) if found.metadata is not None else {}


def key_of(found: _WithMetadata) -> str | None:
    return metadata_of(found).get(KEY_METADATA)


def hold_state(intent: stripe.PaymentIntent) -> outcomes.HoldState | None:
    """None while it cannot be told: the bank is thinking, or the charge was not sent along."""
    ref = HoldRef(intent.id)
    match intent.status:
        case "requires_capture":
            return _held(intent)
        case "requires_action":
            return _action_required(intent)
        case "requires_payment_method":
            return _declined(intent)
        case "succeeded":
            return _captured(intent)
        case "canceled":
            ended = intent.cancellation_reason in ("automatic", "expired")
            reason = "expired" if ended else intent.cancellation_reason or "canceled"
            return outcomes.Voided(ref, reason)
        case _:
            return None


def _held(intent: stripe.PaymentIntent) -> outcomes.Held | None:
    charge = intent.latest_charge
    if not isinstance(charge, stripe.Charge):
        return None
    details = charge.payment_method_details
    capture_before = getattr(details.card, "capture_before", None) if details else None
    if capture_before is None:
        return None
    amount = money(intent.amount_capturable, intent.currency)
    return outcomes.Held(HoldRef(intent.id), amount, moment(capture_before))


def _action_required(intent: stripe.PaymentIntent) -> outcomes.ActionRequired | None:
    action = intent.next_action
    redirect = action.redirect_to_url if action else None
    if redirect is None or redirect.url is None:
        return None
    return outcomes.ActionRequired(redirect.url, HoldRef(intent.id))


def _declined(intent: stripe.PaymentIntent) -> outcomes.Declined:
    error = intent.last_payment_error
    if error is None:
        return outcomes.Declined(
            "not_confirmed", "The payment was not completed.", HoldRef(intent.id)
        )
    decline_code = getattr(error, "decline_code", None)
    code = decline_code if decline_code not in (None, "generic_decline") else error.code
    message = error.message or "The card was declined."
    return outcomes.Declined(code or "card_declined", message, HoldRef(intent.id))


def _captured(intent: stripe.PaymentIntent) -> outcomes.Captured | None:
    charge = intent.latest_charge
    if charge is None:
        return None
    fee: Money | None = None
    if isinstance(charge, stripe.Charge):
        booked = charge.balance_transaction
        if isinstance(booked, stripe.BalanceTransaction):
            fee = money(booked.fee, booked.currency)
    charge_id = charge.id if isinstance(charge, stripe.Charge) else charge
    amount = money(intent.amount_received, intent.currency)
    return outcomes.Captured(HoldRef(intent.id), ChargeRef(charge_id), amount, fee)


def refund_outcome(refund: stripe.Refund) -> outcomes.RefundOutcome:
    ref = RefundRef(refund.id)
    charge = ChargeRef(_id(refund.charge))
    amount = money(refund.amount, refund.currency)
    match refund.status:
        case "succeeded":
            return outcomes.Refunded(ref, charge, amount)
        case "failed" | "canceled":
            code = getattr(refund, "failure_reason", None) or refund.status
            return outcomes.RefundFailed(ref, charge, code, f"The refund {refund.status}: {code}.")
        case _:
            reason = getattr(refund, "pending_reason", None) or refund.status or "pending"
            return outcomes.RefundPending(ref, charge, amount, reason)


def transferred(transfer: stripe.Transfer) -> outcomes.Transferred:
    amount = money(transfer.amount, transfer.currency)
    return outcomes.Transferred(TransferRef(transfer.id), amount, transfer.amount_reversed)


def reversed_(reversal: stripe.TransferReversal) -> outcomes.Reversed:
    amount = money(reversal.amount, reversal.currency)
    transfer = TransferRef(_id(reversal.transfer))
    return outcomes.Reversed(ReversalRef(reversal.id), transfer, amount)


def saved_card(method: stripe.PaymentMethod) -> outcomes.SavedCard:
    card = method.card
    if card is None:
        raise ValueError(f"payment method {method.id} is no card")
    return outcomes.SavedCard(
        CardRef(method.id), card.brand, card.last4, card.exp_year, card.exp_month, card.fingerprint
    )


def mentor_account(account: Account) -> outcomes.MentorAccount:
    recipient = account.configuration.recipient if account.configuration else None
    capabilities = recipient.capabilities if recipient else None
    balance = capabilities.stripe_balance if capabilities else None
    transfers = balance.stripe_transfers if balance else None
    entries = (account.requirements.entries if account.requirements else None) or []
    missing = tuple(e.description for e in entries if e.awaiting_action_from == "user")
    can_receive = transfers is not None and transfers.status == "active"
    return outcomes.MentorAccount(AccountRef(account.id), can_receive, missing)


def dispute(found: stripe.Dispute) -> reports.Dispute:
    due_by = found.evidence_details.due_by
    hold = HoldRef(_id(found.payment_intent)) if found.payment_intent else None
    return reports.Dispute(
        reports.DisputeRef(found.id),
        ChargeRef(_id(found.charge)),
        hold,
        money(found.amount, found.currency),
        _DISPUTE_STATUSES[found.status],
        found.reason,
        moment(due_by) if due_by else None,
    )


def balance_entry(line: stripe.BalanceTransaction) -> reports.BalanceEntry:
    return reports.BalanceEntry(
        ref=reports.BalanceEntryRef(line.id),
        kind=_balance_kind(line),
        currency=line.currency.upper(),
        amount_minor=line.amount,
        fee_minor=line.fee,
        net_minor=line.net,
        source=_id(line.source) if line.source else None,
        created_at=moment(line.created),
        available_at=moment(line.available_on),
    )


def _balance_kind(line: stripe.BalanceTransaction) -> BalanceKind:
    if line.reporting_category in ("dispute", "dispute_reversal"):
        won_back = line.reporting_category == "dispute_reversal"
        return BalanceKind.DISPUTE_REVERSED if won_back else BalanceKind.DISPUTE
    return _BALANCE_KINDS.get(line.type, BalanceKind.OTHER)


def balances(balance: stripe.Balance) -> tuple[reports.Balance, ...]:
    available = {line.currency.upper(): line.amount for line in balance.available}
    pending = {line.currency.upper(): line.amount for line in balance.pending}
    return tuple(
        reports.Balance(currency, available.get(currency, 0), pending.get(currency, 0))
        for currency in sorted(available.keys() | pending.keys())
    )


def _id(reference: object) -> str:
    """An expandable field is an id or the whole object."""
    if isinstance(reference, str):
        return reference
    found = getattr(reference, "id", None)
    if not isinstance(found, str):
        raise TypeError(f"expected an id or an object with one, got {type(reference).__name__}")
    return found
