import json
from pathlib import Path

import httpx
import pytest
import stripe
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cm_server.billing import payment_connection
from cm_server.billing.gateway import GatewayRefused, WebhookRefused
from cm_server.billing.payment_connection import Connection
from cm_server.billing.stripe_gateway import StripeGateway, WebhookTrust
from cm_server.billing.stripe_http import HttpxTransport
from cm_server.payment_service import in_process_client, webhooks
from cm_server.payment_service.world import Settings
from tests.support.payment_worlds import PaymentClock


async def test_embedded_webhooks_reach_an_endpoint_that_believes_them() -> None:
    clock = PaymentClock()
    believed: list[str] = []

    async def endpoint(request: Request) -> Response:
        signature = request.headers.get("stripe-signature")
        event = connection.gateway.verify_webhook(await request.body(), signature, now=clock.now())
        believed.append(event.type)
        return Response(status_code=200)

    app = Starlette(routes=[Route("/webhooks", endpoint, methods=["POST"])])
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app)) as http:
        sink = webhooks.http_sink(http, "http://product.invalid/webhooks")
        connection = payment_connection.to_embedded(
            clock, settings=Settings(), sink=sink, state_path=None
        )
        await connection.gateway.create_customer("c", email="a@example.org", metadata={})
        assert connection.embedded is not None
        await connection.embedded.deliver_due()
    assert believed == ["customer.created"]
    await connection.gateway.close()


async def test_embedded_state_survives_a_restart(tmp_path: Path) -> None:
    path = tmp_path / "payments.sqlite"
    found = []
    for _ in range(2):
        connection = payment_connection.to_embedded(
            PaymentClock(), settings=Settings(), sink=None, state_path=path
        )
        found.append(
            await connection.gateway.create_customer("c", email="a@example.org", metadata={})
        )
        assert connection.embedded is not None
        connection.embedded.close()
        await connection.gateway.close()
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("key", "livemode"), [("sk_live_1", True), ("rk_live_1", True), ("sk_test_1", False)]
)
async def test_real_stripe_believes_events_of_its_keys_mode_only(key: str, livemode: bool) -> None:
    connection = payment_connection.to_stripe(key, ["whsec_new", "whsec_old"])
    assert connection.embedded is None
    for secret in ("whsec_new", "whsec_old"):
        assert believes(connection, secret, livemode=livemode)
        assert not believes(connection, secret, livemode=not livemode)
    assert not believes(connection, "whsec_other", livemode=livemode)
    await connection.gateway.close()


def believes(connection: Connection, secret: str, *, livemode: bool) -> bool:
    now = PaymentClock().now()
    body = json.dumps(
        {
            "id": "evt_1",
            "object": "event",
            "type": "x",
            "created": 1,
            "livemode": livemode,
            "data": {"object": {"object": "x"}},
        }
    )
    stamp = int(now.timestamp())
    header = stripe.WebhookSignature.generate_signature_header(body, secret, stamp)
    try:
        connection.gateway.verify_webhook(body.encode(), header, now=now)
    except WebhookRefused:
        return False
    return True


async def test_a_wrong_secret_key_is_a_refusal_and_not_an_outage() -> None:
    connection = payment_connection.to_embedded(
        PaymentClock(), settings=Settings(), sink=None, state_path=None
    )
    assert connection.embedded is not None
    http = HttpxTransport(in_process_client.client(connection.embedded.api))
    url = in_process_client.BASE_URL
    client = stripe.StripeClient("sk_live_x", http_client=http, base_addresses={"api": url})
    gateway = StripeGateway(client, WebhookTrust([], livemode=True), http.close_async)
    with pytest.raises(GatewayRefused) as refused:
        await gateway.create_customer("c", email="a@example.org", metadata={})
    assert refused.value.code == "not_authorized"
    await gateway.close()
    await connection.gateway.close()
