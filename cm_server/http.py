"""The REST edge: health for whoever runs the server, and what a signed-in client may read.

Everything that changes something goes over the control channel, but for what has to work without an editor: the ticket a
browser needs to open it, and a mentor's profile.
"""

from collections.abc import Sequence
from importlib.metadata import version
from typing import Final

import msgspec
import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from cm_server import endpoints, openapi
from cm_server.clock import Clock
from cm_server.db import Database, StorageUnavailable
from cm_server.endpoints import API, Call, Endpoint
from cm_server.people import auth
from cm_server.settings import Settings
from cm_wire.ids import PersonId
from cm_wire.version import PROTOCOL_VERSION

DISTRIBUTION: Final = "codementor-lsp"
HEALTH: Final = "/healthz"
READY: Final = "/readyz"

_log = structlog.stdlib.get_logger(__name__)


class Me(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's own account."""

    id: PersonId
    email: str
    name: str
    is_mentor: bool


class Ticket(msgspec.Struct, frozen=True):
    """Goes into a socket's address as `?token=`; works once, for `seconds`."""

    token: str
    seconds: int


def routes(
    settings: Settings, clock: Clock, database: Database, more: Sequence[Endpoint] = ()
) -> list[BaseRoute]:
    """`more` are the endpoints of the stages."""
    served = [*_people(settings, clock, database), *more]
    document = msgspec.json.encode(
        openapi.document(served, version(DISTRIBUTION), settings.address)
    )

    async def healthz(_: Request) -> Response:
        return _json({"status": "ok", "protocol": PROTOCOL_VERSION})

    async def readyz(_: Request) -> Response:
        try:
            await database.check()
        except StorageUnavailable as error:
            _log.error("not ready", reason=str(error))
            return _json({"status": "unavailable", "why": "database"}, 503)
        return _json({"status": "ready"})

    async def described(_: Request) -> Response:
        return Response(document, media_type="application/json")

    return [
        Route(HEALTH, healthz),
        Route(READY, readyz),
        Route(f"{API}/openapi.json", described),
        *(
            endpoints.route(endpoint, clock, database, settings.http_body_bytes)
            for endpoint in served
        ),
    ]


def _people(settings: Settings, clock: Clock, database: Database) -> list[Endpoint]:
    async def me(call: Call) -> Me:
        person = call.caller
        return Me(id=person.id, email=person.email, name=person.name, is_mentor=person.is_mentor)

    async def ticket(call: Call) -> Ticket:
        seconds = settings.ticket_seconds
        return Ticket(await auth.issue_ticket(clock, database, call.caller.id, seconds), seconds)

    return [
        Endpoint("GET", "/me", "Who the token belongs to", Me, me),
        Endpoint("POST", "/tickets", "A ticket for a browser's socket", Ticket, ticket, status=201),
    ]


def _json(value: object, status: int = 200) -> Response:
    return Response(msgspec.json.encode(value), status, media_type="application/json")
