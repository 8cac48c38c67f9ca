"""Refusals as HTTP tells them: RFC 9457 `application/problem+json`, one status for each fault code."""

import secrets
from collections.abc import Mapping
from http import HTTPStatus
from types import MappingProxyType
from typing import Final

import msgspec
import structlog
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection, Request
from starlette.responses import Response

from cm_server.db import StorageUnavailable
from cm_wire.faults import Fault, FaultCode, Refused, shortened

_log = structlog.stdlib.get_logger(__name__)

MEDIA_TYPE: Final = "application/problem+json"
RETRY_SECONDS: Final = 2

STATUS: Final[Mapping[FaultCode, int]] = MappingProxyType(
    {
        "bad-message": 400,
        "unknown-command": 400,
        "unsupported-version": 400,
        "too-deep": 400,
        "sign-in": 401,
        "card-needed": 402,
        "card-declined": 402,
        "payment-action-needed": 402,
        "not-allowed": 403,
        "no-such-ask": 404,
        "no-such-offer": 404,
        "no-such-session": 404,
        "no-such-person": 404,
        "wrong-state": 409,
        "already-busy": 409,
        "key-used": 409,
        "offer-gone": 409,
        "too-late": 409,
        "session-over": 410,
        "too-large": 413,
        "too-fast": 429,
        "too-many": 429,
        "internal": 500,
        "unavailable": 503,
        "nobody-now": 503,
        "storage-full": 507,
    }
)
"""A code that is not here is about the meaning of a well-formed request: 422."""

_CODES: Final = MappingProxyType({404: "no-such-route", 405: "wrong-method"})


class Problem(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`type` is `about:blank`, so `title` is the status; `code` is what a client may branch on."""

    title: str
    status: int
    detail: str
    code: str
    type: str = "about:blank"
    instance: str = ""
    field: str = ""
    limit: int | None = None
    got: int | None = None
    ref: str = ""


def response(
    request: HTTPConnection, fault: Fault, headers: Mapping[str, str] | None = None
) -> Response:
    status = STATUS.get(fault.code, 422)
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=str(fault),
        code=fault.code,
        instance=request.url.path,
        field=fault.field,
        limit=fault.limit,
        got=fault.got,
        ref=fault.ref,
    )
    return _rendered(problem, {**_headers(status), **(headers or {})})


async def on_refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return response(request, error.fault)


async def on_storage_unavailable(request: Request, error: Exception) -> Response:
    assert isinstance(error, StorageUnavailable)
    _log.error("storage unavailable", path=request.url.path, reason=str(error))
    return response(
        request,
        Fault(code="unavailable", message="The database does not answer.", do="Try again shortly."),
    )


async def on_http_exception(request: Request, error: Exception) -> Response:
    """What Starlette refuses by itself: no such route, no such method."""
    assert isinstance(error, HTTPException)
    status = error.status_code
    problem = Problem(
        title=HTTPStatus(status).phrase,
        status=status,
        detail=f"{request.method} {shortened(request.url.path)}: {error.detail}.",
        code=_CODES.get(status, "bad-message"),
        instance=request.url.path,
    )
    return _rendered(problem, dict(error.headers or {}))


async def on_bug(request: Request, error: Exception) -> Response:
    """Ours. The caller gets the reference of the log line, and nothing of what went wrong."""
    reference = secrets.token_hex(4)
    _log.error("internal error", path=request.url.path, ref=reference, exc_info=error)
    fault = Fault(code="internal", message="Something of ours went wrong.", ref=reference)
    return response(request, fault)


def _rendered(problem: Problem, headers: Mapping[str, str]) -> Response:
    return Response(
        msgspec.json.encode(problem), problem.status, dict(headers), media_type=MEDIA_TYPE
    )


def _headers(status: int) -> dict[str, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": 'Bearer realm="codementor"'}
    if status in (HTTPStatus.SERVICE_UNAVAILABLE, HTTPStatus.TOO_MANY_REQUESTS):
        return {"Retry-After": str(RETRY_SECONDS)}
    return {}
