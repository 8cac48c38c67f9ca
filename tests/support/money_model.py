"""What the meter and the prices must come to, worked out another way: a few integers and every possibility tried.

Owns: the reference of one session's minutes (`Meter`) and of its money. Does not own: the product's own arithmetic, of which
nothing is used here. A reader would guess that time is continuous: it goes in slots of five seconds, at whose end each person
gives a sign of life or none, and the meter ticks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Final

from cm_wire.ids import AskId, PersonId, SessionId
from cm_wire.money import Money
from cm_wire.session import Role

SLOT: Final = 5
SILENT_SLOTS: Final = 2
CAP_MINUTES: Final = 30
LONG_AGO: Final = -99
ROLES: tuple[Role, ...] = ("learner", "mentor")
STEPS: Final = {
    "USD": 1,
    "EUR": 1,
    "JPY": 1,
    "ISK": 100,
    "UGX": 100,
    "HUF": 100,
    "TWD": 100,
    "KWD": 10,
}
"""What amounts must be multiples of, to be charged and paid out; from the card networks' tables, not from ours."""
LEAST: Final = {"USD": 50, "EUR": 50, "JPY": 50, "ISK": 10_000, "UGX": 200_000, "HUF": 17_500, "TWD": 1_500, "KWD": 150}  # fmt: skip


@dataclass
class Meter:
    """All times in slots; `start` is None while nothing counts."""

    now: int = 0
    counted: int = 0
    start: int | None = 0
    saved: int = 0
    cap: int = CAP_MINUTES * 12
    last: dict[Role, int] = field(default_factory=lambda: {"learner": 0, "mentor": 0})
    paused: set[Role] = field(default_factory=set)
    gone: set[Role] = field(default_factory=set)
    in_sync: bool = True

    def proved(self) -> int:
        assert self.start is not None
        return max(self.start, min(self.last.values()))

    def total(self) -> int:
        open_part = 0 if self.start is None else self.proved() - self.start
        return min(self.counted + open_part, self.cap)

    def stop(self, at: int | None = None) -> None:
        if self.start is not None:
            until = self.proved() if at is None else at
            self.counted = min(self.counted + max(0, until - self.start), self.cap)
            self.start = None

    def slot(self, alive: set[Role]) -> None:
        self.now += 1
        for role in alive:
            if self.start is None or self.now - self.last[role] <= SILENT_SLOTS:
                self.last[role] = self.now
        if self.start is not None:
            silent = any(self.now - self.last[role] > SILENT_SLOTS for role in ROLES)
            if silent or self.total() >= self.cap:
                self.stop()
                for role in alive:
                    self.last[role] = self.now
        else:
            self.try_start()

    def pass_in_silence(self, slots: int) -> None:
        self.now += slots
        self.stop()

    def try_start(self) -> None:
        if self.start is not None:
            return
        present = all(
            role not in self.gone and self.now - self.last[role] <= SILENT_SLOTS for role in ROLES
        )
        if present and self.in_sync and not self.paused and self.counted < self.cap:
            self.start = self.saved = self.now

    def restart(self) -> None:
        if self.start is not None:
            self.stop(min(self.saved, self.proved()))
        self.gone = set(ROLES)
        self.in_sync = True
        self.last = {"learner": LONG_AGO, "mentor": LONG_AGO}


@dataclass
class LiveSession:
    id: SessionId
    ask: AskId
    learner: PersonId
    mentor: PersonId
    quarter: Money
    meter: Meter = field(default_factory=Meter)

    def price(self) -> int:
        return price_of(self.meter.counted * SLOT, self.quarter)


@dataclass
class Paid:
    """A session that is over: `gross` was on its receipt, `asked_back` is all that was ever let go back of it, `given_up` what was owed and written off."""

    id: str
    mentor: PersonId
    currency: str
    gross: int
    ended_at_ms: int
    asked_back: int = 0
    given_up: int = 0


def price_of(counted_seconds: int, quarter: Money) -> int:
    """Whole minutes at a fraction of the quarter's price, down to what the currency can charge."""
    exact = quarter.minor * (counted_seconds // 60) * 60 // 900
    return exact - exact % STEPS[quarter.currency]


def to_hold(seconds: int, quarter: Money) -> int:
    return max(price_of(seconds, quarter), LEAST[quarter.currency])


def most_that_can_be_captured(price: int, holds: Sequence[int], least: int) -> int:
    """By trying every set of holds: each of a set takes from the least to all of it."""
    best = 0
    usable = [size for size in holds if size >= least]
    for count in range(1, len(usable) + 1):
        if count * least <= price:
            sums = {sum(chosen) for chosen in combinations(usable, count)}
            best = max(best, *(min(price, total) for total in sums))
    return best


def mentors_share(net: int, currency: str) -> int:
    """Four fifths of the units that can be paid out, half a unit up."""
    step = STEPS[currency]
    return (net // step * 8 + 5) // 10 * step
