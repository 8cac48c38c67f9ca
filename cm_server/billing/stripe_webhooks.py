"""Which webhook bodies are believed, and what they say.

Owns: signature, freshness, shape, and the reading of an event into a `GatewayEvent`.
Does not own: the HTTP route, the inbox that remembers ids, what an event causes.
A reader would guess that the library's `construct_event` does all this: it accepts any future
time stamp, and on odd input raises errors that are no signature errors.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import stripe

from cm_server.billing import gateway_reports as reports
from cm_server.billing import stripe_answers as answers
from cm_server.billing.gateway import WebhookRefused
from cm_server.billing.gateway_outcomes import AccountRef, CustomerRef, HoldRef

TOLERANCE_SECONDS: Final = 300
SIGNATURE_MAX_CHARS: Final = 4096
_SHAPE_FAULTS: Final = (AttributeError, KeyError, TypeError, ValueError, OverflowError, OSError)
"""What reading a signed body of the wrong shape can raise."""


def verify(
    body: bytes, signature: str | None, secrets: Sequence[str], *, now: datetime, livemode: bool
) -> reports.GatewayEvent:
    """`secrets` are all believed: the current one and, while it is rotated, the one before."""
    text = _check_signature(body, signature, secrets)
    _check_freshness(signature or "", now)
    event = _parse(text)
    if event["livemode"] is not livemode:
        raise WebhookRefused("livemode", f"this server runs with livemode={livemode}")
    return read(event)


def read(event: dict[str, Any]) -> reports.GatewayEvent:
    try:
        return reports.GatewayEvent(
            id=reports.EventId(event["id"]),
            type=event["type"],
            created_at=_created_at(event["created"]),
            account=AccountRef(event["account"]) if event.get("account") else None,
            body_sha256=_digest(event),
            subject=_subject(event),
        )
    except _SHAPE_FAULTS as fault:
        message = f"event {event['id']} of type {event['type']} lacks what its type needs: {fault}"
        raise WebhookRefused("bad-event", message) from fault


def _check_signature(body: bytes, signature: str | None, secrets: Sequence[str]) -> str:
    if not signature:
        raise WebhookRefused("no-signature", "the Stripe-Signature header is missing or empty")
    if len(signature) > SIGNATURE_MAX_CHARS or not signature.isascii():
        raise WebhookRefused("bad-signature", "the Stripe-Signature header is malformed")
    if not secrets:
        raise WebhookRefused("no-secret", "no webhook secret is configured: nothing is believed")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as fault:
        raise WebhookRefused("bad-body", "the body is not UTF-8") from fault
    if not any(_is_signed(text, signature, secret) for secret in secrets):
        raise WebhookRefused("bad-signature", "the signature does not match the body")
    return text


def _is_signed(text: str, signature: str, secret: str) -> bool:
    try:
        # Freshness is checked apart, on the caller's clock and in both directions.
        stripe.WebhookSignature.verify_header(text, signature, secret, tolerance=None)
    except stripe.SignatureVerificationError:
        return False
    return True


def _check_freshness(signature: str, now: datetime) -> None:
    stamp = next(item[2:] for item in signature.split(",") if item.startswith("t="))
    age_seconds = now.timestamp() - int(stamp)
    if age_seconds > TOLERANCE_SECONDS:
        message = f"signed {age_seconds:.0f} s ago; the limit is {TOLERANCE_SECONDS} s"
        raise WebhookRefused("too-old", message)
    if age_seconds < -TOLERANCE_SECONDS:
        message = f"signed {-age_seconds:.0f} s in the future; the limit is {TOLERANCE_SECONDS} s"
        raise WebhookRefused("from-the-future", message)


def _parse(text: str) -> dict[str, Any]:
    try:
        event = json.loads(text)
    except (ValueError, RecursionError) as fault:
        raise WebhookRefused("bad-json", "the signed body is not JSON") from fault
    texts = ("id", "type")
    if not isinstance(event, dict) or not all(isinstance(event.get(name), str) for name in texts):
        raise WebhookRefused("bad-event", "the body is no event: it has no id or no type")
    if not isinstance(event.get("livemode"), bool) or "created" not in event:
        raise WebhookRefused("bad-event", "the event lacks livemode or created")
    return event


def _digest(event: dict[str, Any]) -> str:
    """Equal for one event however it came: its deliveries differ in their delivery count."""
    lasting = {name: value for name, value in event.items() if name != "pending_webhooks"}
    return hashlib.sha256(json.dumps(lasting, sort_keys=True).encode()).hexdigest()


def _created_at(created: int | str) -> datetime:
    """Seconds in version 1 of the API, ISO 8601 in version 2."""
    if isinstance(created, str):
        return datetime.fromisoformat(created)
    return answers.moment(created)


def _subject(event: dict[str, Any]) -> reports.EventSubject:
    type_: str = event["type"]
    if event.get("object") == "v2.core.event":
        if type_.startswith("v2.core.account"):
            return reports.AccountChanged(AccountRef(event["related_object"]["id"]))
        return reports.UnknownSubject()
    found = stripe.StripeObject.construct_from(event["data"], None)["object"]
    return _v1_subject(type_, found)


def _v1_subject(type_: str, found: stripe.StripeObject) -> reports.EventSubject:
    match found:
        case stripe.PaymentIntent():
            state = answers.hold_state(found)
            metadata = answers.metadata_of(found)
            return reports.HoldChanged(HoldRef(found.id), answers.key_of(found), state, metadata)
        case stripe.checkout.Session() if type_ == "checkout.session.completed":
            return reports.CardSaved(CustomerRef(str(found.customer)))
        case stripe.Refund():
            key = answers.key_of(found)
            return reports.RefundChanged(key, answers.refund_outcome(found))
        case stripe.Transfer():
            key = answers.key_of(found)
            return reports.TransferChanged(key, found.transfer_group, answers.transferred(found))
        case stripe.Dispute():
            return reports.DisputeChanged(answers.dispute(found))
        case stripe.Account():
            return reports.AccountChanged(AccountRef(found.id))
        case stripe.Payout() if type_ == "payout.failed":
            message = found.failure_message or found.failure_code or "the bank refused it"
            return reports.PayoutFailed(found.currency.upper(), found.amount, message)
        case _:
            return reports.UnknownSubject()
