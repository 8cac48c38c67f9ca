"""The mentors on the list, in memory, ready to be ranked: an ask is matched without reading the database.

The presence table is the truth about who is on the list (`lineup` reads it), and the claim in the database about who is
free; what stands here may be a moment behind, which costs a refused claim and never a double booking.
"""

import heapq
from collections import defaultdict
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from math import isqrt
from typing import NamedTuple

from cm_server.matching import ranking, scoring
from cm_server.matching.candidate import Candidate
from cm_server.matching.facets import Facets
from cm_server.matching.ranking import Ranked
from cm_server.matching.scoring import Asked
from cm_server.matching.shelf import Entry, Shelf, Walk
from cm_server.matching.weights import DEFAULT, Weights
from cm_wire.asking import Terms
from cm_wire.ids import PersonId


class _ShelfKey(NamedTuple):
    """`price_band` is two bands to each doubling of the price."""

    currency: str
    price_band: int
    is_new: bool


@dataclass(frozen=True, slots=True, order=True)
class _Promise:
    """The next part of one shelf, and what anyone in it or after it can have at most."""

    minus_bound: float
    on_terms_max: float = field(compare=False)
    part: list[Entry] = field(compare=False)
    walk: Walk = field(compare=False)


class Roster:
    def __init__(self, weights: Weights = DEFAULT) -> None:
        self._weights = weights
        self._on: dict[PersonId, Candidate] = {}
        self._shelves: dict[_ShelfKey, Shelf] = {}

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
        shelf = self._shelves.setdefault(self._key(candidate), Shelf())
        shelf.add(candidate, self._entry(candidate))

    def put_all(self, candidates: Iterable[Candidate]) -> None:
        """As `put` for each, but every list is sorted once; for a start, when many are on the list already."""
        shelved: defaultdict[_ShelfKey, list[tuple[Candidate, Entry]]] = defaultdict(list)
        for candidate in {one.person: one for one in candidates}.values():
            self.drop(candidate.person)
            self._on[candidate.person] = candidate
            shelved[self._key(candidate)].append((candidate, self._entry(candidate)))
        for key, many in shelved.items():
            self._shelves.setdefault(key, Shelf()).extend(many)

    def drop(self, person: PersonId) -> None:
        candidate = self._on.pop(person, None)
        if candidate is not None:
            self._shelves[self._key(candidate)].remove(candidate, self._entry(candidate))

    def near(self, facets: Facets) -> Iterable[Candidate]:
        """Everyone who fits, whatever they cost; for an ask about nothing known, everyone."""
        ask = scoring.asked(facets, self._weights)
        people = {person for shelf in self._shelves.values() for person in shelf.near(ask)}
        return tuple(self._on[person] for person in people)

    def best(
        self,
        facets: Facets,
        terms: Terms,
        count: int,
        without: Container[PersonId] = (),
        *,
        only_new: bool = False,
    ) -> list[Ranked]:
        """The first `count` of what `ranking.rank` would give of all on the list but `without`."""
        ask = scoring.asked(facets, self._weights)
        search = _Search(self._on, ask, terms, count, without, self._weights)
        for key, shelf in self._shelves.items():
            if key.currency == terms.price_max.currency and (key.is_new or not only_new):
                search.add(shelf, _band_floor(key.price_band))
        return search.result()

    def _key(self, candidate: Candidate) -> _ShelfKey:
        price = candidate.price_per_quarter
        band = ((price.minor + 1) ** 2).bit_length()
        return _ShelfKey(price.currency, band, scoring.is_new(candidate, self._weights))

    def _entry(self, candidate: Candidate) -> Entry:
        return Entry(-scoring.quality(candidate, self._weights), candidate.person)


class _Search:
    """The best found so far, while the shelves are walked, always the one that promises most."""

    def __init__(
        self,
        on: Mapping[PersonId, Candidate],
        ask: Asked,
        terms: Terms,
        count: int,
        without: Container[PersonId],
        weights: Weights,
    ) -> None:
        self._on = on
        self._ask = ask
        self._terms = terms
        self._count = count
        self._without = without
        self._weights = weights
        self._seen: set[PersonId] = set()
        self._promises: list[_Promise] = []
        self._scores: list[float] = []
        """The `count` best, as a heap: the least of them is first."""
        self._found: list[tuple[float, PersonId]] = []

    def add(self, shelf: Shelf, price_minor_min: int) -> None:
        if price_minor_min <= self._terms.price_max.minor:
            dearest = scoring.price(price_minor_min, self._terms, self._weights)
            walk = shelf.best_first(self._ask, self._weights)
            self._promise(dearest + self._weights.language, walk)

    def result(self) -> list[Ranked]:
        while self._promises:
            promise = heapq.heappop(self._promises)
            if len(self._scores) == self._count and -promise.minus_bound < self._scores[0]:
                break
            for entry in promise.part:
                if entry.person not in self._seen:
                    self._seen.add(entry.person)
                    self._look_at(entry)
            self._promise(promise.on_terms_max, promise.walk)
        return [
            ranking.explained(self._on[person], self._ask, self._terms, self._weights)
            for _, person in heapq.nsmallest(self._count, self._found)
        ]

    def _promise(self, on_terms_max: float, walk: Walk) -> None:
        following = next(walk, None)
        if following is not None:
            bound, part = following
            promise = _Promise(-(bound + on_terms_max), on_terms_max, part, walk)
            heapq.heappush(self._promises, promise)

    def _look_at(self, entry: Entry) -> None:
        candidate = self._on[entry.person]
        if entry.person in self._without or not ranking.meets(candidate, self._terms):
            return
        score = (
            -entry.minus_quality
            + scoring.closeness(candidate, self._ask, self._weights)
            + scoring.on_terms(candidate, self._terms, self._weights)
        )
        if len(self._scores) < self._count:
            heapq.heappush(self._scores, score)
        elif score >= self._scores[0]:
            heapq.heappushpop(self._scores, score)
        else:
            return
        self._found.append((-score, entry.person))


def _band_floor(band: int) -> int:
    """The least price in a band: the smallest whole m for which (m + 1)² has so many bits."""
    least_square = 1 << (band - 1)
    return max(0, isqrt(least_square - 1))
