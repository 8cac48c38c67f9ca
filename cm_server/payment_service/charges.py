"""Charges: what a confirmed payment intent leaves behind on the card.

Owns: the charge's record in Stripe's shape. Does not own: authorizing, capturing or giving back
(`payment_intents`, `refunds`, `disputes`).
A reader would guess that a charge is money: uncaptured it only reserves some until `capture_before`.
"""

from __future__ import annotations

from cm_server.payment_service import cards, customers
from cm_server.payment_service.parameters import Parameters
from cm_server.payment_service.records import Charge
from cm_server.payment_service.world import Json, World, listed


def retrieve(world: World, parameters: Parameters, id_: str) -> Json:
    parameters.refuse_leftovers()
    return as_json(world, world.state.charges.get(id_))


def list_charges(world: World, parameters: Parameters) -> Json:
    intent = parameters.optional_text("payment_intent")
    customer = parameters.optional_text("customer")
    limit = parameters.optional_integer("limit") or 10
    after = parameters.optional_text("starting_after")
    parameters.refuse_leftovers()
    charges = [
        charge
        for charge in world.state.charges.newest_first()
        if intent in (None, charge.intent) and customer in (None, charge.customer)
    ]
    return listed(
        charges, "/v1/charges", limit=limit, after=after, as_json=lambda c: as_json(world, c)
    )


def as_json(world: World, charge: Charge) -> Json:
    card = cards.BY_NUMBER[world.state.payment_methods.get(charge.payment_method).number]
    waits = {} if charge.captured else {"capture_before": charge.capture_before}
    return {
        "id": charge.id,
        "object": "charge",
        "amount": charge.amount,
        "amount_captured": charge.amount_captured,
        "amount_refunded": charge.amount_refunded,
        "balance_transaction": charge.balance_line,
        "billing_details": dict(customers.NO_BILLING_DETAILS),
        "captured": charge.captured,
        "created": charge.created,
        "currency": charge.currency,
        "customer": charge.customer,
        "disputed": charge.dispute is not None,
        "livemode": False,
        "metadata": {},
        "paid": True,
        "payment_intent": charge.intent,
        "payment_method": charge.payment_method,
        "payment_method_details": {
            "type": "card",
            "card": {
                "brand": card.brand,
                "last4": card.last4,
                "fingerprint": card.fingerprint,
                "exp_month": 12,
                "exp_year": 2034,
                **waits,
            },
        },
        "refunded": charge.captured and charge.amount_refunded == charge.amount_captured,
        "status": "succeeded",
    }
