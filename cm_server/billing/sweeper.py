"""Heals what got stuck, by itself: calls to repeat, lost webhooks, challenges nobody answered, windows that closed.

Owns: how often and how far back. Every step may be repeated and may fail without harm to the next.
"""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Final

import structlog

from cm_server.billing import charges, collection, inbox, outbox, payees, payouts, store
from cm_server.billing.gateway import GatewayRefused, GatewayUnavailable
from cm_server.billing.till import Till
from cm_server.db import StorageUnavailable
from cm_wire.ids import AskId

SWEEP_SECONDS: Final = 5
SWEEPS_PER_EVENTS: Final = 60
EVENTS_BACK: Final = timedelta(hours=6)
CHALLENGE_MS: Final = 600_000

_log = structlog.stdlib.get_logger(__name__)


async def run(till: Till, look_further: Callable[[], Awaitable[object]]) -> None:
    """For ever, beside the server; `look_further` is the caller's part of the rarer rounds."""
    sweeps = 0
    while True:
        await till.clock.sleep(SWEEP_SECONDS)
        sweeps += 1
        try:
            await sweep(till)
            if sweeps % SWEEPS_PER_EVENTS == 1:
                await take_lost_events(till)
                await collection.retry_due(till)
                await look_further()
        except (GatewayUnavailable, GatewayRefused, StorageUnavailable) as stuck:
            _log.warning("billing waits", reason=str(stuck))
        except Exception:  # noqa: BLE001 - the guard point: money that is due must not wait for a restart
            _log.exception("a sweep failed")


async def sweep(till: Till) -> None:
    """Everything that is due by now."""
    await outbox.perform_all(till)
    await _cancel_abandoned(till)
    await payouts.release_due(till)


async def take_lost_events(till: Till) -> int:
    """What webhooks that never came would have said, oldest first; accounts tell nothing by events that can be listed."""
    since = till.clock.now() - EVENTS_BACK
    events = [event async for event in till.gateway.events(since)]
    taken = sum([await inbox.take(till, event) for event in reversed(events)])
    await payees.refresh_awaited(till)
    return taken


async def _cancel_abandoned(till: Till) -> None:
    before_ms = till.now_ms() - CHALLENGE_MS
    waiting = await till.database.read(
        lambda s: store.payments_in(s, ("authorising", "challenged"))
    )
    for payment in waiting:
        if payment.opened_at_ms <= before_ms:
            attempt = int(payment.id.rpartition(".")[2])
            await charges.void(till, AskId(payment.ask_id), attempt)
