"""The end of sessions: what each comes to, its receipt, and the calls that take it, many sessions at once.

Owns: which holds are captured to what. Does not own: what a session costs (`meter`), what the receipt says
(`receipt_document`), what follows from the calls (`effects`). A guess that would be wrong: the receipt waits for the card. It
stands before the card is charged, in the same transaction as the call; what the card then does never changes it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlmodel import Session

from cm_server.billing import (
    allocation,
    dossier,
    effects,
    outbox,
    receipt_document,
    receipts,
    store,
)
from cm_server.billing.dossier import Dossier
from cm_server.billing.model import Payment
from cm_server.billing.receipts import Ending, Issued
from cm_server.billing.store import LeasedCall
from cm_server.billing.till import Till
from cm_server.meter import rating
from cm_server.session import events, register
from cm_server.session.register import Parties
from cm_wire import faults
from cm_wire.ids import SessionId


async def settle(till: Till, session_id: SessionId) -> Issued:
    """Issue the receipt and take its amount. The same again is the same receipt."""
    settled = await till.database.write_together(_settle_all, _Ended(session_id, till.now_ms()))
    if settled.leased is not None:
        await outbox.perform_leased(till, settled.leased)
    for key in settled.queued:
        await outbox.perform(till, key)
    return settled.issued


@dataclass(frozen=True, slots=True)
class _Ended:
    session_id: SessionId
    at_ms: int


@dataclass(frozen=True, slots=True)
class _Settled:
    """`leased` is the call that is ours to make now, `queued` the keys of those behind it."""

    issued: Issued
    leased: LeasedCall | None
    queued: Sequence[str]


def _settle_all(session: Session, ended: list[_Ended]) -> list[_Settled]:
    at_ms = max(one.at_ms for one in ended)
    wanted = list(dict.fromkeys(one.session_id for one in ended))
    parties = register.parties(session, wanted)
    with dossier.opened(session, at_ms) as papers:
        payments = _payments(papers, wanted, parties)
        # Asked once they are locked: another process may have settled one just now.
        issued = receipts.of_sessions(session, wanted)
        fresh = [one for one in wanted if one not in issued]
        logs = events.read_all(session, fresh)
        endings = [_end(papers, parties[one], payments[one], logs[one]) for one in fresh]
        issued |= receipts.issue_all(session, endings, at_ms=at_ms)
        queued = {one: papers.queued(payments[one]) for one in fresh}
    leased = _lease_first(session, [keys[0] for keys in queued.values() if keys], at_ms)
    settled = {one: _settled(session, issued[one], queued.get(one, ()), leased) for one in wanted}
    return [settled[one.session_id] for one in ended]


def _lease_first(session: Session, keys: list[str], at_ms: int) -> dict[str, LeasedCall]:
    """In the transaction that queues them, so that making them needs no other one."""
    if not keys:
        return {}
    leased = store.lease(session, at_ms, outbox.LEASE_MS, keys=keys)
    return {call.key: call for call in leased}


def _settled(
    session: Session, issued: Issued, queued: Sequence[str], leased: Mapping[str, LeasedCall]
) -> _Settled:
    if queued and queued[0] in leased:
        return _Settled(issued, leased[queued[0]], queued[1:])
    return _Settled(issued, None, store.queued_keys(session, issued.payment_id))


def _payments(
    papers: Dossier, wanted: list[SessionId], parties: Mapping[SessionId, Parties]
) -> dict[SessionId, Payment]:
    """The payment of each session, locked."""
    if len(parties) < len(wanted):
        raise faults.refusal("no-such-session", "There is no such session.")
    of_asks = store.payment_ids_of_asks(papers.session, [one.ask_id for one in parties.values()])
    papers.load(payment_id for ids in of_asks.values() for payment_id in ids)
    return {
        session_id: _payment_of(session_id, [papers.payment(one) for one in of_asks[ask_id]])
        for session_id, ask_id in ((one, parties[one].ask_id) for one in wanted)
    }


def _payment_of(session_id: SessionId, of_ask: Sequence[Payment]) -> Payment:
    live = [row for row in of_ask if row.state == "authorised" or row.session_id == session_id]
    if not live:
        raise faults.refusal("no-such-session", "No money is held for this session.")
    return live[-1]


def _end(
    papers: Dossier, parties: Parties, payment: Payment, log: Sequence[events.Recorded]
) -> Ending:
    payment.session_id, payment.mentor = parties.session_id, parties.mentor
    payment.ended_at_ms = papers.at_ms
    bill = receipt_document.bill_of(log)
    usable = [hold for hold in papers.holds(payment) if hold.state == "held"]
    lost = [hold for hold in papers.holds(payment) if hold.state == "lost"]
    takes = allocation.allocate(
        bill.amount.minor,
        [hold.amount_minor for hold in (*usable, *lost)],
        rating.minimum_charge(payment.currency).minor,
    )
    payment.gross_minor = sum(takes)
    effects.move(payment, "ended" if payment.gross_minor else "waived")
    for hold, minor in zip(usable, takes, strict=False):
        if minor:
            effects.queue_capture(papers, payment, hold, minor)
    for minor in filter(None, takes[len(usable) :]):
        effects.queue_charge(papers, payment, lost[0].card_ref, minor)
    effects.void_unused(papers, payment)
    return Ending(parties, payment, log, bill)
