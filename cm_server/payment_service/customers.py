"""Customers and the cards they saved.

Owns: customers, payment methods, attaching and detaching. Does not own: the page where a card is
typed in (`checkout`) or paying with one (`payment_intents`).
A reader would guess that `pm_card_visa` is a payment method: it is a token that makes a new one
each time it is attached.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Final

from msgspec.structs import replace

from cm_server.payment_service import cards
from cm_server.payment_service.parameters import Parameters
from cm_server.payment_service.problems import Problem, card_declined, missing
from cm_server.payment_service.records import Customer, PaymentMethod
from cm_server.payment_service.world import Json, World, listed

NO_BILLING_DETAILS: Final = MappingProxyType(
    {"address": None, "email": None, "name": None, "phone": None, "tax_id": None}
)
"""The hosted page asks for the number alone."""


def create(world: World, parameters: Parameters) -> Json:
    customers = world.state.customers
    customer = Customer(
        id=world.new_id("cus", customers),
        created=world.now(),
        email=parameters.optional_text("email"),
        metadata=parameters.metadata(),
    )
    parameters.refuse_leftovers()
    customers.put(customer)
    world.emit("customer.created", as_json(customer))
    return as_json(customer)


def retrieve(world: World, parameters: Parameters, id_: str) -> Json:
    parameters.refuse_leftovers()
    return as_json(world.state.customers.get(id_))


def list_payment_methods(world: World, parameters: Parameters, customer: str) -> Json:
    world.state.customers.get(customer)
    parameters.one_of("type", "card", default="card")
    limit = parameters.optional_integer("limit") or 10
    after = parameters.optional_text("starting_after")
    parameters.refuse_leftovers()
    methods = [m for m in world.state.payment_methods.newest_first() if m.customer == customer]
    url = f"/v1/customers/{customer}/payment_methods"
    return listed(methods, url, limit=limit, after=after, as_json=method_as_json)


def retrieve_method(world: World, parameters: Parameters, id_: str) -> Json:
    parameters.refuse_leftovers()
    return method_as_json(world.state.payment_methods.get(id_))


def attach_method(world: World, parameters: Parameters, id_: str) -> Json:
    customer = parameters.text("customer")
    parameters.refuse_leftovers()
    world.state.customers.get(customer)
    card = cards.BY_TOKEN.get(id_)
    if card is None:
        raise missing("PaymentMethod", id_)
    return method_as_json(save_card(world, customer, card))


def detach_method(world: World, parameters: Parameters, id_: str) -> Json:
    parameters.refuse_leftovers()
    method = world.state.payment_methods.get(id_)
    if method.customer is None:
        raise Problem(400, "payment_method_unexpected_state", f"{id_} is not attached.")
    detached = world.state.payment_methods.put(replace(method, customer=None))
    world.emit("payment_method.detached", method_as_json(detached))
    return method_as_json(detached)


def save_card(world: World, customer: str, card: cards.TestCard) -> PaymentMethod:
    if not card.saves:
        code = card.code or "card_declined"
        raise card_declined(code, card.decline_code, "Your card was declined.", None)
    methods = world.state.payment_methods
    method = PaymentMethod(
        id=world.new_id("pm", methods), created=world.now(), number=card.number, customer=customer
    )
    methods.put(method)
    world.emit("payment_method.attached", method_as_json(method))
    return method


def as_json(customer: Customer) -> Json:
    return {
        "id": customer.id,
        "object": "customer",
        "created": customer.created,
        "email": customer.email,
        "livemode": False,
        "metadata": customer.metadata,
    }


def method_as_json(method: PaymentMethod) -> Json:
    card = cards.BY_NUMBER[method.number]
    return {
        "id": method.id,
        "object": "payment_method",
        "type": "card",
        "created": method.created,
        "customer": method.customer,
        "livemode": False,
        "metadata": {},
        "billing_details": dict(NO_BILLING_DETAILS),
        "card": {
            "brand": card.brand,
            "last4": card.last4,
            "exp_month": 12,
            "exp_year": 2034,
            "fingerprint": card.fingerprint,
            "funding": "credit",
            "country": "US",
            "checks": None,
        },
    }
