"""Everything the gateway sends is a request that the pinned library's own types allow."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import httpx
import pytest
from pydantic import ValidationError
from stripe import params
from stripe.params import checkout
from stripe.params.v2 import core

from cm_server.billing import payment_connection
from cm_server.billing.gateway_outcomes import ActionRequired, Captured, Held, Transferred
from cm_server.billing.gateway_reports import DisputeRef
from cm_server.payment_service import in_process_client
from cm_server.payment_service.embedded import PaymentService
from cm_server.payment_service.parameters import decode_form
from cm_server.payment_service.state import MemoryStore
from cm_server.payment_service.world import Settings
from cm_wire.money import Money
from tests.support.payment_worlds import PaymentClock
from tests.support.stripe_param_gate import Judge

TYPES: tuple[tuple[str, str, type], ...] = (
    ("POST", "/v1/customers", params.CustomerCreateParams),
    ("GET", "/v1/customers/ID/payment_methods", params.CustomerPaymentMethodListParams),
    ("POST", "/v1/checkout/sessions", checkout.SessionCreateParams),
    ("POST", "/v1/payment_intents", params.PaymentIntentCreateParams),
    ("GET", "/v1/payment_intents", params.PaymentIntentListParams),
    ("GET", "/v1/payment_intents/ID", params.PaymentIntentRetrieveParams),
    ("POST", "/v1/payment_intents/ID/capture", params.PaymentIntentCaptureParams),
    ("POST", "/v1/payment_intents/ID/cancel", params.PaymentIntentCancelParams),
    ("POST", "/v1/refunds", params.RefundCreateParams),
    ("GET", "/v1/refunds", params.RefundListParams),
    ("GET", "/v1/refunds/ID", params.RefundRetrieveParams),
    ("POST", "/v1/transfers", params.TransferCreateParams),
    ("GET", "/v1/transfers", params.TransferListParams),
    ("POST", "/v1/transfers/ID/reversals", params.TransferReversalCreateParams),
    ("GET", "/v1/transfers/ID/reversals", params.TransferReversalListParams),
    ("GET", "/v1/disputes/ID", params.DisputeRetrieveParams),
    ("POST", "/v1/disputes/ID", params.DisputeUpdateParams),
    ("GET", "/v1/balance", params.BalanceRetrieveParams),
    ("GET", "/v1/balance_transactions", params.BalanceTransactionListParams),
    ("GET", "/v1/events", params.EventListParams),
    ("POST", "/v2/core/accounts", core.AccountCreateParams),
    ("GET", "/v2/core/accounts/ID", core.AccountRetrieveParams),
    ("POST", "/v2/core/account_links", core.AccountLinkCreateParams),
)
BY_ROUTE = {(method, path): type_ for method, path, type_ in TYPES}
IDS = re.compile(r"/(cus|pi|re|tr|dp|acct)_[0-9a-f]+")
URL = "https://editor.invalid/"
TEN = Money(1000, "USD")


@dataclass
class Recorder(httpx.AsyncBaseTransport):
    inner: httpx.AsyncBaseTransport
    requests: list[httpx.Request] = field(default_factory=list)
    answers: list[Any] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        response = await self.inner.handle_async_request(request)
        self.answers.append(json.loads(await response.aread()))
        return response


@pytest.fixture(scope="module")
def judge() -> Judge:
    return Judge()


async def every_command(monkeypatch: pytest.MonkeyPatch) -> Recorder:
    """Drive each method of the gateway at least once; gives what went over the wire."""
    service = PaymentService(
        PaymentClock(), MemoryStore(), random.Random(1), Settings(settlement_seconds=0)
    )
    recorder = Recorder(in_process_client.InProcessTransport(service.api))
    monkeypatch.setattr(
        in_process_client, "client", lambda app: httpx.AsyncClient(transport=recorder)
    )
    gateway = payment_connection.in_process(service, ["whsec_x"])
    customer = await gateway.create_customer("c", email="a@example.org", metadata={"user": "U1"})
    await gateway.card_setup_page("s", customer, done_url=URL, cancel_url=URL)
    async with httpx.AsyncClient(
        transport=in_process_client.InProcessTransport(service.api),
        headers={"Authorization": "Bearer sk_test_x"},
        base_url=in_process_client.BASE_URL,
    ) as direct:
        for token in ("pm_card_createDispute", "pm_card_visa"):
            await direct.post(f"/v1/payment_methods/{token}/attach", data={"customer": customer})
    saved = await gateway.saved_card(customer)
    assert saved is not None
    held = await gateway.hold("h", customer, saved.ref, TEN, metadata={}, return_url=URL)
    other = await gateway.hold("h2", customer, saved.ref, TEN, metadata={}, return_url=URL)
    assert isinstance(held, Held)
    assert not isinstance(other, ActionRequired)
    assert other.ref is not None
    await gateway.void("v", other.ref)
    captured = await gateway.capture("cap", held.ref, TEN)
    assert isinstance(captured, Captured)
    await gateway.charge_off_session("off", customer, saved.ref, TEN, metadata={"session": "S1"})
    await gateway.look_up_hold(held.ref)
    await gateway.find_hold("h", customer)
    refund = await gateway.refund("re", captured.charge, Money(100, "USD"), metadata={})
    assert refund.ref is not None
    await gateway.look_up_refund(refund.ref)
    await gateway.find_refund("re", captured.charge)
    account = await gateway.create_mentor_account(
        "a", email="m@example.org", name="Mentor", country="US", metadata={"user": "U2"}
    )
    await gateway.onboarding_page("l", account, done_url=URL, again_url=URL)
    await gateway.look_up_account(account)
    service.change(
        lambda world: [
            world.state.accounts.put(_activated(found)) for found in world.state.accounts
        ]
    )
    for key, source in (("t1", captured.charge), ("t2", None)):
        paid = await gateway.transfer(
            key, account, Money(100, "USD"), source=source, group="S1", metadata={}
        )
        assert isinstance(paid, Transferred)
        await gateway.reverse(f"rv-{key}", paid.ref, Money(50, "USD"), metadata={})
        await gateway.find_reversal("none", paid.ref)
    await gateway.find_transfer("t1", "S1")
    dispute = DisputeRef(_disputed(service))
    await gateway.look_up_dispute(dispute)
    await gateway.contest_dispute("ev", dispute, evidence="the log")
    await gateway.balances()
    since = service.clock.now() - timedelta(days=1)
    assert [entry async for entry in gateway.balance_entries(since)]
    assert [event async for event in gateway.events(since)]
    return recorder


def classes() -> dict[str, type]:
    from stripe._object_classes import get_object_class

    kinds = (
        "balance balance_transaction charge checkout.session customer dispute event"
        " payment_intent payment_method refund transfer transfer_reversal"
    )
    found: dict[str, type] = {kind: get_object_class("V1", kind) for kind in kinds.split()}
    v2 = ("v2.core.account", "v2.core.account_link")
    return found | {kind: get_object_class("V2", kind) for kind in v2}


def objects_in(answer: Any) -> Iterator[dict[str, Any]]:
    """Every object of Stripe's in an answer, at any depth, lists apart."""
    inner: list[Any] = []
    if isinstance(answer, dict):
        if isinstance(answer.get("object"), str) and answer["object"] != "list":
            yield answer
        inner = list(answer.values())
    elif isinstance(answer, list):
        inner = answer
    for child in inner:
        yield from objects_in(child)


async def test_every_field_the_stand_in_answers_is_one_of_stripes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    known = classes()
    seen = set()
    for answer in (await every_command(monkeypatch)).answers:
        for found in objects_in(answer):
            kind = found["object"]
            seen.add(kind)
            if kind in known:
                assert set(found) <= set(known[kind].__annotations__), kind
    assert seen >= set(known)


def _activated(account: Any) -> Any:
    from msgspec.structs import replace

    return replace(account, transfers_status="active")


def _disputed(service: PaymentService) -> str:
    from cm_server.payment_service import disputes

    charge = next(c for c in service.world.state.charges.newest_first() if c.captured)
    return disputes.open_dispute(service.world, charge).id


async def test_every_request_is_one_the_library_allows(
    monkeypatch: pytest.MonkeyPatch, judge: Judge
) -> None:
    seen = set()
    for request in (await every_command(monkeypatch)).requests:
        route = (request.method, IDS.sub("/ID", request.url.path))
        seen.add(route)
        if route[0] == "POST" and route[1].startswith("/v2/"):
            judge.judge_json(BY_ROUTE[route], json.loads(request.content))
        else:
            text = request.url.query if request.method == "GET" else request.content
            judge.judge_form(BY_ROUTE[route], decode_form(text.decode()))
    assert seen == set(BY_ROUTE)


async def test_every_command_is_sent_under_its_own_key_and_the_pinned_version(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for request in (await every_command(monkeypatch)).requests:
        assert request.headers["stripe-version"] == "2026-10-28.endive"
        if request.method == "POST":
            assert len(request.headers["idempotency-key"]) <= 8, "a random key of the library"


@pytest.mark.parametrize(
    ("type_", "form"),
    [
        (params.PaymentIntentCreateParams, {"amount": "1", "currency": "usd", "ammount": "1"}),
        (params.PaymentIntentCreateParams, {"currency": "usd"}),
        (params.PaymentIntentCreateParams, {"amount": "ten", "currency": "usd"}),
        (
            params.PaymentIntentCreateParams,
            {"amount": "1", "currency": "usd", "capture_method": "by_hand"},
        ),
        (params.RefundCreateParams, {"charge": "ch_1", "reason": "bogus"}),
        (params.TransferCreateParams, {"currency": "usd", "destination": {"id": "x"}}),
    ],
)
def test_the_judge_refuses_what_the_library_does_not_know(
    judge: Judge, type_: type, form: dict[str, Any]
) -> None:
    with pytest.raises(ValidationError):
        judge.judge_form(type_, form)


def test_the_judge_refuses_unknown_keys_at_any_depth(judge: Judge) -> None:
    transfers = {"stripe_transfers": {"requested": True, "requsted": True}}
    recipient = {"capabilities": {"stripe_balance": transfers}}
    with pytest.raises(ValidationError, match="requsted"):
        judge.judge_json(core.AccountCreateParams, {"configuration": {"recipient": recipient}})
