"""Where the payment provider tells what happened: `POST /api/v1/payments/webhook`.

Owns: the size limit and the status that makes the provider repeat or stop. Does not own belief (the gateway verifies the
signature) nor effects (`billing.inbox`).
"""

from typing import Final

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cm_server.billing import inbox
from cm_server.billing.gateway import WebhookRefused
from cm_server.billing.till import Till

PATH: Final = "/api/v1/payments/webhook"
BODY_BYTES_MAX: Final = 256 * 1024

_log = structlog.stdlib.get_logger(__name__)


def route(till: Till) -> Route:
    async def receive(request: Request) -> Response:
        body = await _bounded_body(request)
        if body is None:
            return Response("The event is too large.", 413)
        return Response(status_code=await take(till, body, request.headers.get("stripe-signature")))

    return Route(PATH, receive, methods=["POST"], name="payment webhook")


async def take(till: Till, body: bytes, signature: str | None) -> int:
    """The HTTP status for one event; a failure of ours is raised, so that the provider sends it again."""
    try:
        await inbox.receive(till, body, signature)
    except WebhookRefused as refused:
        _log.warning("webhook refused", code=refused.code, reason=str(refused))
        return 400
    return 200


async def _bounded_body(request: Request) -> bytes | None:
    """Read no more than the limit, whatever the length header says."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > BODY_BYTES_MAX:
            return None
    return bytes(body)
