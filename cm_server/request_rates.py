"""How often one caller may knock: a bucket for each token, and one for each address that shows none or a wrong one.

Owns: counting requests and socket openings, refusing what is too often. Does not own who a token belongs to: it learns of a wrong
one from the answer. A token that is refused is counted for its address, so that guessing under ever new names is no way around.
What is said inside an open socket has a rate of its own.
"""

import hashlib
import ipaddress
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cm_server import problems
from cm_server.clock import Clock
from cm_server.token_bucket import TokenBucket
from cm_wire.faults import Fault

CALLERS_MAX: Final = 10_000
NOT_SIGNED_IN: Final = frozenset({401, 4401})
"""As an answer's status, and as a socket's close code."""
HTTP_RESPONSE: Final = "websocket.http.response"
SCHEME: Final = "bearer "


@dataclass(frozen=True, slots=True)
class Rate:
    per_second: int
    burst: int


class _Buckets:
    """One for each caller. Who was not heard of longest is forgotten first, which gives them no more than a full one."""

    def __init__(self, rate: Rate, clock: Clock) -> None:
        self._rate = rate
        self._clock = clock
        self._of: OrderedDict[str, TokenBucket] = OrderedDict()

    def take(self, caller: str) -> bool:
        return self._bucket(caller).take(self._clock.monotonic_ms())

    def is_empty(self, caller: str) -> bool:
        bucket = self._of.get(caller)
        return bucket is not None and bucket.is_empty(self._clock.monotonic_ms())

    def _bucket(self, caller: str) -> TokenBucket:
        bucket = self._of.get(caller)
        if bucket is None:
            bucket = TokenBucket(
                self._rate.per_second, self._rate.burst, self._clock.monotonic_ms()
            )
            self._of[caller] = bucket
            if len(self._of) > CALLERS_MAX:
                self._of.popitem(last=False)
        self._of.move_to_end(caller)
        return bucket


class RequestRates:
    """ASGI, around everything else but the `free` paths."""

    def __init__(
        self, app: ASGIApp, clock: Clock, signed_in: Rate, anonymous: Rate, free: Collection[str]
    ) -> None:
        self._app = app
        self._free = free
        self._signed_in = _Buckets(signed_in, clock)
        self._anonymous = _Buckets(anonymous, clock)
        self._anonymous_rate = anonymous
        self._signed_in_rate = signed_in

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in {"http", "websocket"} or scope["path"] in self._free:
            await self._app(scope, receive, send)
            return
        asked = HTTPConnection(scope)
        address, token = _address(asked), _token(asked)
        exceeded = self._exceeded(address, token)
        if exceeded is not None:
            await _refuse(scope, receive, send, exceeded)
        elif not token:
            await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, self._counting_wrong_tokens(address, send))

    def _exceeded(self, address: str, token: str) -> Rate | None:
        if not token:
            return None if self._anonymous.take(address) else self._anonymous_rate
        if self._anonymous.is_empty(address):
            return self._anonymous_rate
        return None if self._signed_in.take(_digest(token)) else self._signed_in_rate

    def _counting_wrong_tokens(self, address: str, send: Send) -> Send:
        async def sending(message: Message) -> None:
            if message.get("status") in NOT_SIGNED_IN or message.get("code") in NOT_SIGNED_IN:
                self._anonymous.take(address)
            await send(message)

        return sending


async def _refuse(scope: Scope, receive: Receive, send: Send, rate: Rate) -> None:
    fault = Fault(
        code="too-fast",
        message=f"That is more than {rate.per_second} requests a second.",
        do="Slow down.",
        limit=rate.per_second,
    )
    if scope["type"] == "http" or HTTP_RESPONSE in scope.get("extensions", {}):
        await problems.response(HTTPConnection(scope), fault)(scope, receive, send)
    else:
        await send({"type": "websocket.close"})


def _token(asked: HTTPConnection) -> str:
    """In the header, or in a socket's address where it is a ticket."""
    header = asked.headers.get("authorization", "")
    if header.lower().startswith(SCHEME):
        return header[len(SCHEME) :].strip()
    return asked.query_params.get("token", "") if asked.scope["type"] == "websocket" else ""


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode(errors="replace")).hexdigest()


def _address(asked: HTTPConnection) -> str:
    """Of IPv6 the network, since one household or machine has a whole one."""
    host = asked.client.host if asked.client is not None else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return host
    if isinstance(address, ipaddress.IPv6Address):
        return str(ipaddress.ip_network((address, 64), strict=False))
    return host
