"""A clock that jumps from event to event, and links that treat messages as networks do.

Everything is decided by the `random.Random` passed in, so a run can be repeated exactly.
"""

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

Message = TypeVar("Message")


class SimulatedTime:
    """Runs what was put on the agenda, in order of time; events of one moment in order of entry."""

    def __init__(self) -> None:
        self.now_ms = 0
        self._agenda: list[tuple[int, int, Callable[[], None]]] = []
        self._entries = 0

    def after(self, delay_ms: int, act: Callable[[], None]) -> None:
        self.at(self.now_ms + max(0, delay_ms), act)

    def at(self, at_ms: int, act: Callable[[], None]) -> None:
        self._entries += 1
        heapq.heappush(self._agenda, (at_ms, self._entries, act))

    def advance(self, by_ms: int) -> None:
        """Everything that is due until then happens."""
        until_ms = self.now_ms + by_ms
        while self._agenda and self._agenda[0][0] <= until_ms:
            self.now_ms, _, act = heapq.heappop(self._agenda)
            act()
        self.now_ms = until_ms

    def run(self, most_events: int = 1_000_000) -> None:
        for _ in range(most_events):
            if not self._agenda:
                return
            self.now_ms, _, act = heapq.heappop(self._agenda)
            act()
        raise AssertionError(f"not at rest after {most_events} events")


@dataclass(frozen=True)
class Weather:
    """What a link does to messages. Rates are between 0 and 1."""

    least_ms: int = 1
    most_ms: int = 6
    ordered: bool = True
    drop_rate: float = 0.0
    duplicate_rate: float = 0.0


PIPE = Weather()
INTERNET = Weather(least_ms=5, most_ms=60)
STORM = Weather(least_ms=1, most_ms=200, ordered=False, drop_rate=0.05, duplicate_rate=0.1)


class Link(Generic[Message]):
    """One direction of a connection. Cut, it loses what is under way and what is sent."""

    def __init__(
        self,
        time: SimulatedTime,
        rng: random.Random,
        receive: Callable[[Message], None],
        weather: Weather = PIPE,
    ) -> None:
        self._time, self._rng, self._receive, self._weather = time, rng, receive, weather
        self._last_ms = 0
        self._life = 0
        self.up = True
        self.sent = self.lost = 0

    def send(self, message: Message) -> None:
        self.sent += 1
        if not self.up or self._rng.random() < self._weather.drop_rate:
            self.lost += 1
            return
        self._deliver(message)
        if self._rng.random() < self._weather.duplicate_rate:
            self._deliver(message)

    def cut(self) -> None:
        self.up = False
        self._life += 1

    def mend(self) -> None:
        """A new connection: nothing of the old one arrives any more."""
        self.up = True
        self._last_ms = self._time.now_ms

    def _deliver(self, message: Message) -> None:
        at_ms = self._time.now_ms + self._rng.randint(self._weather.least_ms, self._weather.most_ms)
        if self._weather.ordered:
            at_ms = self._last_ms = max(self._last_ms, at_ms)
        life = self._life

        def arrive() -> None:
            if life == self._life:
                self._receive(message)

        self._time.at(at_ms, arrive)
