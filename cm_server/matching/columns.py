"""Everybody on the list as columns of numbers, so that one ask is scored against all of them at once.

A mentor has a slot; each skill, solved complaint and spoken language has a list of the slots it belongs to. An ask adds
up the lists it names. A guess that would be wrong: these scores are not the ranking. They are the same sum in another
order of adding, good to `ROUNDING`, and only tell who may be among the best; `scoring` then decides.
"""

from array import array
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from cm_server.matching import scoring
from cm_server.matching.candidate import Candidate
from cm_server.matching.scoring import Asked
from cm_server.matching.weights import Weights
from cm_wire.asking import Terms

ROUNDING: Final = 1e-9
_ROOM_AT_FIRST: Final = 64

Numbers = npt.NDArray[np.float64]
Slots = npt.NDArray[np.intp]
Marks = npt.NDArray[np.bool_]


@dataclass(slots=True)
class _List:
    """Whose it is, and at which grade: a skill's level, or how often a complaint was solved."""

    slots: "array[int]" = field(default_factory=lambda: array("q"))
    grades: "array[int]" = field(default_factory=lambda: array("q"))

    def add(self, slot: int, grade: int) -> None:
        self.slots.append(slot)
        self.grades.append(grade)

    def remove(self, slot: int) -> None:
        """The last one takes the place: the order means nothing."""
        at = self.slots.index(slot)
        last, grade = self.slots.pop(), self.grades.pop()
        if at < len(self.slots):
            self.slots[at], self.grades[at] = last, grade

    def read(self) -> tuple[Slots, Numbers]:
        """Views, good until the list changes, and grades as numbers."""
        slots = np.frombuffer(self.slots, dtype=np.intp)
        return slots, np.frombuffer(self.grades, dtype=np.intp).astype(np.float64)


@dataclass(frozen=True, slots=True)
class Reach:
    """Whether terms leave anybody of those who fit, and what of them stands in the way.

    `someone_affordable` is within the price, whatever they speak; `least_price_minor` is the least of who meets all else.
    """

    someone_fits: bool
    someone_meets: bool
    someone_affordable: bool
    least_price_minor: int | None


class Columns:
    """Slots of who left are given to who comes."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self._used = 0
        self._free: list[int] = []
        self._quality: Numbers = np.zeros(_ROOM_AT_FIRST)
        self._price: Numbers = np.zeros(_ROOM_AT_FIRST)
        self._currency = np.zeros(_ROOM_AT_FIRST, dtype=np.int16)
        """Minus one in a slot that nobody has."""
        self._is_new: Marks = np.zeros(_ROOM_AT_FIRST, dtype=np.bool_)
        self._currencies: dict[str, int] = {}
        self._skills: dict[str, _List] = {}
        self._solved: dict[str, _List] = {}
        self._spoken: dict[str, _List] = {}

    def add(self, candidate: Candidate) -> int:
        """The slot they have from now on."""
        slot = self._free.pop() if self._free else self._next_slot()
        price = candidate.price_per_quarter
        self._quality[slot] = scoring.quality(candidate, self._weights)
        self._price[slot] = price.minor
        self._currency[slot] = self._currencies.setdefault(price.currency, len(self._currencies))
        self._is_new[slot] = scoring.is_new(candidate, self._weights)
        for lists, word, grade in self._places(candidate):
            lists.setdefault(word, _List()).add(slot, grade)
        return slot

    def remove(self, slot: int, candidate: Candidate) -> None:
        for lists, word, _ in self._places(candidate):
            lists[word].remove(slot)
            if not lists[word].slots:
                del lists[word]
        self._currency[slot] = -1
        self._free.append(slot)

    def reach(self, ask: Asked, terms: Terms, without: Iterable[int]) -> Reach:
        """How far the terms go among those who fit."""
        fits = self._fitting(ask)
        for slot in without:
            fits[slot] = False
        price = self._price[: self._used]
        currency = self._currencies.get(terms.price_max.currency, -2)
        payable = fits & (self._currency[: self._used] == currency)
        affordable = payable & (price <= terms.price_max.minor)
        speaks = payable & (self._language(terms) > 0) if terms.spoken_languages else payable
        prices = price[speaks]
        return Reach(
            someone_fits=bool(fits.any()),
            someone_meets=bool((speaks & affordable).any()),
            someone_affordable=bool(affordable.any()),
            least_price_minor=int(prices.min()) if len(prices) else None,
        )

    def promising(
        self, ask: Asked, terms: Terms, count: int, without: Iterable[int], *, only_new: bool
    ) -> list[int]:
        """Among these are the `count` best of those who fit and meet the terms; a few more where it is close."""
        fits, score = self._closeness(ask)
        currency = self._currencies.get(terms.price_max.currency, -2)
        price = self._price[: self._used]
        may = fits & (self._currency[: self._used] == currency) & (price <= terms.price_max.minor)
        if only_new:
            may &= self._is_new[: self._used]
        if terms.spoken_languages:
            spoken = self._language(terms)
            may &= spoken > 0
            score += spoken
        for slot in without:
            may[slot] = False
        slots = np.flatnonzero(may)
        found = score[slots] + self._quality[slots]
        if terms.price_max.minor:
            found -= price[slots] * (self._weights.price / terms.price_max.minor)
        if len(slots) > count:
            least = np.partition(found, -count)[-count]
            slots = slots[found >= least - ROUNDING]
        return [int(slot) for slot in slots]

    def _fitting(self, ask: Asked) -> Marks:
        """Everyone who knows anything of what is asked; all, for an ask about nothing known."""
        if not ask.has_skills:
            return self._here()
        marks = np.zeros(self._used, dtype=np.bool_)
        for lists, words in ((self._skills, ask.shares), (self._solved, ask.cases)):
            for found in _named(lists, words):
                marks[found.read()[0]] = True
        return marks

    def _closeness(self, ask: Asked) -> tuple[Marks, Numbers]:
        """Who fits, and the points for it; `scoring.closeness`."""
        weights = self._weights
        fits = np.zeros(self._used, dtype=np.bool_) if ask.has_skills else self._here()
        named, at_level = np.zeros(self._used), np.zeros(self._used)
        for word, share in ask.shares.items():
            if word in self._skills:
                slots, levels = self._skills[word].read()
                fits[slots] = True
                named[slots] += share
                at_level[slots] += levels * (share / scoring.LEVEL_MAX)
        points = weights.skills * np.minimum(1.0, named)
        points += weights.level * np.minimum(1.0, at_level)
        best: dict[str, Numbers] = {}
        for key, case in ask.cases.items():
            if key in self._solved:
                slots, times = self._solved[key].read()
                fits[slots] = True
                level = best.setdefault(case.level, np.zeros(self._used))
                level[slots] = np.maximum(
                    level[slots], case.points * times / (times + case.half_at)
                )
        for level in best.values():
            points += level
        return fits, points

    def _language(self, terms: Terms) -> Numbers:
        """`scoring.language`; nothing for who speaks none of those wished for."""
        points = np.zeros(self._used)
        for rank, tag in reversed(list(enumerate(terms.spoken_languages))):
            for speakers in _named(self._spoken, (tag,)):
                points[speakers.read()[0]] = self._weights.language / (1 + rank)
        return points

    def _here(self) -> Marks:
        return self._currency[: self._used] >= 0

    def _next_slot(self) -> int:
        if self._used == len(self._quality):
            self._quality = _doubled(self._quality)
            self._price = _doubled(self._price)
            self._currency = np.concatenate([self._currency, np.zeros_like(self._currency)])
            self._is_new = np.concatenate([self._is_new, np.zeros_like(self._is_new)])
        self._used += 1
        return self._used - 1

    def _places(self, candidate: Candidate) -> Iterator[tuple[dict[str, _List], str, int]]:
        for name, level in candidate.skills.items():
            yield self._skills, name, level
        for key, times in candidate.solved.items():
            yield self._solved, key, times
        for tag in dict.fromkeys(candidate.spoken_languages):
            yield self._spoken, tag, 1


def _named(lists: Mapping[str, _List], words: Iterable[str]) -> Iterator[_List]:
    return (lists[word] for word in words if word in lists)


def _doubled(numbers: Numbers) -> Numbers:
    return np.concatenate([numbers, np.zeros_like(numbers)])
