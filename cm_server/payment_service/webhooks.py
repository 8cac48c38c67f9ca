"""Telling the product what happened: signed deliveries, repeated until they are taken.

Owns: signing (with the vendor's own code), retries, and the faults of delivery. Does not own:
what is delivered (`world.emit`) or the way there (the `Sink` it is given).
A reader would guess one delivery per event, in order: neither is promised, here or at Stripe.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

import httpx
import stripe
from msgspec.structs import replace

from cm_server.payment_service.faults import DeliveryFault, FaultPlan
from cm_server.payment_service.records import Delivery
from cm_server.payment_service.world import World

Sink = Callable[[bytes, str], Awaitable[int]]
"""Takes a body and its Stripe-Signature header; gives the HTTP status of the receiver."""

GIVE_UP_SECONDS = 3 * 86_400
RETRY_SECONDS = (60, 300, 1_800, 7_200, 18_000, 36_000)
LATE_SECONDS = 3_600
BATCH_MAX = 200


def http_sink(http: httpx.AsyncClient, url: str) -> Sink:
    """Post to `url`; with an ASGI transport in `http`, to an application of this process."""

    async def send(body: bytes, signature: str) -> int:
        headers = {"Stripe-Signature": signature, "Content-Type": "application/json"}
        try:
            answer = await http.post(url, content=body, headers=headers)
        except httpx.HTTPError:
            return 503
        return answer.status_code

    return send


async def deliver_due(world: World, faults: FaultPlan, secret: str, sink: Sink) -> int:
    """Deliver what is due once; gives how many requests were made."""
    now = world.now()
    due = [d for d in world.state.deliveries.open() if d.due <= now][:BATCH_MAX]
    if faults.shuffle:
        faults.chance.shuffle(due)
    made = 0
    for delivery in due:
        made += await _deliver(world, delivery, faults.next_delivery(), secret, sink)
    world.state.save()
    return made


async def _deliver(
    world: World, delivery: Delivery, fault: DeliveryFault | None, secret: str, sink: Sink
) -> int:
    deliveries = world.state.deliveries
    if fault is DeliveryFault.LOST:
        deliveries.put(replace(delivery, done=True))
        return 0
    if fault is DeliveryFault.LATE:
        deliveries.put(replace(delivery, due=delivery.due + LATE_SECONDS))
        return 0
    # Marked before it is sent: a second loop must not take it while this one waits.
    deliveries.put(replace(delivery, done=True))
    times = 2 if fault is DeliveryFault.TWICE else 1
    taken = False
    try:
        for _ in range(times):
            taken = await _send(world, delivery, secret, sink)
    finally:
        # Also when the receiver raised or we were stopped meanwhile: the event stays owed.
        if not taken:
            deliveries.put(_retried(world, delivery))
    return times


async def _send(world: World, delivery: Delivery, secret: str, sink: Sink) -> bool:
    body = json.dumps(world.state.events.get(delivery.event).body)
    header = stripe.WebhookSignature.generate_signature_header(body, secret, world.now())
    return 200 <= await sink(body.encode(), header) < 300


def _retried(world: World, delivery: Delivery) -> Delivery:
    wait_seconds = RETRY_SECONDS[min(delivery.attempts, len(RETRY_SECONDS) - 1)]
    due = world.now() + wait_seconds
    given_up = due > delivery.created + GIVE_UP_SECONDS
    return replace(delivery, due=due, attempts=delivery.attempts + 1, done=given_up)
