"""Three payment worlds under one gateway: the fake, the stand-in in process, and over loopback.

Owns: what stands in for people and banks in each (`PaymentWorld`), so one suite runs on all.
Does not own: the gateways. A reader would guess that the stand-in's pages are bypassed: cards are
saved and challenges passed by submitting its real forms.
"""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Protocol

import httpx
import uvicorn

from cm_server.billing import payment_connection
from cm_server.billing.gateway import PaymentGateway
from cm_server.billing.gateway_outcomes import (
    AccountRef,
    ActionRequired,
    CardRef,
    CustomerRef,
    HostedPage,
)
from cm_server.payment_service import accounts, balance, cards, in_process_client, own_process
from cm_server.payment_service.embedded import PaymentService, WebhookRoute
from cm_server.payment_service.faults import CallFault
from cm_server.payment_service.state import MemoryStore
from cm_server.payment_service.world import Settings
from tests.support import fake_gateway, stripe_spec
from tests.support.fake_bank import Card
from tests.support.fake_gateway import FakeGateway, Fault

SECRET = "whsec_contract"
RETURN_URL = "https://editor.invalid/back"


class PaymentClock:
    """Stands still until it is moved; sleeping moves it."""

    def __init__(self) -> None:
        self._now = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self._now

    def advance(self, passed: timedelta) -> None:
        self._now += passed

    async def sleep(self, seconds: float) -> None:
        self._now += timedelta(seconds=seconds)
        await asyncio.sleep(0)


class PaymentWorld(Protocol):
    @property
    def gateway(self) -> PaymentGateway: ...

    clock: PaymentClock

    async def save_card(self, customer: CustomerRef, card: Card) -> CardRef: ...
    async def answer_challenge(self, asked: ActionRequired, *, passed: bool) -> None: ...
    async def finish_onboarding(self, account: AccountRef, page: HostedPage) -> None: ...
    async def lose_capability(self, account: AccountRef) -> None: ...
    async def empty_account(self, account: AccountRef) -> None: ...
    async def webhooks(self) -> list[tuple[bytes, str]]: ...
    def strike(self, fault: Fault) -> None: ...
    def go_down(self) -> None: ...


@dataclass
class FakeWorld:
    clock: PaymentClock
    gateway: FakeGateway
    _given: int = 0

    async def save_card(self, customer: CustomerRef, card: Card) -> CardRef:
        return self.gateway.bank.save_card(customer, card)

    async def answer_challenge(self, asked: ActionRequired, *, passed: bool) -> None:
        if passed:
            self.gateway.bank.pass_challenge(asked.ref)
        else:
            self.gateway.bank.refuse_challenge(asked.ref)

    async def finish_onboarding(self, account: AccountRef, page: HostedPage) -> None:
        self.gateway.bank.finish_onboarding(account)

    async def lose_capability(self, account: AccountRef) -> None:
        self.gateway.bank.lose_capability(account)

    async def empty_account(self, account: AccountRef) -> None:
        self.gateway.bank.mentor_can_pay_back = False

    async def webhooks(self) -> list[tuple[bytes, str]]:
        new = self.gateway.bank.sent[self._given :]
        self._given += len(new)
        return [self.gateway.bank.webhook(event) for event in new]

    def strike(self, fault: Fault) -> None:
        self.gateway.faults.append(fault)

    def go_down(self) -> None:
        self.gateway.unavailable = True


_CALL_FAULTS = {
    Fault.LOST_BEFORE: CallFault.LOST_BEFORE,
    Fault.LOST_AFTER: CallFault.LOST_AFTER,
    Fault.STORED_500: CallFault.STORED_500,
}
_CARD_NUMBERS = {card.last4: number for number, card in cards.BY_NUMBER.items()}


@dataclass
class StandInWorld:
    clock: PaymentClock
    gateway: PaymentGateway
    service: PaymentService
    browser: httpx.AsyncClient
    delivered: list[tuple[bytes, str]] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    _setups: int = 0

    async def save_card(self, customer: CustomerRef, card: Card) -> CardRef:
        self._setups += 1
        page = await self.gateway.card_setup_page(
            f"setup:{self._setups}", customer, done_url=RETURN_URL, cancel_url=RETURN_URL
        )
        form = {"card": _CARD_NUMBERS[card.value], "answer": "save"}
        await self._submit(page.url, form)
        saved = await self.gateway.saved_card(customer)
        assert saved is not None
        return saved.ref

    async def answer_challenge(self, asked: ActionRequired, *, passed: bool) -> None:
        await self._submit(asked.url, {"answer": "yes" if passed else "no"})

    async def finish_onboarding(self, account: AccountRef, page: HostedPage) -> None:
        await self._submit(page.url, {"answer": "done"})

    async def lose_capability(self, account: AccountRef) -> None:
        self.service.change(lambda world: accounts.restrict(world, account))

    async def empty_account(self, account: AccountRef) -> None:
        self.service.change(lambda world: balance.pay_out(world, account, "usd"))

    async def webhooks(self) -> list[tuple[bytes, str]]:
        await self.service.deliver_due()
        new = list(self.delivered)
        self.delivered.clear()
        return new

    def strike(self, fault: Fault) -> None:
        self.service.faults.calls.append(_CALL_FAULTS[fault])

    def go_down(self) -> None:
        self.service.faults.down = True

    async def _submit(self, url: str, form: dict[str, str]) -> None:
        shown = await self.browser.get(url)
        assert "DEMO: NO REAL MONEY" in shown.text
        answered = await self.browser.post(url, data=form)
        assert answered.status_code == 303, answered.text
        assert answered.headers["location"] == RETURN_URL


@asynccontextmanager
async def fake() -> AsyncIterator[PaymentWorld]:
    clock = PaymentClock()
    yield FakeWorld(clock, fake_gateway.new(clock.now))


@asynccontextmanager
async def in_process(
    settings: Settings | None = None,
) -> AsyncIterator[StandInWorld]:
    clock = PaymentClock()
    url = f"{in_process_client.BASE_URL}{own_process.PAGES_PATH}"
    made = _service(clock, settings or Settings(url, settlement_seconds=0))
    service, delivered, complaints = made
    gateway = payment_connection.in_process(service, [SECRET])
    async with in_process_client.client(own_process.joined(service)) as browser:
        yield StandInWorld(clock, gateway, service, browser, delivered, complaints)
    await gateway.close()
    assert complaints == []


@asynccontextmanager
async def over_loopback() -> AsyncIterator[PaymentWorld]:
    clock = PaymentClock()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        url = f"http://127.0.0.1:{listening.getsockname()[1]}"
        pages_url = f"{url}{own_process.PAGES_PATH}"
        made = _service(clock, Settings(pages_url, settlement_seconds=0))
        service, delivered, complaints = made
        app = own_process.application(service)
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        serving = asyncio.create_task(server.serve([listening]))
        gateway = payment_connection.to_stripe("sk_test_loop", [SECRET], api_url=url).gateway
        async with httpx.AsyncClient(trust_env=False) as browser:
            yield StandInWorld(clock, gateway, service, browser, delivered, complaints)
        await gateway.close()
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await serving
    assert complaints == []


def _service(
    clock: PaymentClock, settings: Settings
) -> tuple[PaymentService, list[tuple[bytes, str]], list[str]]:
    delivered: list[tuple[bytes, str]] = []
    complaints: list[str] = []

    async def sink(body: bytes, signature: str) -> int:
        stripe_spec.judge_webhook(body, complaints.append)
        delivered.append((body, signature))
        return 200

    route = WebhookRoute(SECRET, sink)
    seeded = random.Random(4)
    service = PaymentService(clock, MemoryStore(), seeded, settings, webhook_route=route)
    stripe_spec.watch(service, complaints.append)
    return service, delivered, complaints
