"""Time as a parameter: the wall for people and deadlines, the monotonic clock for anything that costs money.

The two never stand in for one another. Monotonic readings compare only within one `boot_id`, so every stored reading
carries it; after a restart nothing is measured across the gap.
"""

import asyncio
import secrets
import time
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """`monotonic_ms` never steps back within a `boot_id`; `now` is aware UTC and may jump."""

    @property
    def boot_id(self) -> str: ...
    def now(self) -> datetime: ...
    def monotonic_ms(self) -> int: ...
    async def sleep(self, seconds: float) -> None: ...


class SystemClock:
    """The machine's clocks, run `factor` times as fast from the moment of construction.

    A factor other than 1 is for the demo: an hour of billed time passes in minutes. Real intervals (sockets, retries)
    are not touched by it; only what asks this clock is.
    """

    def __init__(self, factor: int = 1) -> None:
        self._factor = factor
        self._wall_at_start = datetime.now(UTC)  # noqa: TID251 - the one place that reads the machine's clock
        self._monotonic_at_start = time.monotonic()
        self._boot_id = secrets.token_hex(8)

    @property
    def boot_id(self) -> str:
        return self._boot_id

    def now(self) -> datetime:
        if self._factor == 1:
            return datetime.now(UTC)  # noqa: TID251 - as above
        return self._wall_at_start + timedelta(milliseconds=self.monotonic_ms())

    def monotonic_ms(self) -> int:
        return int((time.monotonic() - self._monotonic_at_start) * 1000 * self._factor)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds / self._factor)
