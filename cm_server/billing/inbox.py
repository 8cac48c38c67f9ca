"""What the provider tells unasked: each event has its effect once, through the same functions as our calls' answers.

Owns: knowing events by id, and which call an event is about. Does not own: verifying signatures (the gateway does) or any
effect. A guess that would be wrong: an event is handled when it arrives, or never. A lost one is found by the sweeper, and
one that came before its answer leaves the answer nothing to do.
"""

import structlog
from sqlmodel import Session

from cm_server.billing import calls, collection, disputes, dossier, effects, outbox, payees, store
from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing import gateway_reports as reports
from cm_server.billing.gateway_reports import GatewayEvent, HoldChanged
from cm_server.billing.model import Hold, InboxRow, OutboxRow
from cm_server.billing.till import Till

_log = structlog.stdlib.get_logger(__name__)


async def receive(till: Till, body: bytes, signature: str | None) -> None:
    """A webhook's raw body. Raises `WebhookRefused` for what must not be believed; returns once the effect is durable."""
    await take(till, till.gateway.verify_webhook(body, signature, now=till.clock.now()))


async def take(till: Till, event: GatewayEvent) -> bool:
    """An event that is known to be the provider's; false when it had its effect before."""
    if isinstance(event.subject, reports.HoldChanged) and event.subject.state is None:
        # Before the event counts as taken: where the provider does not answer, it comes again.
        await _look_up(till, event.subject)
    fresh = await till.database.write(lambda s: _once(s, event, till.now_ms()))
    if fresh and isinstance(event.subject, reports.AccountChanged):
        await payees.refresh(till, event.subject.account)
    if fresh and isinstance(event.subject, reports.CardSaved):
        await collection.card_saved(till, event.subject.customer)
    return fresh


async def _look_up(till: Till, changed: HoldChanged) -> None:
    """An event need not say all of how a hold stands; the provider is asked where it matters to us."""
    key = changed.key or ""

    def waiting(session: Session) -> OutboxRow | None:
        row = store.outbox_row_by_call_key(session, key)
        hold = session.get(Hold, row.key) if row else None
        return row if hold is not None and hold.state in ("requested", "challenged") else None

    if await till.database.read(waiting) is None:
        return
    state = await till.gateway.look_up_hold(changed.ref)
    await till.database.write(lambda s: _of_hold(s, key, state, till.now_ms()))


def _once(session: Session, event: GatewayEvent, at_ms: int) -> bool:
    known = session.get(InboxRow, event.id)
    if known is not None:
        if known.body_sha256 != event.body_sha256:
            _log.error("an event came again with another body", event_id=event.id)
        return False
    effect = _apply(session, event, at_ms)
    session.add(
        InboxRow(
            event_id=event.id,
            type=event.type,
            body_sha256=event.body_sha256,
            received_at_ms=at_ms,
            effect=effect,
        )
    )
    session.flush()
    return True


def _apply(session: Session, event: GatewayEvent, at_ms: int) -> str:
    match event.subject:
        case reports.HoldChanged(key=key, state=state) if key and state:
            return _of_hold(session, key, state, at_ms)
        case reports.RefundChanged(key=key, outcome=outcome) if key:
            return _of_call(session, key, outcome, at_ms)
        case reports.TransferChanged(key=key, transfer=transfer) if key:
            return _of_call(session, key, transfer, at_ms)
        case reports.DisputeChanged(dispute=dispute):
            return f"dispute {disputes.apply(session, dispute, at_ms)}"
        case reports.PayoutFailed(message=message):
            store.open_case(
                session, f"payout-failed:{event.id}", "payout-failed", "", message, {}, at_ms
            )
            return "case"
        case _:
            return "none"


def _of_call(session: Session, call_key: str, outcome: calls.Outcome, at_ms: int) -> str:
    row = store.outbox_row_by_call_key(session, call_key)
    if row is None:
        return "not ours"
    outbox.settle(session, row, calls.decoded(row.call), outcome, at_ms)
    return row.key


def _of_hold(session: Session, call_key: str, state: outcomes.HoldState, at_ms: int) -> str:
    """The provider's object carries the key of the hold; what became of it may be the outcome of a later call."""
    row = store.outbox_row_by_call_key(session, call_key)
    if row is None:
        return "not ours"
    call = calls.decoded(row.call)
    if isinstance(call, calls.Charge):
        if isinstance(state, outcomes.Captured | outcomes.Declined):
            outbox.settle(session, row, call, state, at_ms)
        return row.key
    match state:
        case outcomes.Captured():
            return _of_later_call(session, row, "capture", state, at_ms)
        case outcomes.Voided():
            return _of_later_call(session, row, "void", state, at_ms)
        case _:
            outbox.settle(session, row, call, state, at_ms)
            return row.key


def _of_later_call(
    session: Session,
    row: OutboxRow,
    verb: str,
    state: outcomes.Captured | outcomes.Voided,
    at_ms: int,
) -> str:
    later = store.outbox_row(session, f"{row.key}:{verb}")
    if later is not None:
        # The hold's own answer may still be out; the later call proves that it was held.
        outbox.settle(session, later, calls.decoded(later.call), state, at_ms)
        return later.key
    if isinstance(state, outcomes.Captured):
        said = f"{state.amount} was captured at the payment provider and not by us."
        store.open_case(
            session, f"{row.key}:foreign", "foreign-capture", row.payment_id, said, {}, at_ms
        )
        return "case"
    with dossier.opened(session, at_ms, [row.payment_id]) as papers:
        payment = papers.payment(row.payment_id)
        effects.let_go(papers, payment, papers.hold(payment, row.key), state.reason)
    return "hold lost"
