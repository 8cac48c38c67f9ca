"""Money's own time: calls that wait for the provider, receipts that a crash kept from being issued."""

from collections.abc import Awaitable, Callable

import structlog
from sqlmodel import Session

from cm_server.billing import receipts, sweeper
from cm_server.db import StorageUnavailable
from cm_server.flow import asking, meeting
from cm_server.flow.works import Works
from cm_server.session import register
from cm_wire.faults import Refused
from cm_wire.ids import SessionId

_log = structlog.stdlib.get_logger(__name__)


async def run(works: Works) -> None:
    """Catch up with what the last process left, then make due calls until cancelled."""
    await _guarded(works, "settle what was left", _settle_left)
    await _guarded(works, "resume searches", lambda w: asking.resume_unfunded(w.desk))
    await sweeper.run(works.desk.till)


async def _settle_left(works: Works) -> None:
    """Sessions that ended and have no receipt: the process ended between the two."""

    def unsettled(session: Session) -> list[SessionId]:
        return [
            standing.session_id
            for standing in register.ended(session)
            if receipts.of_session(session, standing.session_id) is None
        ]

    for session_id in await works.desk.database.read(unsettled):
        await meeting.settle(works, session_id)


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
