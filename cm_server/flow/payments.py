"""Money's own time: calls that wait for the provider, and money whose ask or session went on without it.

A guess that would be wrong: whoever ends an ask or a session has also dealt with its money. The process may end between
the two, so money that is still held is looked at by itself, at the start and now and then.
"""

from collections.abc import Awaitable, Callable
from typing import Literal

import structlog
from sqlmodel import Session

from cm_server import db
from cm_server.ask import board
from cm_server.billing import charges, debts, outbox, receipts, store, sweeper
from cm_server.billing.accounts import PaymentId
from cm_server.billing.model import Payment
from cm_server.db import StorageUnavailable
from cm_server.flow import asking, meeting, telling
from cm_server.flow.works import Works
from cm_server.session import register, states
from cm_wire.faults import Refused
from cm_wire.ids import AskId, SessionId

_log = structlog.stdlib.get_logger(__name__)

Left = tuple[AskId, int, SessionId | Literal[""]]
"""Held money nobody waits for any more: ask, attempt, and the ended session that has yet to be paid."""


async def run(works: Works) -> None:
    """Catch up with what the last process left, then make due calls until cancelled."""
    till = works.desk.till
    if db.sqlite_file(works.desk.database.url):
        await _guarded(works, "make cut-off calls again", lambda w: outbox.end_leases(w.desk.till))
    await _guarded(works, "settle what was left", settle_left)
    await _guarded(works, "resume searches", lambda w: asking.resume_unfunded(w.desk))
    told: set[PaymentId] = set()

    async def look_further() -> None:
        await _guarded(works, "settle what was left", settle_left)
        await _guarded(works, "tell debtors", lambda w: tell_debtors(w, told))

    await sweeper.run(till, look_further)


async def tell_debtors(works: Works, told: set[PaymentId]) -> None:
    """A card may say no long after the session; its owner is told once, now or when they next arrive."""
    owed = await works.desk.database.read(debts.all_open)
    told &= {debt.payment_id for debt in owed}
    for debt in owed:
        if debt.payment_id not in told and works.desk.hub.is_connected(debt.learner):
            telling.owes(works.desk, debt)
            told.add(debt.payment_id)


async def settle_left(works: Works) -> None:
    """Take the price of ended sessions that have no receipt, and give back what is held for nothing."""
    for ask_id, attempt, session_id in await works.desk.database.read(_left):
        if session_id:
            await meeting.settle(works, session_id)
        else:
            await charges.void(works.desk.till, ask_id, attempt)


def _left(session: Session) -> list[Left]:
    held = store.payments_in(session, ("authorised",))
    return [left for payment in held if (left := _left_of(session, payment)) is not None]


def _left_of(session: Session, payment: Payment) -> Left | None:
    ask_id, attempt = AskId(payment.ask_id), int(payment.id.rpartition(".")[2])
    ask = board.find(session, ask_id)
    if ask is None or (attempt == ask.attempt and ask.state in ("searching", "offered")):
        return None
    for standing in register.of_ask(session, ask_id):
        if standing.state in states.OPEN:
            return None
        if receipts.of_session(session, standing.session_id) is None:
            return ask_id, attempt, standing.session_id
    return ask_id, attempt, ""


async def _guarded(works: Works, name: str, step: Callable[[Works], Awaitable[object]]) -> None:
    """The guard point of the payment loop: one bad call is logged and holds up no other."""
    try:
        await step(works)
    except Refused as refused:
        _log.warning("payment step refused", step=name, reason=str(refused))
    except StorageUnavailable as error:
        _log.warning("payment step waits for the database", step=name, reason=str(error))
    except Exception:  # noqa: BLE001 - the guard point
        _log.exception("payment step failed", step=name)
