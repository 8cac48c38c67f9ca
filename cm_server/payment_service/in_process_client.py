"""The way from the `stripe` library to the stand-in without a socket.

Owns: the httpx transport that calls the application directly. Does not own: the library's side
(`cm_server.billing.stripe_http`).
A reader would guess that a played connection loss is an exception of the application: it leaves
here as the error httpx raises for a real one.
"""

from __future__ import annotations

import httpx
from starlette.types import ASGIApp

from cm_server.payment_service.faults import ConnectionLost

BASE_URL = "http://payment-service.invalid"
"""Reserved (RFC 2606): should anything ever send there by network, it cannot arrive."""


class InProcessTransport(httpx.AsyncBaseTransport):
    def __init__(self, app: ASGIApp) -> None:
        self._inner = httpx.ASGITransport(app)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        try:
            return await self._inner.handle_async_request(request)
        except ConnectionLost as lost:
            raise httpx.RemoteProtocolError("the connection broke", request=request) from lost


def client(app: ASGIApp) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=InProcessTransport(app))
