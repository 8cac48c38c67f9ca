"""The mentors on the list, in memory, ready to be ranked: an ask is matched without reading the database.

The presence table is the truth about who is on the list, and the claim in the database about who is free; what stands here
may be a moment behind, which costs a refused claim and never a double booking.
"""

from collections import defaultdict
from collections.abc import Iterable

from cm_server.matching.candidate import Candidate
from cm_server.matching.facets import Facets
from cm_wire.ids import PersonId


class Roster:
    def __init__(self) -> None:
        self._on: dict[PersonId, Candidate] = {}
        self._by_word: defaultdict[str, set[PersonId]] = defaultdict(set)

    def __contains__(self, person: PersonId) -> bool:
        return person in self._on

    def __len__(self) -> int:
        return len(self._on)

    def get(self, person: PersonId) -> Candidate | None:
        return self._on.get(person)

    def put(self, candidate: Candidate) -> None:
        """Add the mentor, or replace what is known of them."""
        self.drop(candidate.person)
        self._on[candidate.person] = candidate
        for word in _words(candidate):
            self._by_word[word].add(candidate.person)

    def drop(self, person: PersonId) -> None:
        candidate = self._on.pop(person, None)
        for word in _words(candidate) if candidate else ():
            self._by_word[word].discard(person)
            if not self._by_word[word]:
                del self._by_word[word]

    def near(self, facets: Facets) -> Iterable[Candidate]:
        """Everyone who may fit: who shares a skill, a word or a complaint; for an ask about nothing known, everyone."""
        if not facets.skills:
            return tuple(self._on.values())
        words = {name for name, _ in facets.skills} | facets.words | set(facets.complaints)
        people: set[PersonId] = set()
        for word in words & self._by_word.keys():
            people |= self._by_word[word]
        return tuple(self._on[person] for person in people)


def _words(candidate: Candidate) -> Iterable[str]:
    """Skills and complaints share one index: a complaint's key always has a colon, a skill never."""
    yield from candidate.skills
    yield from candidate.solved
