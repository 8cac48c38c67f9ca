"""One description per REST endpoint, from which both the route and its part of the OpenAPI document are made.

Owns: signing the caller in, decoding the body, encoding the answer. Does not own what an endpoint does.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final, Literal

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cm_server.clock import Clock
from cm_server.db import Database
from cm_server.people import auth
from cm_server.people.person import Person
from cm_wire import faults

API: Final = "/api/v1"
SCHEME: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Call:
    """What an endpoint is given: who calls, and the request for its path's parameters."""

    caller: Person
    request: Request


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`path` is below `API`. `handle` answers with an instance of `answers`, or raises `faults.Refused`."""

    method: Literal["GET", "POST"]
    path: str
    summary: str
    answers: Any
    handle: Callable[[Call], Awaitable[Any]]
    status: int = 200


def route(endpoint: Endpoint, clock: Clock, database: Database) -> Route:
    async def answer(request: Request) -> Response:
        caller = await signed_in(clock, database, request)
        value = await endpoint.handle(Call(caller, request))
        return Response(
            msgspec.json.encode(value),
            endpoint.status,
            {"Cache-Control": "no-store"},
            media_type="application/json",
        )

    return Route(API + endpoint.path, answer, methods=[endpoint.method], name=endpoint.summary)


async def signed_in(clock: Clock, database: Database, request: Request) -> Person:
    """The caller by the `Authorization` header alone: a token in an address ends in logs and histories."""
    header = request.headers.get("authorization", "")
    if not header.lower().startswith(SCHEME):
        raise faults.refusal(
            "sign-in", "This needs a token.", "Send it as the header Authorization: Bearer TOKEN."
        )
    return await auth.authenticate(clock, database, header[len(SCHEME) :].strip())
