"""The document channel on a real socket: uvicorn, SQLite, the real rooms; people and tokens are made up.

A token is the person's id. As a program (`python -m tests.support.document_server DATABASE PORT`) it is what kill tests kill.
"""

import asyncio
import logging
import socket
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import structlog
import uvicorn
from sqlalchemy import Table
from sqlmodel import Session, SQLModel
from starlette.applications import Starlette
from starlette.routing import BaseRoute

from cm_server import sync_socket
from cm_server.clock import SystemClock
from cm_server.db import Database, StorageUnavailable
from cm_server.frame_socket import FrameSocket
from cm_server.hub import Hub
from cm_server.identity import random_id
from cm_server.session import events, lifecycle, store
from cm_server.session.alarm import Watcher
from cm_server.session.connection import Pacing
from cm_server.session.rooms import Rooms
from cm_wire import faults, limits
from cm_wire.ids import AskId, ConnectionId, PersonId, SessionId
from cm_wire.money import Money
from cm_wire.to_client import EditsStored, Happened
from tests.support.unwatched import Unwatched

LEARNER, MENTOR, STRANGER = (
    PersonId("per_learner"),
    PersonId("per_mentor"),
    PersonId("per_stranger"),
)
SESSION = SessionId("ses_one")


T = TypeVar("T")


class TokensAreIds:
    async def by_token(self, token: str) -> PersonId:
        if not token.startswith("per_"):
            raise faults.refusal("sign-in", "The token is not known here, or no longer valid.")
        return PersonId(token)

    by_ticket = by_token


class UnreliableDatabase(Database):
    """A database that can go away and come back, and whose answers to writes can be held back."""

    is_away = False

    def __init__(self, url: str) -> None:
        super().__init__(url)
        self.answers = asyncio.Event()
        self.answers.set()

    async def write(self, work: Callable[[Session], T]) -> T:
        self._check()
        written = await super().write(work)
        await self.answers.wait()
        return written

    async def append(self, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
        self._check()
        await super().append(table, rows)

    def _check(self) -> None:
        if self.is_away:
            raise StorageUnavailable("The database is away.")


@dataclass
class DocumentServer:
    database: UnreliableDatabase
    hub: Hub
    rooms: Rooms
    clock: SystemClock
    port: int = 0

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/api/v1/sessions/{SESSION}/sync"

    async def open_session(self, session_id: SessionId = SESSION) -> None:
        opening = lifecycle.Opening(
            session_id=session_id,
            ask_id=AskId("ask_one"),
            learner=LEARNER,
            learner_name="Lea",
            mentor=MENTOR,
            mentor_name="Mo",
            price_per_quarter=Money(1000, "USD"),
            cap_minutes=30,
            mode="live",
        )
        at = events.moment(self.clock)

        def work(session: Session) -> None:
            if store.find(session, session_id) is None:
                lifecycle.open_session(session, opening, at)

        await self.database.write(work)

    async def end_session(self) -> None:
        at = events.moment(self.clock)
        await self.database.write(lambda s: lifecycle.end(s, SESSION, "learner-ended", at, LEARNER))
        await self.rooms.end(SESSION)


def made(url: str, watcher: Watcher | None = None, pacing: Pacing | None = None) -> DocumentServer:
    database = UnreliableDatabase(url)
    SQLModel.metadata.create_all(database.engine)
    clock = SystemClock()
    hub = Hub(clock.boot_id)
    rooms = Rooms(database, hub, clock, random_id, watcher or Unwatched(), pacing)
    return DocumentServer(database, hub, rooms, clock)


@asynccontextmanager
async def serving(
    path: Path, watcher: Watcher | None = None, pacing: Pacing | None = None, port: int = 0
) -> AsyncIterator[DocumentServer]:
    """Serve until the block ends; then stop as a signal would stop it."""
    server = made(f"sqlite:///{path}", watcher, pacing)
    server.rooms.start()
    listening = socket.create_server(("127.0.0.1", port))
    server.port = listening.getsockname()[1]
    origins = {"http://127.0.0.1"}
    web = uvicorn.Server(config(sync_socket.routes(server.rooms, TokensAreIds(), origins)))
    running = asyncio.create_task(web.serve(sockets=[listening]))
    try:
        while not web.started:  # noqa: ASYNC110 - uvicorn announces it no other way
            await asyncio.sleep(0)
        yield server
    finally:
        web.should_exit = True
        await running
        await server.rooms.close()
        await server.database.close()


def config(routes: list[BaseRoute]) -> uvicorn.Config:
    """The web server as the product runs it, for these routes."""
    return uvicorn.Config(
        Starlette(routes=routes),
        ws=FrameSocket,
        ws_per_message_deflate=False,
        ws_max_size=2 * limits.SYNC_FRAME_BYTES_MAX,
        lifespan="off",
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=3,
    )


async def _main(path: str, port: int) -> None:
    """Tell what is stored on standard output, as the control channel would: `stored CLIENT CLOCK`."""
    logging.disable()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    async with serving(Path(path), pacing=Pacing(1e6, 1e6), port=port) as server:
        await server.open_session()
        if not server.rooms.present(SESSION) and not await _is_shared(server):
            await server.rooms.share(SESSION, LEARNER, "a.py", "python", "")
        server.hub.connect(LEARNER, ConnectionId("told"), _say_stored)
        _say(f"ready {server.port}")
        await asyncio.Event().wait()


def _say_stored(told: Happened) -> None:
    if isinstance(told.fact, EditsStored):
        _say(f"stored {told.fact.client} {told.fact.clock}")


def _say(line: str) -> None:
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


async def _is_shared(server: DocumentServer) -> bool:
    standing = await server.database.read(lambda s: store.find(s, SESSION))
    return standing is not None and bool(standing.files)


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
