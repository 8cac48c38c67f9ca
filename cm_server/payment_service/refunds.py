"""Refunds: money back to the card, as far as the available balance allows.

Owns: accepting, waiting, succeeding and failing. Does not own: taking the mentor's part back
(`transfers`).
A reader would guess that a refund uses money still pending: it does not, it waits for it.
"""

from __future__ import annotations

from msgspec.structs import replace

from cm_server.payment_service import balance
from cm_server.payment_service.parameters import Parameters
from cm_server.payment_service.problems import Problem
from cm_server.payment_service.records import Charge, Refund
from cm_server.payment_service.world import Json, World, listed


def create(world: World, parameters: Parameters) -> Json:
    charge = world.state.charges.get(parameters.text("charge"))
    left = charge.amount_captured - charge.amount_refunded
    amount = parameters.optional_amount("amount") or left
    reason = parameters.one_of(
        "reason", "duplicate", "fraudulent", "requested_by_customer", default="duplicate"
    )
    metadata = parameters.metadata()
    parameters.refuse_leftovers()
    _check(charge, amount, left)
    world.state.charges.put(replace(charge, amount_refunded=charge.amount_refunded + amount))
    refund = Refund(
        id=world.new_id("re", world.state.refunds),
        created=world.now(),
        charge=charge.id,
        intent=charge.intent,
        amount=amount,
        currency=charge.currency,
        metadata=metadata,
        reason=reason,
        status="pending",
        pending_reason="insufficient_funds",
    )
    refund = _try(world, refund)
    world.emit("refund.created", as_json(refund))
    return as_json(refund)


def retrieve(world: World, parameters: Parameters, id_: str) -> Json:
    parameters.refuse_leftovers()
    return as_json(world.state.refunds.get(id_))


def list_refunds(world: World, parameters: Parameters) -> Json:
    charge = parameters.optional_text("charge")
    limit = parameters.optional_integer("limit") or 10
    after = parameters.optional_text("starting_after")
    parameters.refuse_leftovers()
    found = [r for r in world.state.refunds.newest_first() if charge in (None, r.charge)]
    return listed(found, "/v1/refunds", limit=limit, after=after, as_json=as_json)


def try_waiting(world: World) -> None:
    for refund in world.state.refunds.open():
        tried = _try(world, refund)
        if tried.status != "pending":
            world.emit("refund.updated", as_json(tried))


def fail(world: World, id_: str, reason: str = "lost_or_stolen_card") -> Refund:
    """The card's bank sends the money back, at once or weeks later."""
    refund = world.state.refunds.get(id_)
    if refund.status not in ("pending", "succeeded"):
        return refund
    charge = world.state.charges.get(refund.charge)
    world.state.charges.put(replace(charge, amount_refunded=charge.amount_refunded - refund.amount))
    if refund.status == "succeeded":
        balance.book(world, "refund_failure", refund.amount, refund.currency, refund.id)
    failed = world.state.refunds.put(
        replace(refund, status="failed", failure_reason=reason, pending_reason=None)
    )
    world.emit("refund.failed", as_json(failed))
    return failed


def _check(charge: Charge, amount: int, left: int) -> None:
    if not charge.captured:
        raise Problem(400, "charge_not_captured", f"Charge {charge.id} has not been captured.")
    if charge.dispute is not None:
        raise Problem(400, "charge_disputed", f"Charge {charge.id} is disputed.")
    if left == 0:
        message = f"Charge {charge.id} has already been refunded."
        raise Problem(400, "charge_already_refunded", message)
    if amount > left:
        message = f"Refund amount {amount} is greater than the {left} left of the charge."
        raise Problem(400, "amount_too_large", message, param="amount")


def _try(world: World, refund: Refund) -> Refund:
    if balance.available(world, refund.currency) < refund.amount:
        return world.state.refunds.put(refund)
    line = balance.book(world, "refund", -refund.amount, refund.currency, refund.id)
    return world.state.refunds.put(
        replace(refund, status="succeeded", pending_reason=None, balance_line=line.id)
    )


def as_json(refund: Refund) -> Json:
    shown: Json = {
        "id": refund.id,
        "object": "refund",
        "amount": refund.amount,
        "balance_transaction": refund.balance_line,
        "charge": refund.charge,
        "created": refund.created,
        "currency": refund.currency,
        "metadata": refund.metadata,
        "payment_intent": refund.intent,
        "reason": refund.reason,
        "status": refund.status,
    }
    if refund.pending_reason is not None:
        shown["pending_reason"] = refund.pending_reason
    if refund.failure_reason is not None:
        shown["failure_reason"] = refund.failure_reason
    return shown
