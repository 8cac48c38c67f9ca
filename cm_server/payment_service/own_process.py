"""The stand-in behind a real socket, on the loopback interface only.

Owns: one application of API and pages, and breaking connections for real when a fault says so.
Does not own: the stand-in itself (`embedded`).
A reader would guess that a broken connection needs the socket: an answer that promises more bytes
than it sends makes the server close it.
"""

from __future__ import annotations

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.types import ASGIApp, Receive, Scope, Send

from cm_server.payment_service.embedded import PaymentService
from cm_server.payment_service.faults import ConnectionLost

PAGES_PATH = "/demo"


def application(service: PaymentService) -> ASGIApp:
    """Pages under `/demo`, everything else as api.stripe.com."""
    return _BreakingConnections(joined(service))


def joined(service: PaymentService) -> Starlette:
    """The same for callers in this process, to whom a lost connection is an exception."""
    return Starlette(routes=[Mount(PAGES_PATH, service.pages), Mount("/", service.api)])


class _BreakingConnections:
    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except ConnectionLost:
            promised = [(b"content-length", b"1000"), (b"connection", b"close")]
            await send({"type": "http.response.start", "status": 200, "headers": promised})
