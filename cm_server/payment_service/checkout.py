"""Checkout sessions that save a card on a hosted page; no payment is made here.

Owns: the session and what completing it does. Does not own: the page's HTML (`pages`).
A reader would guess that a session lives until it is used: it expires after 24 hours.
"""

from __future__ import annotations

from msgspec.structs import replace

from cm_server.payment_service import cards, customers
from cm_server.payment_service.parameters import Parameters
from cm_server.payment_service.problems import Problem
from cm_server.payment_service.records import CheckoutSession
from cm_server.payment_service.world import Json, World

LIFETIME_SECONDS = 86_400


def create(world: World, parameters: Parameters) -> Json:
    parameters.one_of("mode", "setup", default="setup")
    customer = parameters.text("customer")
    methods = parameters.texts("allowed_payment_method_types")
    sessions = world.state.checkout_sessions
    session = CheckoutSession(
        id=world.new_id("cs_test", sessions),
        created=world.now(),
        customer=customer,
        success_url=parameters.text("success_url"),
        cancel_url=parameters.optional_text("cancel_url"),
        metadata=parameters.metadata(),
        expires_at=world.now() + LIFETIME_SECONDS,
    )
    parameters.refuse_leftovers()
    if methods not in ([], ["card"]):
        raise Problem(400, "parameter_invalid", "Only cards can be saved here.", remembered=False)
    world.state.customers.get(customer)
    sessions.put(session)
    return as_json(world, session)


def retrieve(world: World, parameters: Parameters, id_: str) -> Json:
    parameters.refuse_leftovers()
    return as_json(world, world.state.checkout_sessions.get(id_))


def complete(world: World, session: CheckoutSession, card: cards.TestCard) -> str:
    """Save the card; gives the address the browser goes on to."""
    customers.save_card(world, session.customer, card)
    done = world.state.checkout_sessions.put(replace(session, status="complete"))
    world.emit("checkout.session.completed", as_json(world, done))
    return session.success_url.replace("{CHECKOUT_SESSION_ID}", session.id)


def expire_due(world: World) -> None:
    for session in world.state.checkout_sessions.open():
        if session.expires_at <= world.now():
            expired = world.state.checkout_sessions.put(replace(session, status="expired"))
            world.emit("checkout.session.expired", as_json(world, expired))


def as_json(world: World, session: CheckoutSession) -> Json:
    open_ = session.status == "open"
    return {
        "id": session.id,
        "object": "checkout.session",
        "mode": "setup",
        "created": session.created,
        "customer": session.customer,
        "status": session.status,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "custom_fields": [],
        "custom_text": {},
        "payment_method_types": ["card"],
        "payment_status": "no_payment_required",
        "shipping_options": [],
        "success_url": session.success_url,
        "cancel_url": session.cancel_url,
        "expires_at": session.expires_at,
        "livemode": False,
        "metadata": session.metadata,
        "url": f"{world.settings.pages_url}/setup/{session.id}" if open_ else None,
    }
