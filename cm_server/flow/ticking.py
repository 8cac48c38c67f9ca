"""What time alone brings about: offers lapse, searches give up, sessions that nobody goes on with end.

Each step is guarded by itself: one that fails is logged and tried again at the next tick, and holds up no other.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from cm_server.ask import board
from cm_server.billing import store
from cm_server.db import StorageUnavailable
from cm_server.flow import asking, meeting, offering, telling
from cm_server.flow.works import Works
from cm_server.matching import presence
from cm_server.session import events, register, states
from cm_server.session.standing import Standing
from cm_wire.faults import Refused
from cm_wire.session import PausedWhy

TICK_SECONDS: Final = 0.25
TICKS_PER_TAKEOVER: Final = 8
TICKS_PER_SLOW_ROUND: Final = 240
HOLD_MARGIN_MS: Final = 86_400_000
"""So long before a bank lets go of held money the session ends, and its price is taken while it can be."""

HOLD_EXPIRES: Final = "The session was ended: the bank keeps the money reserved for only one more day. Ask again to go on."

_log = structlog.stdlib.get_logger(__name__)


async def recover(works: Works) -> None:
    """At start, before anyone is served: take over what the last process left, and bill nothing of the gap."""
    desk = works.desk
    await desk.database.write(lambda s: presence.server_started(s, desk.now_ms()))
    for standing in await desk.database.read(register.open_sessions):
        works.live.put(standing)
    await works.recorder.take_unfinished()
    for standing in await desk.database.read(register.open_sessions):
        if works.recorder.owns(standing.session_id):
            works.live.put(standing)
        else:
            works.live.drop(standing.session_id)  # another process has it, and lives


async def take_abandoned(works: Works) -> None:
    """Go on with the sessions of a process that is gone; those of one that is alive are left to it."""
    for session_id in await works.recorder.take_abandoned():
        works.live.put(await works.desk.database.read(lambda s: register.find(s, session_id)))  # noqa: B023 - awaited at once


async def run(works: Works) -> None:
    """Tick until cancelled."""
    ticks = 0
    while True:
        await works.desk.clock.sleep(TICK_SECONDS)
        await tick(works)
        ticks += 1
        if ticks % TICKS_PER_TAKEOVER == 0:
            await _guarded(lambda: take_abandoned(works), "take over what was abandoned")
        if ticks % TICKS_PER_SLOW_ROUND == 0:
            await _guarded(lambda: offering.lapse_overdue(works.desk), "lapse offers left behind")
            await _guarded(lambda: meeting.close_unrated(works), "close unrated")
            await _guarded(lambda: end_before_holds_expire(works), "end before holds expire")


async def tick(works: Works) -> None:
    await _guarded(lambda: _go_on_with_asks(works), "see who is asking")
    for session_id in tuple(works.live.to_tell):
        works.live.to_tell.discard(session_id)
        await _guarded(lambda: meeting.refresh(works, session_id), "tell session")  # noqa: B023 - awaited at once
    now_ms = events.moment(works.paid_clock).at_ms
    for standing in works.live.all():
        why = due_end(works, standing, now_ms)
        if why is not None:
            await _guarded(lambda: _end(works, standing, why), "end session")  # noqa: B023 - awaited at once


async def _go_on_with_asks(works: Works) -> None:
    """Most of the time nobody asks, and then one small look is all a tick costs."""
    if not await works.desk.database.read(board.is_anyone_asking):
        return
    await _guarded(lambda: offering.lapse_overdue(works.desk), "lapse offers")
    await _guarded(lambda: asking.expire_overdue(works.desk), "expire asks")
    await _guarded(lambda: asking.advance_searching(works.desk), "advance searches")


async def end_before_holds_expire(works: Works) -> None:
    """A session may pause for days; a hold lasts a few. What it has come to by then is taken, whoever is there."""
    desk = works.desk
    before_ms = desk.now_ms() + HOLD_MARGIN_MS
    asks = await desk.database.read(lambda s: store.asks_held_until(s, before_ms))
    for standing in works.live.all():
        if standing.ask_id in asks:
            await _end(works, standing, "hold-expires")
            for person in standing.people:
                telling.noticed(desk, person, HOLD_EXPIRES)


def due_end(works: Works, standing: Standing, now_ms: int) -> states.EndedWhy | None:
    """Why the session must end now by itself, if it must. `now_ms` is the paid clock's wall time."""
    lapsed = works.live.to_end.pop(standing.session_id, None)
    if lapsed is not None:
        return _ENDS.get(lapsed, "nobody-there")
    if standing.state != "triage":
        return None
    waited_ms, deadlines = now_ms - standing.opened_at_ms, works.deadlines
    if waited_ms >= deadlines.mentor_comes_ms and not works.live.has_come(
        standing.session_id, standing.mentor
    ):
        return "mentor-never-came"
    return "triage-over" if waited_ms >= deadlines.triage_ms else None


async def _end(works: Works, standing: Standing, why: states.EndedWhy) -> None:
    if why == "mentor-never-came":
        await meeting.never_came(works, standing.session_id)
    else:
        await meeting.end(works, standing.session_id, why)


async def _guarded(step: Callable[[], Awaitable[object]], name: str) -> None:
    """The guard point of everything that time brings about."""
    try:
        await step()
    except Refused as refused:
        # Somebody did it in this very moment; the next tick sees how it stands.
        _log.info("tick refused", step=name, reason=str(refused))
    except StorageUnavailable as error:
        _log.warning("tick waits for the database", step=name, reason=str(error))
    except asyncio.CancelledError:
        raise
    except Exception:  # noqa: BLE001 - the guard point
        _log.exception("tick failed", step=name)


_ENDS: Final[dict[PausedWhy, states.EndedWhy]] = {
    "cap-reached": "cap-reached",
    "idle": "idle",
}
