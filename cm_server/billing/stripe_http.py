"""How the `stripe` library reaches its server: over an httpx client it is given.

Owns: sending one request and telling a broken connection from an answer. Does not own: retries
and keys (the library and `stripe_gateway`).
The library's own httpx client is not used because it can neither speak to an application in
process nor be told a connect time-out apart from a read time-out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import anyio
import httpx
import stripe

TIMEOUT: Final = httpx.Timeout(30.0, connect=5.0)
"""A hold waits for the card's bank, which may take many seconds; a connection may not."""


class HttpxTransport(stripe.HTTPClient):
    """Asynchronous only: a synchronous call would stop every session of this process."""

    name = "httpx"

    def __init__(self, client: httpx.AsyncClient) -> None:
        super().__init__()
        self._http = client

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            answer = await self._http.request(method, url, headers=headers, content=post_data)
        except httpx.HTTPError as broken:
            message = f"no answer from the payment provider ({type(broken).__name__})"
            raise stripe.APIConnectionError(  # type: ignore[no-untyped-call]
                message, should_retry=True
            ) from broken
        return answer.content, answer.status_code, answer.headers

    async def sleep_async(self, secs: float) -> None:
        await anyio.sleep(secs)

    async def close_async(self) -> None:
        await self._http.aclose()
