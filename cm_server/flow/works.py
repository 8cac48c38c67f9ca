"""All parts of a running server that follow from one another. The composition root makes it; `flow` works it."""

from dataclasses import dataclass, field

from cm_server.clock import Clock
from cm_server.flow.desk import Desk
from cm_server.flow.live import LiveSessions
from cm_server.meter import rating
from cm_server.meter.rating import Plan
from cm_server.meter.recorder import Recorder
from cm_server.session.rooms import Rooms


@dataclass(frozen=True, slots=True)
class Deadlines:
    """How long a session may wait for what must come next."""

    triage_ms: int = 5 * 60_000
    mentor_comes_ms: int = 30_000
    rating_ms: int = 7 * 86_400_000


@dataclass(slots=True)
class Works:
    """`paid_clock` is the one billed time is measured on; only a demonstration makes it differ from the desk's."""

    desk: Desk
    paid_clock: Clock
    live: LiveSessions
    rooms: Rooms
    recorder: Recorder
    deadlines: Deadlines = field(default_factory=Deadlines)
    plan: Plan = rating.COMPLETED_MINUTES
