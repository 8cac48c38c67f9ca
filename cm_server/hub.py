"""Tells people facts, wherever and however often they are connected.

Owns: each person's numbered facts since the process started (a bounded tail, for those who come back) and the live
connections. Does not own sockets or what a fact means. Facts that only matter now (meter, chat echo) travel the same
way: whoever resumes gets the present state after the tail, so nothing is ever added up by a client.
"""

from collections import defaultdict, deque
from collections.abc import Callable
from typing import Final

from cm_wire.ids import ConnectionId, PersonId
from cm_wire.to_client import Fact, Happened

FACTS_KEPT_MAX: Final = 256

Deliver = Callable[[Happened], None]
"""Queues a fact on one connection without waiting; a connection that cannot keep up closes itself."""


class Hub:
    def __init__(self, epoch: str) -> None:
        self.epoch = epoch
        self._numbers: defaultdict[PersonId, int] = defaultdict(int)
        self._tails: defaultdict[PersonId, deque[Happened]] = defaultdict(
            lambda: deque(maxlen=FACTS_KEPT_MAX)
        )
        self._connections: defaultdict[PersonId, dict[ConnectionId, Deliver]] = defaultdict(dict)

    def connect(self, person: PersonId, connection: ConnectionId, deliver: Deliver) -> None:
        self._connections[person][connection] = deliver

    def disconnect(self, person: PersonId, connection: ConnectionId) -> None:
        self._connections[person].pop(connection, None)
        if not self._connections[person]:
            del self._connections[person]

    def is_connected(self, person: PersonId) -> bool:
        return person in self._connections

    def tell(self, person: PersonId, fact: Fact) -> None:
        """Number the fact and hand it to every connection of the person; without one it waits in the tail."""
        self._numbers[person] += 1
        happened = Happened(self._numbers[person], fact)
        self._tails[person].append(happened)
        for deliver in tuple(self._connections.get(person, {}).values()):
            deliver(happened)

    def mention(self, person: PersonId, fact: Fact) -> None:
        """Hand a fact to whoever is connected now and keep no copy.

        For what comes with every keystroke and is said again when a client comes back (acknowledgements): kept, it
        would push what matters out of the tail. It has the number 0, which no kept fact has.
        """
        for deliver in tuple(self._connections.get(person, {}).values()):
            deliver(Happened(0, fact))

    def missed(self, person: PersonId, epoch: str, after: int) -> list[Happened] | None:
        """The facts after number `after`, or `None` when they are gone and the whole state must be told."""
        if epoch != self.epoch or after > self._numbers[person]:
            return None
        tail = self._tails[person]
        if tail and tail[0].number > after + 1:
            return None
        return [happened for happened in tail if happened.number > after]
