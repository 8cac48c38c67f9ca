"""Plugs the stages into one another: who listens to whom, which clock each goes by, what runs in the background.

Owns: the background tasks, their start and their end in the right order. Does not own HTTP (`app`). A guess that would be
wrong: a demonstration's faster clock moves everything. It moves billed time alone; people, networks and card holds keep to
real time, so their limits are stretched where the meter measures them.
"""

import asyncio
from collections.abc import Coroutine
from dataclasses import dataclass, field
from typing import Any

import structlog
from starlette.routing import BaseRoute, WebSocketRoute

from cm_server import sockets, sync_socket
from cm_server.ask.rules import Allowance
from cm_server.billing.gateway import PaymentGateway
from cm_server.billing.till import Till
from cm_server.clock import Clock
from cm_server.control_connection import Manners
from cm_server.db import Database
from cm_server.flow import meeting, payments, ticking
from cm_server.flow.desk import Desk
from cm_server.flow.live import LiveSessions
from cm_server.flow.works import Deadlines, Works
from cm_server.hub import Hub
from cm_server.identity import NewId
from cm_server.matching.waves import Pace
from cm_server.meter.counting import MeterRules
from cm_server.meter.rating import BasisPoints, Plan
from cm_server.meter.recorder import Recorder
from cm_server.people import auth
from cm_server.session.rooms import Rooms
from cm_server.settings import Settings
from cm_server.sockets import ControlChannel
from cm_wire.ids import PersonId

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Floor:
    """What everything stands on. `paid_clock` may run faster than `clock`, in a demonstration."""

    settings: Settings
    clock: Clock
    paid_clock: Clock
    database: Database
    hub: Hub
    new_id: NewId
    gateway: PaymentGateway


@dataclass(slots=True)
class Assembly:
    works: Works
    control: ControlChannel
    routes: list[BaseRoute]
    _tasks: list[asyncio.Task[None]] = field(default_factory=list)

    async def start(self) -> None:
        """Take over what the last process left, then begin to work; before anyone is served."""
        self.works.rooms.start()
        await ticking.recover(self.works)
        self.begin("meters", self.works.recorder.run())
        self.begin("ticks", ticking.run(self.works))
        self.begin("payments", payments.run(self.works))

    async def stop(self) -> None:
        """Send everybody away, finish the commands that were begun, then store what waits."""
        self.control.stop()
        await self.control.answers.settle()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.works.recorder.checkpoint()
        await self.works.rooms.close()

    def begin(self, name: str, work: Coroutine[Any, Any, None]) -> None:
        """Run `work` beside the server until `stop`."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(_say_if_failed)
        self._tasks.append(task)


@dataclass(frozen=True, slots=True)
class SignIn:
    """The document channel's way to people."""

    clock: Clock
    database: Database

    async def by_token(self, token: str) -> PersonId:
        return (await auth.authenticate(self.clock, self.database, token)).id

    async def by_ticket(self, ticket: str) -> PersonId:
        return (await auth.redeem_ticket(self.clock, self.database, ticket)).id


def assemble(floor: Floor) -> Assembly:
    settings, database, hub = floor.settings, floor.database, floor.hub
    live = LiveSessions(hub)
    rooms = Rooms(database, hub, floor.paid_clock, floor.new_id, live)
    recorder = Recorder(
        floor.paid_clock, database, live, rules=_meter_rules(settings), beside=meeting.beside
    )
    live.attach(recorder)
    works = Works(
        desk=_desk(floor),
        paid_clock=floor.paid_clock,
        live=live,
        rooms=rooms,
        recorder=recorder,
        deadlines=_deadlines(settings),
        plan=_plan(settings),
    )
    origins = (*settings.allowed_origins, settings.address)
    control = ControlChannel(
        works, server="codementor", origins=origins, manners=_manners(settings)
    )
    routes = [
        WebSocketRoute(sockets.PATH, control.serve, name="events"),
        *sync_socket.routes(rooms, SignIn(floor.clock, database), origins),
    ]
    return Assembly(works, control, routes)


def _desk(floor: Floor) -> Desk:
    settings = floor.settings
    return Desk(
        clock=floor.clock,
        database=floor.database,
        hub=floor.hub,
        new_id=floor.new_id,
        pace=Pace(
            seats=settings.offer_wave_size,
            window_ms=settings.offer_window_seconds * 1000,
            grace_ms=settings.offer_grace_seconds * 1000,
            nobody_after_ms=settings.nobody_after_seconds * 1000,
        ),
        ask_open_ms=settings.ask_expires_seconds * 1000,
        ask_waits_ms=settings.ask_waits_minutes * 60_000,
        allowance=Allowance(settings.asks_per_ten_minutes, settings.asks_per_day),
        till=Till(
            clock=floor.clock,
            database=floor.database,
            gateway=floor.gateway,
            return_url=f"{settings.address}/paid",
            commission=BasisPoints(settings.commission_percent * 100),
            refund_window_ms=settings.refund_window_hours * 3_600_000,
        ),
    )


def _meter_rules(settings: Settings) -> MeterRules:
    """Silence and idleness are people's, so on a faster clock they last as many times longer."""
    factor_ms = 1000 * settings.clock_factor
    usual = MeterRules()
    return MeterRules(
        silence_ms=settings.link_lost_pause_seconds * factor_ms,
        idle_ms=settings.idle_pause_seconds * factor_ms,
        warn_percent=settings.cap_warning_percent,
        tell_every_ms=usual.tell_every_ms,
        lapse_ms=(settings.idle_end_seconds - settings.idle_pause_seconds) * factor_ms,
        cap_lapse_ms=usual.cap_lapse_ms * settings.clock_factor,
    )


def _deadlines(settings: Settings) -> Deadlines:
    usual = Deadlines()
    return Deadlines(
        triage_ms=settings.triage_minutes * 60_000 * settings.clock_factor,
        mentor_comes_ms=usual.mentor_comes_ms * settings.clock_factor,
        rating_ms=settings.rating_window_days * 86_400_000,
    )


def _plan(settings: Settings) -> Plan:
    increment = settings.billing_increment_seconds
    return Plan(first_seconds=increment, increment_seconds=increment)


def _manners(settings: Settings) -> Manners:
    return Manners(
        heartbeat_ms=settings.heartbeat_seconds * 1000,
        silent_ms=settings.silent_seconds * 1000,
        hello_seconds=settings.sign_in_seconds,
        per_person_max=settings.connections_per_person,
        connections_max=settings.connections_max,
        messages_per_second=settings.requests_per_second,
        messages_burst=settings.requests_burst,
    )


def _say_if_failed(task: "asyncio.Task[None]") -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.critical("background work ended", task=task.get_name(), exc_info=task.exception())
