"""The calls billing makes to the payment provider, as values that are stored before they are made.

Owns: their frozen arguments, their canonical form, their keys, and how each becomes a gateway call or a look-up of what
it did. Does not own: when (`outbox`) or what follows (`effects`). A key is `environment:aggregate:operation:number`, so a
restart, a retry and a second process all say the same.
"""

from collections.abc import Mapping
from typing import assert_never

import msgspec

from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing.gateway import PaymentGateway
from cm_server.billing.gateway_outcomes import (
    AccountRef,
    CardRef,
    ChargeRef,
    CustomerRef,
    HoldRef,
    TransferRef,
)
from cm_wire.money import Money


class _Call(msgspec.Struct, frozen=True, kw_only=True, tag_field="op", tag=str.lower):
    pass


class Hold(_Call, frozen=True):
    customer: CustomerRef
    card: CardRef
    amount: Money
    metadata: Mapping[str, str]
    return_url: str


class Capture(_Call, frozen=True):
    hold_key: str
    hold: HoldRef
    amount: Money


class Void(_Call, frozen=True):
    hold_key: str
    hold: HoldRef


class Charge(_Call, frozen=True):
    customer: CustomerRef
    card: CardRef
    amount: Money
    metadata: Mapping[str, str]


class Refund(_Call, frozen=True):
    charge: ChargeRef
    amount: Money
    metadata: Mapping[str, str]


class Transfer(_Call, frozen=True):
    account: AccountRef
    amount: Money
    source: ChargeRef | None
    group: str
    metadata: Mapping[str, str]


class Reverse(_Call, frozen=True):
    payout_key: str
    transfer: TransferRef
    amount: Money
    metadata: Mapping[str, str]


Call = Hold | Capture | Void | Charge | Refund | Transfer | Reverse
Outcome = (
    outcomes.HoldOutcome
    | outcomes.CaptureOutcome
    | outcomes.VoidOutcome
    | outcomes.ChargeOutcome
    | outcomes.RefundOutcome
    | outcomes.TransferOutcome
    | outcomes.ReversalOutcome
)


def encoded(call: Call) -> str:
    """Canonical: equal calls are equal text."""
    return msgspec.json.encode(call, order="deterministic").decode()


def decoded(text: str) -> Call:
    call: Call = msgspec.json.decode(text, type=Call)
    return call


async def make(gateway: PaymentGateway, key: str, call: Call) -> Outcome:
    """Raises `GatewayUnavailable` when nobody knows, `GatewayRefused` when it was wrong."""
    match call:
        case Hold():
            return await gateway.hold(
                key,
                call.customer,
                call.card,
                call.amount,
                metadata=call.metadata,
                return_url=call.return_url,
            )
        case Capture():
            return await gateway.capture(key, call.hold, call.amount)
        case Void():
            return await gateway.void(key, call.hold)
        case Charge():
            return await gateway.charge_off_session(
                key, call.customer, call.card, call.amount, metadata=call.metadata
            )
        case Refund():
            return await gateway.refund(key, call.charge, call.amount, metadata=call.metadata)
        case Transfer():
            return await gateway.transfer(
                key,
                call.account,
                call.amount,
                source=call.source,
                group=call.group,
                metadata=call.metadata,
            )
        case Reverse():
            return await gateway.reverse(key, call.transfer, call.amount, metadata=call.metadata)
        case _:  # pragma: no cover - closed union
            assert_never(call)


async def find(gateway: PaymentGateway, key: str, call: Call) -> Outcome | None:
    """What an earlier `make` under this key did, for when repeating it can teach nothing; `None`: it did nothing."""
    match call:
        case Hold() | Charge():
            return await gateway.find_hold(key, call.customer)
        case Capture() | Void():
            return _of_hold(call, await gateway.look_up_hold(call.hold))
        case Refund():
            return await gateway.find_refund(key, call.charge)
        case Transfer():
            return await gateway.find_transfer(key, call.group)
        case Reverse():
            return await gateway.find_reversal(key, call.transfer)
        case _:  # pragma: no cover - closed union
            assert_never(call)


def _of_hold(call: Capture | Void, state: outcomes.HoldState) -> Outcome | None:
    match state:
        case outcomes.Captured():
            if isinstance(call, Capture):
                return state
            return outcomes.AlreadyCaptured(state.hold, state.charge, state.amount)
        case outcomes.Voided():
            if isinstance(call, Void):
                return state
            return outcomes.CaptureLost(state.hold, state.reason)
        case _:
            return None
