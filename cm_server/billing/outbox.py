"""Makes the stored calls: leased, in order within a lane, repeated under the same key until the outcome is known.

Owns: leases, repetition, what an unknown outcome means. Does not own: the calls' arguments (`calls`) or what follows from
an outcome (`effects`). A guess that would be wrong: a timeout is a failure. Nobody knows what it was, so the same call
goes out again; after three stored failures, or once the key may be forgotten, the provider is asked what it did.
"""

from typing import Final

import structlog
from sqlmodel import Session

from cm_server.billing import calls, effects, store
from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing.gateway import GatewayRefused, GatewayUnavailable
from cm_server.billing.model import OutboxRow
from cm_server.billing.till import Till

LEASE_MS: Final = 120_000
"""Longer than any call may take; a worker that dies delays its call by this much."""
KEY_TRUSTED_MS: Final = 23 * 3_600_000
STORED_FAILURES_MAX: Final = 3
BACKOFF_MS_MAX: Final = 300_000
PARKED_MS: Final = 3_600_000
CALLS_PER_ROUND: Final = 50

_log = structlog.stdlib.get_logger(__name__)


async def perform_due(till: Till) -> int:
    """One round over all lanes; returns how many calls came to an outcome."""
    now_ms = till.now_ms()
    rows = await till.database.write(lambda s: store.claim(s, now_ms, LEASE_MS, CALLS_PER_ROUND))
    return sum([await _perform(till, row) for row in rows])


async def perform(till: Till, key: str) -> bool:
    """Make this call now, if it is its turn; false when it is not or its outcome stays unknown."""
    now_ms = till.now_ms()
    rows = await till.database.write(lambda s: store.claim(s, now_ms, LEASE_MS, 1, key))
    return bool(rows) and await _perform(till, rows[0])


async def perform_all(till: Till) -> None:
    """Rounds until nothing is due, for a command line or a test; bounded."""
    for _ in range(CALLS_PER_ROUND):
        if not await perform_due(till):
            return


async def end_leases(till: Till) -> None:
    """For the start of the only worker there is: whoever held a lease is gone, and its call may be made at once."""
    await till.database.write(store.end_leases)


async def _perform(till: Till, row: OutboxRow) -> bool:
    call = calls.decoded(row.call)
    try:
        outcome = await _outcome(till, row, call)
    except GatewayUnavailable as unavailable:
        error, status = str(unavailable), unavailable.status
        await till.database.write(lambda s: _unknown(s, row.key, till.now_ms(), error, status))
        return False
    if outcome is None:
        await till.database.write(lambda s: _never_arrived(s, row.key, till.now_ms()))
        return False
    known = outcome
    await till.database.write(lambda s: settle(s, row.key, call, known, till.now_ms()))
    return True


async def _outcome(till: Till, row: OutboxRow, call: calls.Call) -> calls.Outcome | None:
    sent_ms_ago = till.now_ms() - (row.first_sent_at_ms or till.now_ms())
    if row.stored_failures >= STORED_FAILURES_MAX or sent_ms_ago >= KEY_TRUSTED_MS:
        return await calls.find(till.gateway, row.call_key, call)
    try:
        return await calls.make(till.gateway, row.call_key, call)
    except GatewayRefused as refused:
        _log.warning("the payment provider refused a call", key=row.key, code=refused.code)
        return await _after_refusal(till, row, call, refused)


async def _after_refusal(
    till: Till, row: OutboxRow, call: calls.Call, refused: GatewayRefused
) -> calls.Outcome:
    """A refusal had no effect; for a hold that is in another state than we thought, its real state is the outcome."""
    match call:
        case calls.Capture() | calls.Void():
            found = await calls.find(till.gateway, row.call_key, call)
            return found or outcomes.CaptureLost(call.hold, refused.code)
        case calls.Hold() | calls.Charge():
            return outcomes.Declined(refused.code, refused.message)
        case calls.Refund():
            return outcomes.RefundFailed(None, call.charge, refused.code, refused.message)
        case calls.Transfer():
            return outcomes.Parked(refused.code, refused.message)
        case calls.Reverse():
            return outcomes.ReversalShort(call.transfer, refused.code, refused.message)


def settle(
    session: Session, key: str, call: calls.Call, outcome: calls.Outcome, at_ms: int
) -> None:
    """The one place where an outcome takes effect, whoever brought it; again it is nothing."""
    effects.apply(session, key, call, outcome, at_ms)
    row = store.outbox_row(session, key)
    if row is None or row.state == "done":
        return
    if isinstance(outcome, outcomes.Parked):
        # A definite no, kept under its key by the provider: asking again needs a new one.
        row.call_key = f"{row.key}:a{row.attempts + 1}"
        row.first_sent_at_ms = None
        row.due_at_ms = at_ms + PARKED_MS
        row.last_error = f"{outcome.code}: {outcome.message}"
    else:
        row.state = "done"
        row.last_error = ""
    row.leased_until_ms = 0


def _unknown(session: Session, key: str, at_ms: int, error: str, status: int | None) -> None:
    row = store.outbox_row(session, key)
    if row is None or row.state == "done":
        return
    row.stored_failures = row.stored_failures + 1 if status == 500 else 0
    row.due_at_ms = at_ms + min(1000 * 2 ** min(row.attempts, 20), BACKOFF_MS_MAX)
    row.leased_until_ms = 0
    row.last_error = error


def _never_arrived(session: Session, key: str, at_ms: int) -> None:
    """The provider knows nothing of the call: make it anew, under a new key where the old one holds a failure."""
    row = store.outbox_row(session, key)
    if row is None or row.state == "done":
        return
    if effects.is_pointless(session, row.key):
        row.state = "done"
        return
    if row.stored_failures:
        row.call_key = f"{row.key}:a{row.attempts + 1}"
    row.stored_failures = 0
    row.first_sent_at_ms = None
    row.due_at_ms = at_ms
    row.leased_until_ms = 0
