"""A clock that moves only when a test says so, and wakes whoever slept until then, in order."""

import asyncio
import heapq
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Final, Self

START: Final = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
TURNS_PER_STEP: Final = 50
"""Turns of the event loop given to woken sleepers before time goes on; work on other threads needs `until`."""


class ManualClock:
    def __init__(self, now: datetime = START, boot_id: str = "boot-1") -> None:
        self._now = now
        self._boot_id = boot_id
        self._monotonic_ms = 0
        self._order = count()
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []

    @property
    def boot_id(self) -> str:
        return self._boot_id

    def now(self) -> datetime:
        return self._now

    def monotonic_ms(self) -> int:
        return self._monotonic_ms

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        due_ms = self._monotonic_ms + round(seconds * 1000)
        heapq.heappush(self._sleepers, (due_ms, next(self._order), woken))
        await woken

    @property
    def sleepers(self) -> int:
        """How many still wait; a test that starts a loop waits until it sleeps before moving time."""
        return sum(not woken.done() for _, _, woken in self._sleepers)

    async def advance(self, seconds: float) -> None:
        """Go on by `seconds`, stopping at each sleeper that is due so that it acts at its own time."""
        target_ms = self._monotonic_ms + round(seconds * 1000)
        await self._turn()
        while self._sleepers and self._sleepers[0][0] <= target_ms:
            due_ms, _, woken = heapq.heappop(self._sleepers)
            self._go_to(due_ms)
            if not woken.done():
                woken.set_result(None)
                await self._turn()
        self._go_to(target_ms)
        await self._turn()

    def jump_wall(self, seconds: float) -> None:
        """The machine's wall clock is set; nobody wakes and nothing measured changes."""
        self._now += timedelta(seconds=seconds)

    def restarted(self, gap_seconds: float = 0) -> Self:
        """The clock of the next process: later on the wall, from zero and of another boot on the monotonic side."""
        number = int(self._boot_id.rpartition("-")[2])
        return type(self)(self._now + timedelta(seconds=gap_seconds), f"boot-{number + 1}")

    def _go_to(self, monotonic_ms: int) -> None:
        if monotonic_ms > self._monotonic_ms:
            self._now += timedelta(milliseconds=monotonic_ms - self._monotonic_ms)
            self._monotonic_ms = monotonic_ms

    async def _turn(self) -> None:
        for _ in range(TURNS_PER_STEP):
            await asyncio.sleep(0)
