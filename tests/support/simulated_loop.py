"""An event loop on which no time is lost by waiting: when nothing is left to do, its clock jumps to the next timer.

For the real code between simulated editors and a simulated network, so that minutes of a session take moments and each run of a
seed is the same.
"""

import asyncio
import heapq
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from tests.support.simulated_network import SimulatedTime

Outcome = TypeVar("Outcome")


class _Jumping(selectors.SelectSelector):
    """Never waits. What it was asked to wait is what has passed."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise AssertionError("everything waits for something that will never happen")
        self.now += max(0.0, timeout)
        return super().select(0)


class SimulatedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now


class LoopTime(SimulatedTime):
    """The simulated editors' and links' agenda, carried out by the loop.

    The loop alone does not keep the order of what is due at one moment, and a pipe that reorders is no pipe.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        super().__init__()

    @property
    def now_ms(self) -> int:
        return round(self._loop.time() * 1000)

    @now_ms.setter
    def now_ms(self, _: int) -> None: ...

    def at(self, at_ms: int, act: Callable[[], None]) -> None:
        super().at(at_ms, act)
        self._loop.call_at(at_ms / 1000, self._next)

    def _next(self) -> None:
        _, _, act = heapq.heappop(self._agenda)
        act()


def run(work: Coroutine[Any, Any, Outcome]) -> Outcome:
    """What goes wrong in any callback goes wrong here."""
    failures: list[BaseException] = []

    def note(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        failures.append(context.get("exception") or AssertionError(context["message"]))

    with asyncio.Runner(loop_factory=SimulatedLoop) as runner:
        runner.get_loop().set_exception_handler(note)
        outcome = runner.run(work)
    if failures:
        raise failures[0]
    return outcome
