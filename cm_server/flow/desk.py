"""Everything the flow works with, in one value that the composition root makes."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from cm_server.ask import rules
from cm_server.ask.rules import Allowance
from cm_server.billing.till import Till
from cm_server.clock import Clock
from cm_server.db import Database
from cm_server.hub import Hub
from cm_server.identity import NewId
from cm_server.matching.roster import Roster
from cm_server.matching.waves import Pace
from cm_wire.ids import PersonId
from cm_wire.to_client import Fact


@dataclass(slots=True)
class Desk:
    """`clock` tells real time, by which people answer; what is billed has a clock of its own."""

    clock: Clock
    database: Database
    hub: Hub
    new_id: NewId
    pace: Pace
    ask_open_ms: int
    ask_waits_ms: int
    till: Till
    roster: Roster = field(default_factory=Roster)
    allowance: Allowance = rules.USUAL

    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""
        return int(self.clock.now().timestamp() * 1000)

    def tell(self, people: Iterable[PersonId], fact: Fact) -> None:
        for person in people:
            self.hub.tell(person, fact)
