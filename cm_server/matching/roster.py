"""The mentors on the list, in memory, ready to be ranked: an ask is matched without reading the database.

The presence table is the truth about who is on the list (`lineup` reads it), and the claim in the database about who is
free; what stands here may be a moment behind, which costs a refused claim and never a double booking. Its answer is exactly
that of `ranking.rank` over everybody.
"""

import heapq
from collections.abc import Collection

from cm_server.matching import ranking, scoring
from cm_server.matching.candidate import Candidate
from cm_server.matching.columns import Columns, Reach
from cm_server.matching.facets import Facets
from cm_server.matching.ranking import Ranked
from cm_server.matching.weights import DEFAULT, Weights
from cm_wire.asking import Terms
from cm_wire.ids import PersonId


class Roster:
    def __init__(self, weights: Weights = DEFAULT) -> None:
        self._weights = weights
        self._columns = Columns(weights)
        self._slots: dict[PersonId, int] = {}
        self._on: dict[int, Candidate] = {}

    def __contains__(self, person: PersonId) -> bool:
        return person in self._slots

    def __len__(self) -> int:
        return len(self._slots)

    def get(self, person: PersonId) -> Candidate | None:
        slot = self._slots.get(person)
        return None if slot is None else self._on[slot]

    def put(self, candidate: Candidate) -> None:
        """Add the mentor, or replace what is known of them."""
        self.drop(candidate.person)
        slot = self._columns.add(candidate)
        self._slots[candidate.person] = slot
        self._on[slot] = candidate

    def drop(self, person: PersonId) -> None:
        slot = self._slots.pop(person, None)
        if slot is not None:
            self._columns.remove(slot, self._on.pop(slot))

    def reach(self, facets: Facets, terms: Terms, without: Collection[PersonId] = ()) -> Reach:
        """What stands in the way where `best` finds nobody."""
        ask = scoring.asked(facets, self._weights)
        return self._columns.reach(ask, terms, self._slots_of(without))

    def best(
        self,
        facets: Facets,
        terms: Terms,
        count: int,
        without: Collection[PersonId] = (),
        *,
        only_new: bool = False,
    ) -> list[Ranked]:
        """The first `count` of what `ranking.rank` would give of all on the list but `without`."""
        weights = self._weights
        ask = scoring.asked(facets, weights)
        left_out = self._slots_of(without)
        slots = self._columns.promising(ask, terms, count, left_out, only_new=only_new)
        some = (self._on[slot] for slot in slots)
        scored = [(-scoring.score(one, ask, terms, weights), one.person, one) for one in some]
        first = heapq.nsmallest(count, scored)
        return [ranking.explained(one, ask, terms, weights) for _, _, one in first]

    def _slots_of(self, people: Collection[PersonId]) -> list[int]:
        return [self._slots[person] for person in people if person in self._slots]
