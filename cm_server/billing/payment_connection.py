"""Which payment provider this server talks to: Stripe itself, or the embedded stand-in.

Owns: the wiring of either. Does not own: which of them (the settings say), nor the routes.
A reader would guess a fake gateway in the demo: both ways it is the same `StripeGateway` and the
same library; only what answers is another.
"""

from __future__ import annotations

import random
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import stripe

from cm_server.billing import stripe_http
from cm_server.billing.gateway import PaymentGateway
from cm_server.billing.stripe_gateway import API_VERSION, StripeGateway, WebhookTrust
from cm_server.payment_service import in_process_client
from cm_server.payment_service.embedded import Clock, PaymentService, WebhookRoute
from cm_server.payment_service.state import MemoryStore, SqliteStore
from cm_server.payment_service.webhooks import Sink
from cm_server.payment_service.world import Settings

NETWORK_RETRIES = 2
"""Of one call, under its one key; what still fails then is the outbox's to repeat."""

_DEMO_KEY = "sk_test_embedded"


@dataclass(frozen=True, slots=True)
class Connection:
    """`embedded` is None with real Stripe. Else mount its `pages` and run its `run()`."""

    gateway: PaymentGateway
    embedded: PaymentService | None


def to_stripe(
    secret_key: str, webhook_secrets: Sequence[str], *, api_url: str = "https://api.stripe.com"
) -> Connection:
    """`webhook_secrets`: the current one first; during a rotation also the one before."""
    http = stripe_http.HttpxTransport(httpx.AsyncClient(timeout=stripe_http.TIMEOUT))
    trust = WebhookTrust(webhook_secrets, livemode=secret_key.startswith(("sk_live_", "rk_live_")))
    gateway = _gateway(secret_key, http, trust, api_url, retries=NETWORK_RETRIES)
    return Connection(gateway, None)


def to_embedded(
    clock: Clock, *, settings: Settings, sink: Sink | None, state_path: Path | None
) -> Connection:
    """`sink` carries webhooks to this server's own endpoint; no `state_path`: nothing is kept."""
    secret = f"whsec_{secrets.token_hex(16)}"
    service = PaymentService(
        clock,
        SqliteStore(state_path) if state_path is not None else MemoryStore(),
        random.SystemRandom(),
        settings,
        webhook_route=WebhookRoute(secret, sink) if sink is not None else None,
    )
    return Connection(in_process(service, [secret]), service)


def in_process(service: PaymentService, webhook_secrets: Sequence[str]) -> StripeGateway:
    """The real library and the real gateway, with `service` in place of the network."""
    http = stripe_http.HttpxTransport(in_process_client.client(service.api))
    trust = WebhookTrust(webhook_secrets, livemode=False)
    return _gateway(_DEMO_KEY, http, trust, in_process_client.BASE_URL, retries=0)


def _gateway(
    key: str,
    http: stripe_http.HttpxTransport,
    trust: WebhookTrust,
    url: str,
    *,
    retries: int,
) -> StripeGateway:
    client = stripe.StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": url, "connect": url, "files": url, "meter_events": url},
        max_network_retries=retries,
        http_client=http,
    )
    return StripeGateway(client, trust, http.close_async)
