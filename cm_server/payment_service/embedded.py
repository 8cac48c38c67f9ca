"""The whole stand-in in one object: its application, its clock, its state, its webhooks.

Owns: putting the parts together and the loop that sends webhooks. Does not own: any of the parts.
A reader would guess a background task: nothing runs until somebody awaits `run`.
"""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from cm_server.payment_service import pages, webhooks
from cm_server.payment_service.api import Api, catch_up
from cm_server.payment_service.faults import FaultPlan
from cm_server.payment_service.problems import Problem
from cm_server.payment_service.state import State, Store
from cm_server.payment_service.webhooks import Sink
from cm_server.payment_service.world import Settings, World

DELIVERY_PAUSE_SECONDS = 0.2
_log = logging.getLogger(__name__)


class Clock(Protocol):
    def now(self) -> datetime: ...
    async def sleep(self, seconds: float) -> None: ...


@dataclass(frozen=True)
class WebhookRoute:
    """Where events go: the endpoint's secret and the way to it."""

    secret: str
    sink: Sink


@dataclass
class PaymentService:
    """`api` speaks as api.stripe.com does, `pages` belongs under `settings.pages_url`."""

    clock: Clock
    store: Store
    chance: random.Random
    settings: Settings = field(default_factory=Settings)
    faults: FaultPlan = field(default_factory=FaultPlan)
    webhook_route: WebhookRoute | None = None

    def __post_init__(self) -> None:
        self.world = World(State(self.store), self.clock.now, self.chance, self.settings)
        api = Api(self.world, self.faults, self.clock.sleep, self._after_change)
        handlers = {404: _unknown_route, 405: _unknown_route}
        self.api = Starlette(routes=api.routes(), exception_handlers=handlers)
        self.pages = Starlette(routes=pages.Pages(self.world, self._after_page).routes())

    async def deliver_due(self) -> int:
        """Catch up with the clock and send what is due; gives the number of requests made."""
        catch_up(self.world)
        self.world.state.save()
        if self.webhook_route is None:
            return 0
        route = self.webhook_route
        return await webhooks.deliver_due(self.world, self.faults, route.secret, route.sink)

    async def run(self) -> None:
        """Send webhooks until cancelled."""
        while True:
            try:
                await self.deliver_due()
            except Exception:  # noqa: BLE001 - guard point, logged
                # A receiver that fails must not end the sending; the event stays owed.
                _log.exception("a webhook delivery of the demo payment service failed")
            await self.clock.sleep(DELIVERY_PAUSE_SECONDS)

    def change(self, act: Callable[[World], object]) -> None:
        """What a bank or Stripe itself decides, e.g. `lambda w: disputes.decide(w, id, won=True)`."""
        act(self.world)
        self.world.state.save()

    def close(self) -> None:
        self.world.state.save()
        self.world.state.close()

    async def _after_change(self) -> None:
        if self.faults.early:
            await self.deliver_due()

    async def _after_page(self) -> None:
        self.world.state.save()
        await self._after_change()


async def _unknown_route(request: Request, _: Exception) -> Response:
    message = f"Unrecognized request URL ({request.method}: {request.url.path})."
    return JSONResponse(Problem(404, None, message).body(), status_code=404)
