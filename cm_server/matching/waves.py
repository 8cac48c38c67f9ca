"""Whom to ring now, how long to wait, and when to say that nobody is there. Pure.

A seat that a refusal frees is filled at once; the others in the wave keep the time they were promised. While somebody who
fits is merely being asked about another question, the search holds on for a few seconds before it says nobody.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from cm_server.matching.ranking import Ranked
from cm_wire.ids import PersonId

WAYS_OUT_MAX: Final = 3


@dataclass(frozen=True, slots=True)
class Pace:
    """`window_ms` is what the mentor is told; an answer counts for `grace_ms` longer, because the wire takes time."""

    seats: int = 3
    window_ms: int = 15_000
    grace_ms: int = 1_000
    nobody_after_ms: int = 5_000
    missed_in_row_max: int = 2


@dataclass(frozen=True, slots=True)
class Search:
    """How one search stands. `ranked` are the fitting mentors on the list; `rung` had an offer in this search already."""

    ranked: Sequence[Ranked]
    rung: Collection[PersonId]
    taken: Collection[PersonId]
    open_offers: int
    searching_ms: int


@dataclass(frozen=True, slots=True)
class Ring:
    """Make offers to these, the best first."""

    mentors: tuple[Ranked, ...]


@dataclass(frozen=True, slots=True)
class Wait:
    """Nothing to do until an answer comes, a mentor comes free, or time passes."""


@dataclass(frozen=True, slots=True)
class Nobody:
    """Nobody who fits can be asked now."""


Step = Ring | Wait | Nobody


def next_step(search: Search, pace: Pace) -> Step:
    """What to do for an ask that is looking for a mentor."""
    fresh = [one for one in search.ranked if one.mentor not in search.rung]
    free = [one for one in fresh if one.mentor not in search.taken]
    seats = pace.seats - search.open_offers
    if free and seats > 0:
        return Ring(tuple(free[:seats]))
    if search.open_offers or (fresh and search.searching_ms < pace.nobody_after_ms):
        return Wait()
    return Nobody()
