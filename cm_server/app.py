"""The composition root: the one place that knows every part and plugs them together.

`build` makes and connects; nothing runs until `App.start`, which uvicorn's lifespan calls (a test may call it itself).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import BaseRoute, Mount

from cm_server import (
    assembly,
    demo_cards,
    http,
    identity,
    mentor_profiles,
    pages,
    problems,
    webhooks,
)
from cm_server.assembly import Assembly, Floor
from cm_server.billing import payment_connection
from cm_server.billing.payment_connection import Connection
from cm_server.clock import Clock, SystemClock
from cm_server.db import Database, StorageUnavailable
from cm_server.flow.desk import Desk
from cm_server.hub import Hub
from cm_server.identity import NewId
from cm_server.payment_service.webhooks import Sink
from cm_server.payment_service.world import Settings as PaymentServiceSettings
from cm_server.request_rates import Rate, RequestRates
from cm_server.settings import Settings
from cm_wire.faults import Refused

PAYMENT_PAGES: Final = "/demo-payments"

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class App:
    """The parts a test or a command may reach for. `asgi` is what a web server runs."""

    settings: Settings
    clock: Clock
    database: Database
    hub: Hub
    new_id: NewId
    payments: Connection
    assembly: Assembly
    asgi: Starlette

    async def start(self) -> None:
        """Open for work; raises `StorageUnavailable` when the database is not there."""
        await self.database.check()
        await self.assembly.start()
        if self.payments.embedded is not None:
            self.assembly.begin("payment service", self.payments.embedded.run())
        if self.settings.demo and self.payments.embedded is not None:
            await demo_cards.save(self.assembly.works.desk.till, self.payments.embedded)
        _log.info("started", boot=self.clock.boot_id, demo=self.settings.demo)

    async def stop(self) -> None:
        """Finish what was promised (commands begun, writes in the queue), then close."""
        await self.assembly.stop()
        await self.payments.gateway.close()
        if self.payments.embedded is not None:
            self.payments.embedded.close()
        await self.database.close()
        _log.info("stopped")


def build(
    settings: Settings,
    clock: Clock,
    new_id: NewId = identity.random_id,
    payments: Connection | None = None,
) -> App:
    """`clock` is the one billed time is measured on; where it runs faster, everything else keeps to real time."""
    real_clock = clock if settings.clock_factor == 1 else SystemClock()
    database = Database(settings.database)
    hub = Hub(clock.boot_id)
    # Only events of the embedded service come this way; by then the till exists.
    paying = payments or _payments(
        settings,
        real_clock,
        lambda body, sign: webhooks.take(app.assembly.works.desk.till, body, sign),
    )
    floor = Floor(settings, real_clock, clock, database, hub, new_id, paying.gateway)
    assembled = assembly.assemble(floor)
    till = assembled.works.desk.till
    app: App = App(
        settings=settings,
        clock=real_clock,
        database=database,
        hub=hub,
        new_id=new_id,
        payments=paying,
        assembly=assembled,
        asgi=Starlette(
            routes=[
                *_rest(settings, assembled.works.desk),
                *pages.routes(till, settings.address),
                *assembled.routes,
                webhooks.route(till),
                *_payment_pages(paying),
            ],
            exception_handlers={
                Refused: problems.on_refused,
                StorageUnavailable: problems.on_storage_unavailable,
                HTTPException: problems.on_http_exception,
                Exception: problems.on_bug,
            },
            middleware=[_rates(settings, real_clock)],
            lifespan=lambda _: _lifespan(app),
        ),
    )
    return app


def _rates(settings: Settings, clock: Clock) -> Middleware:
    signed_in = Rate(settings.requests_per_second, settings.requests_burst)
    anonymous = Rate(settings.anonymous_requests_per_second, settings.anonymous_requests_burst)
    # Whoever runs the server asks after its health, and the payment provider signs what it sends.
    free = {http.HEALTH, http.READY, webhooks.PATH}
    return Middleware(RequestRates, clock, signed_in, anonymous, free)


def _rest(settings: Settings, desk: Desk) -> list[BaseRoute]:
    more = [
        *mentor_profiles.endpoints(desk, settings.currency),
        *pages.endpoints(desk.till, settings.address),
    ]
    return http.routes(settings, desk.clock, desk.database, more)


def _payments(settings: Settings, clock: Clock, sink: Sink) -> Connection:
    """Stripe itself, or the embedded stand-in, whose state lies beside the database."""
    if settings.payment_service == "stripe":
        signing = (settings.stripe_webhook_secret, settings.stripe_webhook_secret_before)
        return payment_connection.to_stripe(
            settings.stripe_secret_key.get_secret_value(),
            [secret.get_secret_value() for secret in signing if secret.get_secret_value()],
        )
    return payment_connection.to_embedded(
        clock,
        settings=PaymentServiceSettings(pages_url=f"{settings.address}{PAYMENT_PAGES}"),
        sink=sink,
        state_path=settings.data_folder / "payment-service.sqlite3",
    )


def _payment_pages(paying: Connection) -> list[BaseRoute]:
    if paying.embedded is None:
        return []
    return [Mount(PAYMENT_PAGES, app=paying.embedded.pages, name="payment pages")]


@asynccontextmanager
async def _lifespan(app: App) -> AsyncIterator[None]:
    await app.start()
    try:
        yield
    finally:
        await app.stop()
