"""The composition root: the one place that knows every part and plugs them together.

`build` makes and connects; nothing runs until `App.start`, which uvicorn's lifespan calls (a test may call it itself).
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import structlog
from starlette.applications import Starlette
from starlette.exceptions import HTTPException

from cm_server import http, identity, problems
from cm_server.clock import Clock
from cm_server.db import Database, StorageUnavailable
from cm_server.hub import Hub
from cm_server.identity import NewId
from cm_server.settings import Settings
from cm_wire.faults import Refused

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class App:
    """The parts a test or a command may reach for. `asgi` is what a web server runs."""

    settings: Settings
    clock: Clock
    database: Database
    hub: Hub
    new_id: NewId
    asgi: Starlette

    async def start(self) -> None:
        """Open for work; raises `StorageUnavailable` when the database is not there."""
        await self.database.check()
        _log.info("started", boot=self.clock.boot_id, demo=self.settings.demo)

    async def stop(self) -> None:
        """Finish what was promised (writes in the queue), then close."""
        await self.database.close()
        _log.info("stopped")


def build(settings: Settings, clock: Clock, new_id: NewId = identity.random_id) -> App:
    database = Database(settings.database)
    app: App = App(
        settings=settings,
        clock=clock,
        database=database,
        hub=Hub(clock.boot_id),
        new_id=new_id,
        asgi=Starlette(
            routes=http.routes(settings, clock, database),
            exception_handlers={
                Refused: problems.on_refused,
                StorageUnavailable: problems.on_storage_unavailable,
                HTTPException: problems.on_http_exception,
                Exception: problems.on_bug,
            },
            lifespan=lambda _: _lifespan(app),
        ),
    )
    return app


@asynccontextmanager
async def _lifespan(app: App) -> AsyncIterator[None]:
    await app.start()
    try:
        yield
    finally:
        await app.stop()
