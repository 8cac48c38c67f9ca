"""The stand-in spoken to by plain HTTP, as a foreign Stripe client would.

Owns: a client with Stripe's headers and the shortest way to common objects. Does not own: the
stand-in. A reader would guess that keys are optional: each POST here gets one unless told not to.
"""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from itertools import count
from typing import Any

import httpx

from cm_server.payment_service import in_process_client, own_process
from cm_server.payment_service.embedded import PaymentService, WebhookRoute
from cm_server.payment_service.faults import FaultPlan
from cm_server.payment_service.state import MemoryStore, Store
from cm_server.payment_service.world import Settings
from tests.support import stripe_spec
from tests.support.payment_worlds import PaymentClock

URL = in_process_client.BASE_URL
BACK = "https://editor.invalid/back"
SECRET = "whsec_stand_in"


@dataclass
class StandIn:
    clock: PaymentClock = field(default_factory=PaymentClock)
    store: Store = field(default_factory=MemoryStore)
    settings: Settings = field(
        default_factory=lambda: Settings(f"{URL}{own_process.PAGES_PATH}", settlement_seconds=0)
    )
    faults: FaultPlan = field(default_factory=FaultPlan)
    received: list[tuple[bytes, str]] = field(default_factory=list)
    receiver_status: int = 200
    first_key: int = 1

    def __post_init__(self) -> None:
        self.service = PaymentService(
            self.clock,
            self.store,
            random.Random(7),
            self.settings,
            self.faults,
            WebhookRoute(SECRET, self._receive),
        )
        stripe_spec.watch(self.service, _refuse)
        self.http = httpx.AsyncClient(
            transport=in_process_client.InProcessTransport(own_process.joined(self.service)),
            base_url=URL,
            headers={"Authorization": "Bearer sk_test_x"},
        )
        self._keys = count(self.first_key)

    async def _receive(self, body: bytes, signature: str) -> int:
        stripe_spec.judge_webhook(body, _refuse)
        self.received.append((body, signature))
        return self.receiver_status

    async def post(self, path: str, key: str | None = None, **form: str) -> httpx.Response:
        named = key or f"key-{next(self._keys)}"
        return await self.http.post(path, data=form, headers={"Idempotency-Key": named})

    async def made(self, path: str, **form: str) -> dict[str, Any]:
        answer = await self.post(path, **form)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def get(self, path: str, **query: str) -> dict[str, Any]:
        answer = await self.http.get(path, params=query)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def learner(self, token: str = "pm_card_visa") -> dict[str, str]:
        """The form fields that pay with a new customer's card."""
        customer = (await self.made("/v1/customers", email="a@example.org"))["id"]
        method = await self.made(f"/v1/payment_methods/{token}/attach", customer=customer)
        return {"customer": customer, "payment_method": method["id"]}

    async def charge(self, amount: int = 1000, currency: str = "usd") -> dict[str, Any]:
        """A captured payment intent."""
        paying = await self.learner()
        return await self.made(
            "/v1/payment_intents",
            amount=str(amount),
            currency=currency,
            confirm="true",
            **paying,
        )

    async def hold(self, amount: int = 1000, token: str = "pm_card_visa") -> dict[str, Any]:
        paying = await self.learner(token)
        return await self.made(
            "/v1/payment_intents",
            amount=str(amount),
            currency="usd",
            confirm="true",
            capture_method="manual",
            return_url=BACK,
            **paying,
        )


def _refuse(complaint: str) -> None:
    raise AssertionError(complaint)


def error(answer: httpx.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json()["error"].get("code")
