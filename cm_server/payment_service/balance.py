"""The account statements: the platform's and each mentor's, and what of them may be spent.

Owns: balance lines, fees, when money becomes available. Does not own: why a line is booked.
A reader would guess a stored balance: it is the sum of the lines, so it cannot disagree with them.
"""

from __future__ import annotations

from types import MappingProxyType

from cm_server.payment_service.parameters import Parameters
from cm_server.payment_service.records import BalanceLine
from cm_server.payment_service.world import Json, World, listed

PLATFORM = ""
_TYPES = MappingProxyType(
    {
        "dispute": "adjustment",
        "dispute_reversal": "adjustment",
        "transfer_reversal": "transfer_refund",
    }
)
"""Of reporting categories whose lines have a type by another name."""


def book(
    world: World,
    category: str,
    amount: int,
    currency: str,
    source: str,
    *,
    owner: str = PLATFORM,
    fee: int = 0,
    available_on: int | None = None,
) -> BalanceLine:
    lines = world.state.balance_lines
    line = BalanceLine(
        id=world.new_id("txn", lines),
        created=world.now(),
        owner=owner,
        type=_TYPES.get(category, category),
        category=category,
        amount=amount,
        fee=fee,
        currency=currency,
        source=source,
        available_on=world.now() if available_on is None else available_on,
    )
    return lines.put(line)


def card_fee(world: World, amount: int) -> int:
    """Rounded half up, as the fee of one charge is."""
    settings = world.settings
    return (amount * settings.fee_basis_points + 5_000) // 10_000 + settings.fee_fixed_minor


def available(world: World, currency: str, owner: str = PLATFORM) -> int:
    return sum(
        line.amount - line.fee
        for line in world.state.balance_lines
        if line.owner == owner and line.currency == currency and line.available_on <= world.now()
    )


def total(world: World, currency: str, owner: str = PLATFORM) -> int:
    return sum(
        line.amount - line.fee
        for line in world.state.balance_lines
        if line.owner == owner and line.currency == currency
    )


def retrieve(world: World, parameters: Parameters) -> Json:
    parameters.refuse_leftovers()
    lines = world.state.balance_lines
    currencies = sorted({line.currency for line in lines if line.owner == PLATFORM})
    ready = {currency: available(world, currency) for currency in currencies}
    waiting = {currency: total(world, currency) - ready[currency] for currency in currencies}
    return {
        "object": "balance",
        "livemode": False,
        "available": [_amount(ready[currency], currency) for currency in currencies],
        "pending": [_amount(waiting[currency], currency) for currency in currencies],
    }


def list_lines(world: World, parameters: Parameters) -> Json:
    since = parameters.group("created").optional_integer("gte") or 0
    limit = parameters.optional_integer("limit") or 10
    after = parameters.optional_text("starting_after")
    parameters.refuse_leftovers()
    lines = [
        line
        for line in world.state.balance_lines.newest_first()
        if line.owner == PLATFORM and line.created >= since
    ]
    url = "/v1/balance_transactions"
    return listed(lines, url, limit=limit, after=after, as_json=as_json)


def pay_out(world: World, account: str, currency: str) -> None:
    """Send everything on a mentor's account to their bank, as Stripe does by itself each day."""
    everything = total(world, currency, owner=account)
    if everything > 0:
        book(world, "payout", -everything, currency, f"po_{account}", owner=account)


def as_json(line: BalanceLine) -> Json:
    return {
        "id": line.id,
        "object": "balance_transaction",
        "type": line.type,
        "reporting_category": line.category,
        "amount": line.amount,
        "fee": line.fee,
        "net": line.amount - line.fee,
        "currency": line.currency,
        "source": line.source,
        "created": line.created,
        "available_on": line.available_on,
        "description": None,
        "exchange_rate": None,
        "fee_details": [],
        "status": "available",
        "balance_type": "payments",
    }


def _amount(minor: int, currency: str) -> Json:
    return {"amount": minor, "currency": currency, "source_types": {"card": minor}}
