"""A whole server in this process: the real app under uvicorn on a free port, real SQLite, real sockets.

Time is a manual clock unless a test asks for the machine's. The payment provider is the fake one, or the embedded service.
A restart is a new app over the same files; what was in memory is gone.
"""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import uvicorn
from sqlmodel import SQLModel

from cm_server import app as composition
from cm_server import demo_cards
from cm_server.app import App
from cm_server.billing import payees, payment_connection
from cm_server.billing.payment_connection import Connection
from cm_server.clock import Clock
from cm_server.flow.works import Works
from cm_server.frame_socket import FrameSocket
from cm_server.payment_service.embedded import PaymentService
from cm_server.payment_service.state import MemoryStore
from cm_server.payment_service.world import Settings as PaymentSettings
from cm_server.people import accounts, auth
from cm_server.people.accounts import Profile
from cm_server.people.person import Person, Skill
from cm_server.settings import Settings
from cm_wire import asking, limits
from cm_wire.asking import AskContext, Diagnostic, Excerpt, Place, Span, Terms
from cm_wire.ids import SessionId
from cm_wire.money import Money
from tests.support import control_client, fake_gateway, yjs_client
from tests.support.control_client import ControlClient
from tests.support.fake_bank import Card
from tests.support.fake_gateway import FakeGateway
from tests.support.manual_clock import ManualClock
from tests.support.waiting import until
from tests.support.yjs_client import YjsClient

BACKGROUND_ROUNDS = 3
"""Meters, ticks, payments; the embedded payment service has one more."""

Payments = Literal["fake", "embedded"]


@dataclass(frozen=True)
class Someone:
    person: Person
    token: str


@dataclass
class World:
    app: App
    port: int
    clients: list[ControlClient] = field(default_factory=list)

    @property
    def works(self) -> Works:
        return self.app.assembly.works

    @property
    def clock(self) -> ManualClock:
        clock = self.app.clock
        assert isinstance(clock, ManualClock)
        return clock

    @property
    def events_url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/api/v1/events"

    def sync_url(self, session_id: SessionId) -> str:
        return f"ws://127.0.0.1:{self.port}/api/v1/sessions/{session_id}/sync"

    async def learner(
        self, name: str = "Lea", card: Card | None = Card.GOOD, email: str = ""
    ) -> Someone:
        someone = await self._someone(name, None, email)
        if card is not None:
            await self._save_card(someone.person, card)
        return someone

    async def mentor(
        self, name: str = "Mo", *, price: int = 1000, skills: str = "python", languages: str = "en"
    ) -> Someone:
        profile = Profile(
            price_per_quarter=Money(price, "USD"),
            skills=tuple(Skill(word, 4) for word in skills.split()),
            spoken_languages=tuple(languages.split()),
            years=7,
        )
        return await self._someone(name, profile, "")

    async def connect(self, someone: Someone) -> ControlClient:
        client = await control_client.opened(self.events_url, someone.token)
        self.clients.append(client)
        return client

    def document(
        self, session_id: SessionId, someone: Someone
    ) -> AbstractAsyncContextManager[YjsClient]:
        return yjs_client.joined(self.sync_url(session_id), someone.token)

    async def pass_time(self, seconds: float) -> None:
        """Let time go by in steps of at most a second, every client alive, every background round finished."""
        left = seconds
        while left > 0:
            step = min(1.0, left)
            await asyncio.gather(*(client.beat() for client in self._alive()))
            await self.clock.advance(step)
            await until(self._is_quiet, "background rounds to end")
            left -= step

    def _is_quiet(self) -> bool:
        """Every background round is over: each sleeps until its next, as does each connection's watch."""
        rounds = BACKGROUND_ROUNDS + (self.app.payments.embedded is not None)
        return self.clock.sleepers >= rounds + self.app.assembly.control.connections

    def _alive(self) -> list[ControlClient]:
        return [client for client in self.clients if client.closed_with is None]

    async def _someone(self, name: str, profile: Profile | None, email: str) -> Someone:
        app = self.app
        email = email or f"{name.lower()}@example.org"
        person = await accounts.add(app.clock, app.database, app.new_id, email, name, profile)
        return Someone(person, await auth.issue(app.clock, app.database, person.id, days=365))

    async def _save_card(self, person: Person, card: Card) -> None:
        till = self.works.desk.till
        embedded = self.app.payments.embedded
        if embedded is not None:
            await demo_cards.save(till, embedded, person.email)
            return
        customer = await payees.customer(till, person.id, email=person.email)
        gateway = self.app.payments.gateway
        assert isinstance(gateway, FakeGateway)
        gateway.bank.save_card(customer, card)


@asynccontextmanager
async def running(
    folder: Path,
    clock: Clock | None = None,
    payments: Payments | Connection = "fake",
    **settings: object,
) -> AsyncIterator[World]:
    """Serve until the block ends, then stop as a signal would."""
    listening = socket.create_server(("127.0.0.1", 0))
    port = listening.getsockname()[1]
    chosen = Settings(data_folder=folder, port=port, **settings)  # type: ignore[arg-type]
    clock = clock or ManualClock()
    paying = _paying(payments, clock) if isinstance(payments, str) else payments
    app = composition.build(chosen, clock, payments=paying)
    SQLModel.metadata.create_all(app.database.engine)
    web = uvicorn.Server(_configuration(app))
    serving = asyncio.create_task(web.serve(sockets=[listening]))
    world = World(app, port)
    try:
        await until(lambda: web.started or serving.done(), "the server to serve")
        yield world
    finally:
        for client in world.clients:
            await client.close()
        web.should_exit = True
        await serving


def context(
    text: str = "import asyncio\n\nasyncio.run(main)\n",
    *,
    language: str = "python",
    code: str = "reportArgumentType",
    question: str = "Why does this not run?",
) -> AskContext:
    span = Span(Place(2, 0), Place(2, 17))
    return AskContext(
        excerpt=Excerpt(
            path="app.py", language_id=language, text=text, first_line=0, selection=span
        ),
        diagnostics=(
            Diagnostic(message="a coroutine was expected", span=span, source="Pyright", code=code),
        ),
        libraries=(asking.Library("asyncio"),),
        question=question,
    )


def terms(cap_minutes: int = 30, price_max: int = 1500, languages: str = "") -> Terms:
    return Terms(
        cap_minutes=cap_minutes,
        price_max=Money(price_max, "USD"),
        spoken_languages=tuple(languages.split()),
    )


def _paying(payments: Payments, clock: Clock) -> Connection:
    if payments == "fake":
        return Connection(fake_gateway.new(clock.now), None)
    service = PaymentService(
        clock, MemoryStore(), random.Random(4), PaymentSettings("http://pages.invalid")
    )
    return Connection(payment_connection.in_process(service, ["whsec_world"]), service)


def _configuration(app: App) -> uvicorn.Config:
    return uvicorn.Config(
        app.asgi,
        ws=FrameSocket,
        ws_max_size=limits.CONTROL_FRAME_BYTES_MAX,
        ws_per_message_deflate=False,
        ws_ping_interval=None,
        lifespan="on",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
    )
