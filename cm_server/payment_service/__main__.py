"""The stand-in as a process of its own: `python -m cm_server.payment_service --port 8766`.

Owns: its command line and its server on the loopback interface. Does not own: the stand-in.
A reader would guess that it can be opened to a network: it cannot, it takes any test key.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import random
import sys
from pathlib import Path

import httpx
import uvicorn

from cm_server.clock import SystemClock
from cm_server.payment_service import own_process, webhooks
from cm_server.payment_service.embedded import PaymentService, WebhookRoute
from cm_server.payment_service.state import MemoryStore, SqliteStore
from cm_server.payment_service.world import Settings

HOST = "127.0.0.1"


def main() -> None:
    options = _read_options()
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(_serve(options))


def _read_options() -> argparse.Namespace:
    reader = argparse.ArgumentParser(
        prog="python -m cm_server.payment_service",
        description="A stand-in for Stripe's API on the loopback interface. DEMO: NO REAL MONEY.",
    )
    reader.add_argument("--port", type=int, default=8766)
    reader.add_argument("--state", type=Path, help="file that survives a restart")
    reader.add_argument("--webhook-url", help="where events are sent; needs --webhook-secret")
    reader.add_argument("--webhook-secret", help="whsec_…, as the receiver has it")
    options = reader.parse_args()
    if bool(options.webhook_url) != bool(options.webhook_secret):
        reader.error("--webhook-url and --webhook-secret are given together or not at all")
    return options


async def _serve(options: argparse.Namespace) -> None:
    async with httpx.AsyncClient(timeout=20.0) as http:
        route = None
        if options.webhook_url:
            route = WebhookRoute(
                options.webhook_secret, webhooks.http_sink(http, options.webhook_url)
            )
        url = f"http://{HOST}:{options.port}"
        service = PaymentService(
            SystemClock(),
            SqliteStore(options.state) if options.state else MemoryStore(),
            random.SystemRandom(),
            Settings(pages_url=f"{url}{own_process.PAGES_PATH}"),
            webhook_route=route,
        )
        sys.stdout.write(f"DEMO: NO REAL MONEY. Stand-in for api.stripe.com at {url}\n")
        app = own_process.application(service)
        server = uvicorn.Server(uvicorn.Config(app, host=HOST, port=options.port))
        sending = asyncio.create_task(service.run())
        try:
            await server.serve()
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            service.close()


if __name__ == "__main__":
    main()
