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
    """What an endpoint is given: who calls, the request for its path's parameters, and the body it accepts."""

    caller: Person
    request: Request
    body: Any = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """`path` is below `API`. `handle` answers with an instance of `answers`, or raises `faults.Refused`."""

    method: Literal["GET", "POST", "PATCH"]
    path: str
    summary: str
    answers: Any
    handle: Callable[[Call], Awaitable[Any]]
    status: int = 200
    accepts: Any = None
    """The type of the body, where it has one."""


def route(endpoint: Endpoint, clock: Clock, database: Database, body_bytes_max: int) -> Route:
    async def answer(request: Request) -> Response:
        caller = await signed_in(clock, database, request)
        body = None
        if endpoint.accepts is not None:
            body = _decoded(await _read(request, body_bytes_max), endpoint.accepts)
        value = await endpoint.handle(Call(caller, request, body))
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


async def _read(request: Request, bytes_max: int) -> bytes:
    """No more is kept than may be sent, whatever the header says."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > bytes_max:
            raise faults.refusal(
                "too-large", f"A body has at most {bytes_max} bytes.", limit=bytes_max
            )
    return bytes(body)


def _decoded(body: bytes, accepts: Any) -> Any:
    try:
        return msgspec.json.decode(body, type=accepts)
    except msgspec.ValidationError as error:
        what, _, place = str(error).partition(" - at `$.")
        field = place.rstrip("`") or (what.split("`")[1] if "`" in what else "")
        raise faults.refusal("bad-value", f"{faults.shortened(what, 200)}.", field=field) from None
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        said = faults.shortened(str(error), 200)
        raise faults.refusal("bad-message", f"The body is not JSON: {said}.") from None
