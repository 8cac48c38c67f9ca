"""Disputes: a card's owner asks the bank for the money back, and the bank takes it at once.

Owns: the dispute's life and the lines it books. Does not own: refunds.
A reader would guess that a won dispute gives everything back: the dispute fee stays.
"""

from __future__ import annotations

from msgspec.structs import replace

from cm_server.payment_service import balance
from cm_server.payment_service.parameters import Parameters
from cm_server.payment_service.problems import Problem
from cm_server.payment_service.records import Charge, Dispute
from cm_server.payment_service.world import Json, World, listed

ANSWER_SECONDS = 7 * 86_400


def open_dispute(world: World, charge: Charge, reason: str = "fraudulent") -> Dispute:
    """The bank's doing, not a request's. A charge is disputed once, never after a full refund."""
    left = charge.amount_captured - charge.amount_refunded
    if charge.dispute is not None or left <= 0:
        raise Problem(400, "charge_disputed", f"{charge.id} cannot be disputed.")
    id_ = world.new_id("dp", world.state.disputes)
    line = balance.book(
        world,
        "dispute",
        -left,
        charge.currency,
        id_,
        fee=world.settings.dispute_fee_minor,
    )
    dispute = world.state.disputes.put(
        Dispute(
            id=id_,
            created=world.now(),
            charge=charge.id,
            intent=charge.intent,
            amount=left,
            currency=charge.currency,
            reason=reason,
            status="needs_response",
            due_by=world.now() + ANSWER_SECONDS,
            metadata={},
            evidence={},
            balance_lines=(line.id,),
        )
    )
    world.state.charges.put(replace(charge, dispute=id_))
    world.emit("charge.dispute.created", as_json(world, dispute))
    return dispute


def decide(world: World, id_: str, *, won: bool) -> Dispute:
    """The bank's last word."""
    dispute = world.state.disputes.get(id_)
    if dispute.status in ("won", "lost"):
        return dispute
    lines = dispute.balance_lines
    if won:
        line = balance.book(
            world,
            "dispute_reversal",
            dispute.amount,
            dispute.currency,
            id_,
        )
        lines = (*lines, line.id)
    decided = world.state.disputes.put(
        replace(dispute, status="won" if won else "lost", balance_lines=lines)
    )
    world.emit("charge.dispute.closed", as_json(world, decided))
    return decided


def lose_unanswered(world: World) -> None:
    for dispute in world.state.disputes.open():
        if dispute.due_by <= world.now():
            decide(world, dispute.id, won=False)


def retrieve(world: World, parameters: Parameters, id_: str) -> Json:
    parameters.refuse_leftovers()
    return as_json(world, world.state.disputes.get(id_))


def list_disputes(world: World, parameters: Parameters) -> Json:
    charge = parameters.optional_text("charge")
    limit = parameters.optional_integer("limit") or 10
    after = parameters.optional_text("starting_after")
    parameters.refuse_leftovers()
    found = [d for d in world.state.disputes.newest_first() if charge in (None, d.charge)]
    return listed(
        found, "/v1/disputes", limit=limit, after=after, as_json=lambda d: as_json(world, d)
    )


def update(world: World, parameters: Parameters, id_: str) -> Json:
    evidence = parameters.group("evidence")
    text = evidence.optional_text("uncategorized_text")
    submitted = parameters.flag("submit")
    metadata = parameters.metadata()
    parameters.refuse_leftovers()
    dispute = world.state.disputes.get(id_)
    if dispute.status != "needs_response":
        raise Problem(400, "dispute_unexpected_state", "This dispute takes no more evidence.")
    if text is not None and len(text) > 20_000:
        raise Problem(400, "parameter_invalid", "Evidence may have at most 20000 characters.")
    updated = world.state.disputes.put(
        replace(
            dispute,
            evidence={"uncategorized_text": text} if text else dispute.evidence,
            metadata={**dispute.metadata, **metadata},
            status="under_review" if submitted else dispute.status,
        )
    )
    world.emit("charge.dispute.updated", as_json(world, updated))
    return as_json(world, updated)


def close(world: World, parameters: Parameters, id_: str) -> Json:
    """Giving in."""
    parameters.refuse_leftovers()
    return as_json(world, decide(world, id_, won=False))


def as_json(world: World, dispute: Dispute) -> Json:
    return {
        "id": dispute.id,
        "object": "dispute",
        "amount": dispute.amount,
        "balance_transactions": [
            balance.as_json(world.state.balance_lines.get(line)) for line in dispute.balance_lines
        ],
        "charge": dispute.charge,
        "created": dispute.created,
        "currency": dispute.currency,
        "enhanced_eligibility_types": [],
        "evidence": {"enhanced_evidence": {}, **dispute.evidence},
        "evidence_details": {
            "due_by": dispute.due_by,
            "enhanced_eligibility": {},
            "has_evidence": bool(dispute.evidence),
            "past_due": False,
            "submission_count": 0 if dispute.status == "needs_response" else 1,
        },
        "is_charge_refundable": False,
        "livemode": False,
        "metadata": dispute.metadata,
        "payment_intent": dispute.intent,
        "reason": dispute.reason,
        "status": dispute.status,
    }
