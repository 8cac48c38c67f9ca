"""Transfers to mentors' accounts and reversals from them.

Owns: what limits either. Does not own: whether a mentor may receive (`accounts`).
A reader would guess that a transfer needs available balance: one that names its source charge
needs only that charge, and becomes available to the mentor when the charge does.
"""

from __future__ import annotations

from msgspec.structs import replace

from cm_server.payment_service import balance
from cm_server.payment_service.parameters import Parameters
from cm_server.payment_service.problems import Problem
from cm_server.payment_service.records import Charge, Reversal, Transfer
from cm_server.payment_service.world import Json, World, listed


def create(world: World, parameters: Parameters) -> Json:
    amount = parameters.amount("amount")
    currency = parameters.text("currency")
    destination = parameters.text("destination")
    source = parameters.optional_text("source_transaction")
    group = parameters.optional_text("transfer_group")
    metadata = parameters.metadata()
    parameters.refuse_leftovers()
    if world.state.accounts.get(destination).transfers_status != "active":
        message = f"The account {destination} may not receive transfers yet."
        raise Problem(400, "insufficient_capabilities_for_transfer", message, param="destination")
    charge = world.state.charges.get(source) if source else None
    available_on = _check_funds(world, charge, amount, currency)
    id_ = world.new_id("tr", world.state.transfers)
    line = balance.book(world, "transfer", -amount, currency, id_, available_on=available_on)
    balance.book(
        world, "payment", amount, currency, id_, owner=destination, available_on=available_on
    )
    if charge is not None:
        taken = charge.amount_transferred + amount
        world.state.charges.put(replace(charge, amount_transferred=taken))
    transfer = world.state.transfers.put(
        Transfer(
            id=id_,
            created=world.now(),
            amount=amount,
            currency=currency,
            destination=destination,
            source=source,
            group=group,
            metadata=metadata,
            balance_line=line.id,
        )
    )
    world.emit("transfer.created", as_json(world, transfer))
    return as_json(world, transfer)


def retrieve(world: World, parameters: Parameters, id_: str) -> Json:
    parameters.refuse_leftovers()
    return as_json(world, world.state.transfers.get(id_))


def list_transfers(world: World, parameters: Parameters) -> Json:
    group = parameters.optional_text("transfer_group")
    limit = parameters.optional_integer("limit") or 10
    after = parameters.optional_text("starting_after")
    parameters.refuse_leftovers()
    found = [t for t in world.state.transfers.newest_first() if group in (None, t.group)]
    return listed(
        found, "/v1/transfers", limit=limit, after=after, as_json=lambda t: as_json(world, t)
    )


def reverse(world: World, parameters: Parameters, id_: str) -> Json:
    transfer = world.state.transfers.get(id_)
    left = transfer.amount - transfer.amount_reversed
    amount = parameters.optional_amount("amount") or left
    metadata = parameters.metadata()
    parameters.refuse_leftovers()
    if amount > left:
        message = f"Reversal amount {amount} is more than the {left} left of the transfer."
        raise Problem(400, "amount_too_large", message, param="amount")
    currency = transfer.currency
    if balance.total(world, currency, owner=transfer.destination) < amount:
        message = f"The account {transfer.destination} does not hold {amount} {currency}."
        raise Problem(400, "balance_insufficient", message, param="amount")
    reversal_id = world.new_id("trr", world.state.reversals)
    line = balance.book(world, "transfer_reversal", amount, currency, reversal_id)
    balance.book(
        world, "payment_refund", -amount, currency, reversal_id, owner=transfer.destination
    )
    reversal = world.state.reversals.put(
        Reversal(
            id=reversal_id,
            created=world.now(),
            transfer=id_,
            amount=amount,
            currency=currency,
            metadata=metadata,
            balance_line=line.id,
        )
    )
    taken = transfer.amount_reversed + amount
    changed = world.state.transfers.put(replace(transfer, amount_reversed=taken))
    world.emit("transfer.reversed", as_json(world, changed))
    return reversal_as_json(reversal)


def list_reversals(world: World, parameters: Parameters, id_: str) -> Json:
    world.state.transfers.get(id_)
    limit = parameters.optional_integer("limit") or 10
    after = parameters.optional_text("starting_after")
    parameters.refuse_leftovers()
    return _reversals(world, id_, limit=limit, after=after)


def _reversals(world: World, transfer: str, *, limit: int, after: str | None) -> Json:
    found = [r for r in world.state.reversals.newest_first() if r.transfer == transfer]
    url = f"/v1/transfers/{transfer}/reversals"
    return listed(found, url, limit=limit, after=after, as_json=reversal_as_json)


def _check_funds(world: World, charge: Charge | None, amount: int, currency: str) -> int:
    """When the money will be the mentor's."""
    if charge is None:
        if balance.available(world, currency) < amount:
            message = "You have insufficient available funds in your Stripe account."
            raise Problem(400, "balance_insufficient", message)
        return world.now()
    if not charge.captured or charge.balance_line is None:
        raise Problem(400, "charge_not_captured", f"Charge {charge.id} has not been captured.")
    if charge.currency != currency:
        raise Problem(400, "parameter_invalid", "The source charge has another currency.")
    if charge.amount_transferred + amount > charge.amount_captured:
        message = f"Transfers from {charge.id} may sum up to {charge.amount_captured} at most."
        raise Problem(400, "balance_insufficient", message, param="amount")
    return max(world.now(), world.state.balance_lines.get(charge.balance_line).available_on)


def as_json(world: World, transfer: Transfer) -> Json:
    return {
        "id": transfer.id,
        "object": "transfer",
        "amount": transfer.amount,
        "amount_reversed": transfer.amount_reversed,
        "balance_transaction": transfer.balance_line,
        "created": transfer.created,
        "currency": transfer.currency,
        "destination": transfer.destination,
        "livemode": False,
        "metadata": transfer.metadata,
        "reversals": _reversals(world, transfer.id, limit=10, after=None),
        "reversed": transfer.amount_reversed == transfer.amount,
        "source_transaction": transfer.source,
        "transfer_group": transfer.group,
    }


def reversal_as_json(reversal: Reversal) -> Json:
    return {
        "id": reversal.id,
        "object": "transfer_reversal",
        "amount": reversal.amount,
        "balance_transaction": reversal.balance_line,
        "created": reversal.created,
        "currency": reversal.currency,
        "metadata": reversal.metadata,
        "transfer": reversal.transfer,
    }
