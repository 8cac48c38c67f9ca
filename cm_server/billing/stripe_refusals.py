"""Stripe's errors sorted into three: unknown outcome, wrong request, the card's own no.

Owns: `ask`, the one way a Stripe call is awaited, and which error codes are about state.
Does not own: what a command does with a refusal (`stripe_gateway`).
A reader would guess that a 409 means "done already": it means another call with this key is
still running, so its outcome is unknown.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable
from typing import Any, Final, TypeVar

import stripe

from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing.gateway import GatewayRefused, GatewayUnavailable
from cm_server.billing.gateway_outcomes import HoldRef

_STATE_CODES: Final = frozenset(
    {
        "payment_intent_unexpected_state",
        "charge_already_captured",
        "charge_expired_for_capture",
        "charge_already_refunded",
    }
)
_PARKED_CODES: Final = {
    "balance_insufficient": "balance_insufficient",
    "insufficient_capabilities_for_transfer": "account_not_ready",
    "transfers_not_allowed": "account_not_ready",
    "account_invalid": "account_not_ready",
}

T = TypeVar("T")


class InvalidRequest(GatewayRefused):
    """Refused for its parameters or for the state of what it names."""

    @property
    def is_about_state(self) -> bool:
        return self.code in _STATE_CODES


class CardDeclined(GatewayRefused):
    """The bank's no, with what remains of the attempt."""

    def __init__(self, outcome: outcomes.Declined) -> None:
        super().__init__(outcome.code, outcome.message)
        self.outcome = outcome


async def ask(call: Awaitable[T]) -> T:
    """Await one Stripe call; raises `GatewayUnavailable` or a `GatewayRefused` only."""
    try:
        return await call
    except stripe.StripeError as error:
        raise translate(error) from error


async def ask_all(call: Awaitable[stripe.ListObject[Any]]) -> AsyncIterator[Any]:
    """Every object of every page of a list, newest first."""
    first = await ask(call)
    pages = first.auto_paging_iter()
    while True:
        try:
            found = await anext(pages)
        except StopAsyncIteration:
            return
        except stripe.StripeError as error:
            raise translate(error) from error
        yield found


def translate(error: stripe.StripeError) -> GatewayUnavailable | GatewayRefused:
    message = error.user_message or "the payment provider gave no reason"
    match error:
        case stripe.CardError():
            return CardDeclined(_declined(error, message))
        case stripe.IdempotencyError():
            if error.http_status == 409:
                return GatewayUnavailable(message, status=409)
            return GatewayRefused("idempotency_key_reuse", message)
        case stripe.InvalidRequestError():
            return InvalidRequest(error.code or "invalid_request", message)
        case stripe.AuthenticationError() | stripe.PermissionError():
            return GatewayRefused("not_authorized", message)
        case _:
            return GatewayUnavailable(message, status=error.http_status)


def parked(refused: InvalidRequest) -> outcomes.Parked | None:
    code = _PARKED_CODES.get(refused.code)
    return outcomes.Parked(code, refused.message) if code else None


def _declined(error: stripe.CardError, message: str) -> outcomes.Declined:
    body = error.json_body if isinstance(error.json_body, dict) else {}
    details = body.get("error", {})
    decline_code = details.get("decline_code")
    code = decline_code if decline_code not in (None, "generic_decline") else error.code
    intent = details.get("payment_intent") or {}
    ref = HoldRef(intent["id"]) if "id" in intent else None
    return outcomes.Declined(code or "card_declined", message, ref)
