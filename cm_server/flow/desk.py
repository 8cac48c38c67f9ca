"""Everything the flow works with, in one value that the composition root makes."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Protocol

from cm_server.clock import Clock
from cm_server.db import Database
from cm_server.hub import Hub
from cm_server.identity import NewId
from cm_server.matching.roster import Roster
from cm_server.matching.waves import Pace
from cm_server.meter.rating import BasisPoints
from cm_wire.ids import AskId, PersonId
from cm_wire.money import Money
from cm_wire.to_client import Fact


class Holds(Protocol):
    """Money reserved for an ask before anyone is rung; one hold for each attempt."""

    async def authorise(
        self, ask_id: AskId, attempt: int, learner: PersonId, amount: Money
    ) -> None:
        """Returns once the money is held; refuses with `card-needed`, `card-declined`, `payment-action-needed`."""
        ...

    async def void(self, ask_id: AskId, attempt: int) -> None:
        """Give it back; nothing happens where nothing is held."""
        ...


@dataclass(slots=True)
class Desk:
    """`clock` tells real time, by which people answer; what is billed has a clock of its own."""

    clock: Clock
    database: Database
    hub: Hub
    new_id: NewId
    pace: Pace
    ask_open_ms: int
    commission: BasisPoints
    holds: Holds
    roster: Roster = field(default_factory=Roster)

    def now_ms(self) -> int:
        """UTC milliseconds since 1970."""
        return int(self.clock.now().timestamp() * 1000)

    def tell(self, people: Iterable[PersonId], fact: Fact) -> None:
        for person in people:
            self.hub.tell(person, fact)
