"""Makes the stored calls: leased, in order within a lane, repeated under the same key until the outcome is known.

Owns: leases, repetition, what an unknown outcome means. Does not own: the calls' arguments (`calls`) or what follows from
an outcome (`effects`). A guess that would be wrong: a timeout is a failure. Nobody knows what it was, so the same call
goes out again; after three stored failures, or once the key may be forgotten, the provider is asked what it did.
"""

import asyncio
from dataclasses import dataclass
from typing import Final

import structlog
from sqlmodel import Session

from cm_server.billing import calls, dossier, effects, store
from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing.gateway import GatewayRefused, GatewayUnavailable
from cm_server.billing.model import OutboxRow
from cm_server.billing.store import LeasedCall
from cm_server.billing.till import Till

LEASE_MS: Final = 120_000
"""Longer than any call may take; a worker that dies delays its call by this much."""
KEY_TRUSTED_MS: Final = 23 * 3_600_000
STORED_FAILURES_MAX: Final = 3
BACKOFF_MS_MAX: Final = 300_000
PARKED_MS: Final = 3_600_000
CALLS_AT_ONCE: Final = 10
"""Each leased call is sent at once, so that no lease runs out while its call waits for another."""
ROUNDS_MAX: Final = 50

_log = structlog.stdlib.get_logger(__name__)


async def perform_due(till: Till) -> int:
    """One round over all lanes, some calls at once; returns how many came to an outcome."""
    now_ms = till.now_ms()
    leased = await till.database.write(
        lambda s: store.lease(s, now_ms, LEASE_MS, at_most=CALLS_AT_ONCE)
    )
    # Whatever one of them raises, the others come to their end first.
    made = await asyncio.gather(
        *(perform_leased(till, call) for call in leased), return_exceptions=True
    )
    for outcome in made:
        if isinstance(outcome, BaseException):
            raise outcome
    return sum(outcome is True for outcome in made)


async def perform(till: Till, key: str) -> bool:
    """Make this call now, if it is its turn; false when it is not or its outcome stays unknown."""
    now_ms = till.now_ms()
    leased = await till.database.write(lambda s: store.lease(s, now_ms, LEASE_MS, keys=[key]))
    return bool(leased) and await perform_leased(till, leased[0])


async def perform_all(till: Till) -> None:
    """Rounds until nothing is due, for a command line or a test; bounded."""
    for _ in range(ROUNDS_MAX):
        if not await perform_due(till):
            return


async def end_leases(till: Till) -> None:
    """For the start of the only worker there is: whoever held a lease is gone, and its call may be made at once."""
    await till.database.write(store.end_leases)


async def perform_leased(till: Till, leased: LeasedCall) -> bool:
    """Make a call whose lease is ours; false when its outcome stays unknown."""
    call = calls.decoded(leased.call)
    try:
        outcome = await _outcome(till, leased, call)
    except GatewayUnavailable as unavailable:
        error, status = str(unavailable), unavailable.status
        await till.database.write(lambda s: _unknown(s, leased, till.now_ms(), error, status))
        return False
    if outcome is None:
        await till.database.write(lambda s: _never_arrived(s, leased, till.now_ms()))
        return False
    told = Told(leased.key, leased.payment_id, call, outcome, till.now_ms())
    await till.database.write_together(settle_all, told)
    return True


async def _outcome(till: Till, row: LeasedCall, call: calls.Call) -> calls.Outcome | None:
    sent_ms_ago = till.now_ms() - row.first_sent_at_ms
    if row.stored_failures >= STORED_FAILURES_MAX or sent_ms_ago >= KEY_TRUSTED_MS:
        return await calls.find(till.gateway, row.call_key, call)
    try:
        return await calls.make(till.gateway, row.call_key, call)
    except GatewayRefused as refused:
        _log.warning("the payment provider refused a call", key=row.key, code=refused.code)
        return await _after_refusal(till, row, call, refused)


async def _after_refusal(
    till: Till, row: LeasedCall, call: calls.Call, refused: GatewayRefused
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


@dataclass(frozen=True, slots=True)
class Told:
    """The outcome of the call under `key`, whoever brought it."""

    key: str
    payment_id: str
    call: calls.Call
    outcome: calls.Outcome
    at_ms: int


def settle(
    session: Session, row: OutboxRow, call: calls.Call, outcome: calls.Outcome, at_ms: int
) -> None:
    settle_all(session, [Told(row.key, row.payment_id, call, outcome, at_ms)])


def settle_all(session: Session, told: list[Told]) -> list[None]:
    """The one place where outcomes take effect; again they are nothing."""
    at_ms = max(one.at_ms for one in told)
    with dossier.opened(session, at_ms, {one.payment_id for one in told}) as papers:
        for one in told:
            effects.apply(papers, one.payment_id, one.key, one.call, one.outcome)
    done = [one.key for one in told if not isinstance(one.outcome, outcomes.Parked)]
    if done:
        store.finish_calls(session, done)
    for one in told:
        if isinstance(one.outcome, outcomes.Parked):
            _park(session, one.key, one.outcome, at_ms)
    return [None] * len(told)


def _park(session: Session, key: str, outcome: outcomes.Parked, at_ms: int) -> None:
    """A definite no, kept under its key by the provider: asking again needs a new one."""
    row = store.outbox_row(session, key)
    if row is None or row.state == "done":
        return
    row.call_key = f"{row.key}:a{row.attempts + 1}"
    row.first_sent_at_ms = None
    row.due_at_ms = at_ms + PARKED_MS
    row.last_error = f"{outcome.code}: {outcome.message}"
    row.leased_until_ms = 0


def _unknown(
    session: Session, leased: LeasedCall, at_ms: int, error: str, status: int | None
) -> None:
    row = _still_leased(session, leased)
    if row is None:
        return
    row.stored_failures = row.stored_failures + 1 if status == 500 else 0
    row.due_at_ms = at_ms + min(1000 * 2 ** min(row.attempts, 20), BACKOFF_MS_MAX)
    row.leased_until_ms = 0
    row.last_error = error


def _never_arrived(session: Session, leased: LeasedCall, at_ms: int) -> None:
    """The provider knows nothing of the call: make it anew, under a new key where the old one holds a failure."""
    row = _still_leased(session, leased)
    if row is None:
        return
    with dossier.opened(session, at_ms) as papers:
        pointless = effects.is_pointless(papers, row.payment_id, row.key)
    if pointless:
        row.state = "done"
        return
    if row.stored_failures:
        row.call_key = f"{row.key}:a{row.attempts + 1}"
    row.stored_failures = 0
    row.first_sent_at_ms = None
    row.due_at_ms = at_ms
    row.leased_until_ms = 0


def _still_leased(session: Session, leased: LeasedCall) -> OutboxRow | None:
    """The row under our lease. Who comes too late may not change it: another worker has the same call out by now."""
    row = store.outbox_row(session, leased.key, lock=True)
    if row is None or row.state == "done" or row.attempts != leased.attempts:
        return None
    return row
