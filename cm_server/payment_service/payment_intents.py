"""Payment intents: holding, capturing and letting go of money on a card.

Owns: the intent's state machine, authorization expiry, minimum amounts. Does not own: refunds,
disputes, or the challenge page's HTML (`pages`).
A reader would guess that a declined intent is gone: it stays, waiting for another card, and can
be canceled. It never holds money.
"""

from __future__ import annotations

from msgspec.structs import replace

from cm_server.payment_service import balance, cards, charges, disputes
from cm_server.payment_service.parameters import Parameters
from cm_server.payment_service.problems import (
    Problem,
    card_declined,
    invalid_parameter,
)
from cm_server.payment_service.records import Charge, PaymentIntent
from cm_server.payment_service.world import Json, World, listed
from cm_wire.money import CURRENCIES

ON_SESSION_HOLD_SECONDS = 7 * 86_400
OFF_SESSION_HOLD_SECONDS = 4 * 86_400 + 18 * 3_600
_CANCELABLE = ("requires_payment_method", "requires_action", "requires_capture")
_CANCEL_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")


def create(world: World, parameters: Parameters) -> Json:
    amount = parameters.amount("amount")
    currency = parameters.text("currency")
    methods = parameters.texts("allowed_payment_method_types")
    confirmed = parameters.flag("confirm")
    intents = world.state.intents
    intent = PaymentIntent(
        id=world.new_id("pi", intents),
        created=world.now(),
        amount=amount,
        currency=currency,
        customer=parameters.optional_text("customer"),
        payment_method=parameters.optional_text("payment_method"),
        capture_method=parameters.one_of(
            "capture_method", "automatic", "manual", default="automatic"
        ),
        off_session=parameters.flag("off_session"),
        return_url=parameters.optional_text("return_url"),
        transfer_group=parameters.optional_text("transfer_group"),
        metadata=parameters.metadata(),
        status="requires_confirmation",
    )
    parameters.refuse_leftovers()
    if methods not in ([], ["card"]):
        raise invalid_parameter("allowed_payment_method_types", "Only cards are accepted here.")
    _check_amount(amount, currency)
    _check_card(world, intent)
    intents.put(intent)
    world.emit("payment_intent.created", as_json(world, intent))
    return as_json(world, _confirm(world, intent) if confirmed else intent)


def retrieve(world: World, parameters: Parameters, id_: str) -> Json:
    parameters.refuse_leftovers()
    return as_json(world, world.state.intents.get(id_))


def list_intents(world: World, parameters: Parameters) -> Json:
    customer = parameters.optional_text("customer")
    limit = parameters.optional_integer("limit") or 10
    after = parameters.optional_text("starting_after")
    parameters.refuse_leftovers()
    intents = [i for i in world.state.intents.newest_first() if customer in (None, i.customer)]
    url = "/v1/payment_intents"
    return listed(intents, url, limit=limit, after=after, as_json=lambda i: as_json(world, i))


def confirm(world: World, parameters: Parameters, id_: str) -> Json:
    intent = world.state.intents.get(id_)
    method = parameters.optional_text("payment_method") or intent.payment_method
    return_url = parameters.optional_text("return_url") or intent.return_url
    parameters.refuse_leftovers()
    if intent.status not in ("requires_confirmation", "requires_payment_method"):
        raise _wrong_state(intent, "confirm")
    ready = replace(intent, payment_method=method, return_url=return_url, error=None)
    _check_card(world, ready)
    return as_json(world, _confirm(world, ready))


def capture(world: World, parameters: Parameters, id_: str) -> Json:
    intent = world.state.intents.get(id_)
    amount = parameters.optional_amount("amount_to_capture") or intent.amount
    parameters.refuse_leftovers()
    if intent.status != "requires_capture":
        raise _wrong_state(intent, "capture")
    if amount > intent.amount:
        message = f"The requested capture amount {amount} is more than the {intent.amount} held."
        raise Problem(400, "amount_too_large", message, param="amount_to_capture")
    _check_amount(amount, intent.currency)
    return as_json(world, _take(world, intent, amount))


def cancel(world: World, parameters: Parameters, id_: str) -> Json:
    reason = parameters.optional_text("cancellation_reason")
    parameters.refuse_leftovers()
    if reason is not None and reason not in _CANCEL_REASONS:
        raise invalid_parameter("cancellation_reason", f"Invalid cancellation_reason: {reason}")
    intent = world.state.intents.get(id_)
    if intent.status not in (*_CANCELABLE, "requires_confirmation"):
        raise _wrong_state(intent, "cancel")
    return as_json(world, _cancel(world, intent, reason))


def expire_due(world: World) -> None:
    for intent in world.state.intents.open():
        if intent.charge is not None:
            charge = world.state.charges.get(intent.charge)
            if charge.capture_before <= world.now():
                _cancel(world, intent, "automatic")


def finish_challenge(world: World, intent: PaymentIntent, *, passed: bool) -> PaymentIntent:
    """What the bank's page decided; nothing when it was decided before."""
    if intent.status != "requires_action":
        return intent
    if passed:
        return _authorize(world, intent)
    code = "payment_intent_authentication_failure"
    message = "The bank's customer did not confirm the payment."
    return _fail(world, intent, {"code": code, "message": message})


def _check_amount(amount: int, currency: str) -> None:
    rules = CURRENCIES.get(currency.upper())
    if rules is None or currency != currency.lower():
        raise invalid_parameter("currency", f"Invalid currency: {currency}")
    if amount < rules.minimum_charge_minor:
        message = f"Amount must be at least {rules.minimum_charge_minor} {currency}."
        raise Problem(400, "amount_too_small", message, param="amount")
    if amount % rules.charge_step:
        message = f"Amounts in {currency} must be multiples of {rules.charge_step}."
        code = "invalid_charge_amount_no_decimal_compatible"
        raise Problem(400, code, message, param="amount")


def _check_card(world: World, intent: PaymentIntent) -> None:
    if intent.customer is not None:
        world.state.customers.get(intent.customer)
    if intent.payment_method is None:
        return
    method = world.state.payment_methods.get(intent.payment_method)
    if method.customer != intent.customer:
        message = f"The payment method {method.id} does not belong to the customer."
        raise Problem(400, "payment_method_customer_mismatch", message, param="payment_method")


def _confirm(world: World, intent: PaymentIntent) -> PaymentIntent:
    if intent.payment_method is None:
        raise Problem(400, "parameter_missing", "A payment method is needed to confirm.")
    card = cards.BY_NUMBER[world.state.payment_methods.get(intent.payment_method).number]
    if card.challenge and intent.off_session:
        return _decline(world, intent, "authentication_required", "authentication_required")
    if card.challenge:
        if intent.return_url is None:
            message = "A return_url is needed: this card asks its owner in a browser."
            raise Problem(400, "parameter_missing", message, param="return_url")
        waiting = world.state.intents.put(replace(intent, status="requires_action"))
        world.emit("payment_intent.requires_action", as_json(world, waiting))
        return waiting
    if card.code is not None:
        return _decline(world, intent, card.code, card.decline_code)
    return _authorize(world, intent)


def _decline(
    world: World, intent: PaymentIntent, code: str, decline_code: str | None
) -> PaymentIntent:
    message = "Your card was declined."
    if code == "authentication_required":
        message = "Your card was declined: it asks its owner, who is not here."
    error = {"code": code, "message": message}
    if decline_code is not None:
        error["decline_code"] = decline_code
    failed = _fail(world, intent, error)
    raise card_declined(code, decline_code, message, as_json(world, failed))


def _fail(world: World, intent: PaymentIntent, error: dict[str, str]) -> PaymentIntent:
    failed = world.state.intents.put(replace(intent, status="requires_payment_method", error=error))
    world.emit("payment_intent.payment_failed", as_json(world, failed))
    return failed


def _authorize(world: World, intent: PaymentIntent) -> PaymentIntent:
    assert intent.payment_method is not None
    lasts = OFF_SESSION_HOLD_SECONDS if intent.off_session else ON_SESSION_HOLD_SECONDS
    charge = world.state.charges.put(
        Charge(
            id=world.new_id("ch", world.state.charges),
            created=world.now(),
            intent=intent.id,
            amount=intent.amount,
            currency=intent.currency,
            customer=intent.customer,
            payment_method=intent.payment_method,
            capture_before=world.now() + lasts,
        )
    )
    held = replace(intent, status="requires_capture", charge=charge.id)
    if intent.capture_method == "automatic":
        return _take(world, held, intent.amount)
    world.state.intents.put(held)
    world.emit("payment_intent.amount_capturable_updated", as_json(world, held))
    return held


def _take(world: World, intent: PaymentIntent, amount: int) -> PaymentIntent:
    assert intent.charge is not None
    charge = world.state.charges.get(intent.charge)
    line = balance.book(
        world,
        "charge",
        amount,
        intent.currency,
        charge.id,
        fee=balance.card_fee(world, amount),
        available_on=world.now() + world.settings.settlement_seconds,
    )
    charge = world.state.charges.put(
        replace(charge, captured=True, amount_captured=amount, balance_line=line.id)
    )
    done = world.state.intents.put(replace(intent, status="succeeded", amount_received=amount))
    world.emit("charge.captured", charges.as_json(world, charge))
    world.emit("payment_intent.succeeded", as_json(world, done))
    if cards.BY_NUMBER[world.state.payment_methods.get(charge.payment_method).number].disputed:
        disputes.open_dispute(world, charge)
    return done


def _cancel(world: World, intent: PaymentIntent, reason: str | None) -> PaymentIntent:
    if intent.charge is not None:
        charge = world.state.charges.get(intent.charge)
        world.state.charges.put(replace(charge, canceled=True))
    canceled = world.state.intents.put(
        replace(intent, status="canceled", canceled_at=world.now(), cancellation_reason=reason)
    )
    world.emit("payment_intent.canceled", as_json(world, canceled))
    return canceled


def _wrong_state(intent: PaymentIntent, action: str) -> Problem:
    message = f"You cannot {action} this PaymentIntent because it has a status of {intent.status}."
    return Problem(400, "payment_intent_unexpected_state", message)


def as_json(world: World, intent: PaymentIntent) -> Json:
    action = None
    if intent.status == "requires_action":
        url = f"{world.settings.pages_url}/challenge/{intent.id}"
        redirect = {"url": url, "return_url": intent.return_url}
        action = {"type": "redirect_to_url", "redirect_to_url": redirect}
    error = None if intent.error is None else {"type": "card_error", **intent.error}
    return {
        "id": intent.id,
        "object": "payment_intent",
        "amount": intent.amount,
        "amount_capturable": intent.amount if intent.status == "requires_capture" else 0,
        "amount_received": intent.amount_received,
        "canceled_at": intent.canceled_at,
        "cancellation_reason": intent.cancellation_reason,
        "capture_method": intent.capture_method,
        "confirmation_method": "automatic",
        "created": intent.created,
        "currency": intent.currency,
        "customer": intent.customer,
        "last_payment_error": error,
        "latest_charge": intent.charge,
        "livemode": False,
        "metadata": intent.metadata,
        "next_action": action,
        "payment_method": intent.payment_method,
        "payment_method_types": ["card"],
        "status": intent.status,
        "transfer_group": intent.transfer_group,
    }
