"""A world of money for each test, or a whole server with the embedded payment service."""

import random
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from cm_server import db, schema, webhooks
from cm_server.billing.payment_connection import Connection, in_process
from cm_server.payment_service import webhooks as deliveries
from cm_server.payment_service.embedded import PaymentService, WebhookRoute
from cm_server.payment_service.state import MemoryStore
from cm_server.payment_service.world import Settings as PaymentSettings
from tests.support import meeting_pair, money_world
from tests.support import world as whole_server
from tests.support.manual_clock import ManualClock
from tests.support.money_world import MoneyWorld
from tests.support.world import World

SECRET = "whsec_running"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[MoneyWorld]:
    made = money_world.new(tmp_path)
    await made.save_card()
    await made.onboard()
    yield made
    await made.close()


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    """The embedded service delivers its webhooks over HTTP, as Stripe does."""
    engine = db.open_engine(f"sqlite:///{tmp_path / 'codementor.sqlite3'}", writes=True)
    schema.migrate(engine)
    engine.dispose()
    # A command line beside it goes by the machine's clock, so this one starts there.
    clock = ManualClock(datetime.now(UTC))
    ports: list[int] = []
    async with httpx.AsyncClient() as http:

        async def send(body: bytes, signature: str) -> int:
            url = f"http://127.0.0.1:{ports[0]}{webhooks.PATH}"
            return await deliveries.http_sink(http, url)(body, signature)

        service = PaymentService(
            clock,
            MemoryStore(),
            random.Random(4),
            PaymentSettings(meeting_pair.PAYMENT_PAGES),
            webhook_route=WebhookRoute(SECRET, send),
        )
        paying = Connection(in_process(service, [SECRET]), service)
        async with whole_server.running(tmp_path, clock, paying) as running:
            ports.append(running.port)
            yield running
