"""Mentors of like price, kept so that the best of them for an ask are found without looking at all of them.

Every skill and every solved complaint has lists here, one for each grade of it (the level, or the times solved by powers
of two), each in the order of `scoring.quality`. A search walks the lists from their heads. What a mentor can still have
who was in none of the parts walked is bounded: the quality at the heads and the most that each asked thing can add. Once
that is less than what was found, the rest need not be looked at (Fagin's threshold algorithm, with grades). The answer is exactly
that of ranking everybody.
"""

import math
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final, NamedTuple

from cm_server.matching import scoring
from cm_server.matching.candidate import Candidate
from cm_server.matching.scoring import Asked
from cm_server.matching.weights import Weights
from cm_wire.ids import PersonId

CASE_GRADES: Final = 8
"""Grade 1 is one solved case, 2 is up to three, then up to seven, …; the last has no upper end."""
WALKED_AT_ONCE: Final = 4
ROUNDING: Final = 1e-9
"""A bound and a score add the same numbers in another order."""
_EVERYBODY: Final = ""
_COMPLAINT: Final = ":"
"""All complaints of an ask are one thing: the best of them counts, not their sum."""


class Entry(NamedTuple):
    """Sorts the best first, and equals by their ids."""

    minus_quality: float
    person: PersonId


Walk = Iterator[tuple[float, list[Entry]]]
"""Parts of a shelf and, with each, what anyone in it or in a later one can have at most, but for the terms."""


@dataclass(slots=True)
class _Walk:
    """How far one list was walked; `points` is what being in it adds at most, once for each `thing`."""

    thing: str
    points: float
    entries: list[Entry]
    at: int = 0

    @property
    def head(self) -> float:
        return -self.entries[self.at].minus_quality


class Shelf:
    """`lists[word][grade]` is never empty: what runs out is taken away."""

    def __init__(self) -> None:
        self._lists: defaultdict[str, defaultdict[int, list[Entry]]] = defaultdict(
            lambda: defaultdict(list)
        )

    def add(self, candidate: Candidate, entry: Entry) -> None:
        for word, grade in _places(candidate):
            insort(self._lists[word][grade], entry)

    def extend(self, many: Iterable[tuple[Candidate, Entry]]) -> None:
        """As `add` for each, but sorted once; for a start with many."""
        touched: dict[int, list[Entry]] = {}
        for candidate, entry in many:
            for word, grade in _places(candidate):
                entries = self._lists[word][grade]
                entries.append(entry)
                touched[id(entries)] = entries
        for entries in touched.values():
            entries.sort()

    def remove(self, candidate: Candidate, entry: Entry) -> None:
        for word, grade in _places(candidate):
            entries = self._lists[word][grade]
            del entries[bisect_left(entries, entry)]
            if not entries:
                del self._lists[word][grade]
                if not self._lists[word]:
                    del self._lists[word]

    def near(self, ask: Asked) -> Iterator[PersonId]:
        """Everyone in any list of the ask, some more than once."""
        for walk in self._walks(ask, None):
            for entry in walk.entries:
                yield entry.person

    def best_first(self, ask: Asked, weights: Weights) -> Walk:
        """The most promising parts first. Somebody may be in more than one."""
        walks = self._walks(ask, weights)
        while walks:
            bound, promising = _bound(walks, weights)
            part: list[Entry] = []
            for walk in promising:
                part += walk.entries[walk.at : walk.at + WALKED_AT_ONCE]
                walk.at += WALKED_AT_ONCE
            yield bound + ROUNDING, part
            walks = [walk for walk in walks if walk.at < len(walk.entries)]

    def _walks(self, ask: Asked, weights: Weights | None) -> list[_Walk]:
        """The lists of the ask; points are left out without `weights`."""
        found: list[_Walk] = []
        for word in ask.shares.keys() & self._lists.keys():
            for level, entries in self._lists[word].items():
                points = (
                    scoring.skill_points_max(ask.shares[word], level, weights) if weights else 0.0
                )
                found.append(_Walk(word, points, entries))
        for key in ask.complaints.keys() & self._lists.keys():
            for grade, entries in self._lists[key].items():
                points = _case_points(grade, ask.complaints[key], weights) if weights else 0.0
                found.append(_Walk(_COMPLAINT, points, entries))
        if not ask.has_skills and _EVERYBODY in self._lists:
            found += [_Walk(_EVERYBODY, 0.0, each) for each in self._lists[_EVERYBODY].values()]
        return found


def _bound(walks: list[_Walk], weights: Weights) -> tuple[float, list[_Walk]]:
    """The most that anyone in the rest of the lists can have, and the lists that would make it so.

    Whoever has quality q can only be in the lists whose heads are at least q, and in one list of each thing.
    """
    best: dict[str, _Walk] = {}
    highest, promising = -math.inf, walks
    for walk in sorted(walks, key=lambda one: -one.head):
        known = best.get(walk.thing)
        if known is not None and known.points >= walk.points:
            continue
        best[walk.thing] = walk
        most = walk.head + _most(best, weights)
        if most > highest:
            highest, promising = most, list(best.values())
    return highest, promising


def _most(best: dict[str, _Walk], weights: Weights) -> float:
    case = best.get(_COMPLAINT)
    case_points = case.points if case else 0.0
    skill_points = sum(walk.points for walk in best.values()) - case_points
    return min(weights.skills + weights.level, skill_points) + case_points


def _case_points(grade: int, each: float, weights: Weights) -> float:
    if grade == CASE_GRADES:
        return weights.solved_before
    return scoring.solved_before(((1 << grade) - 1) * each, weights)


def _places(candidate: Candidate) -> Iterator[tuple[str, int]]:
    """Where a mentor stands; a complaint's key always has a colon, a skill's never."""
    yield _EVERYBODY, 0
    yield from candidate.skills.items()
    for key, times in candidate.solved.items():
        yield key, min(CASE_GRADES, times.bit_length())
