"""The stage on which the money's random test plays: the market, what is going on in it, and a process that dies.

Owns: the state that all rules share, doing a thing mortally, rounds of the sweeper. Does not own: the rules
(`money_weather`, `money_sessions`, `money_moves`), what must hold (`money_checks`).
"""

import asyncio
import random
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine

from cm_wire.faults import Refused
from cm_wire.money import Money
from tests.support import money_checks
from tests.support.market import Killed, Market
from tests.support.money_model import SLOT, LiveSession, Paid

T = TypeVar("T")
DAY_SLOTS = 86_400 // SLOT
QUARTERS = [
    Money(1000, "USD"),
    Money(735, "USD"),
    Money(9_999, "EUR"),
    Money(77, "JPY"),
    Money(1_503, "JPY"),
    Money(199_999, "ISK"),
    Money(3_333_300, "UGX"),
    Money(333_333, "HUF"),
    Money(45_055, "TWD"),
    Money(2_345, "KWD"),
]
CARDS = [
    "4242424242424242",
    "4000002760003184",
    "4000000000000341",
    "4000000000009995",
    "4000000000000069",
    "4000000000000259",
]
"""Good, asks its owner, declined, no funds, expired, disputed once it is charged."""
CRASH = st.sampled_from([None] * 12 + [(left, done) for left in range(3) for done in (True, False)])
"""The process dies at one of the next commits, after it or before it."""


class MoneyStage(RuleBasedStateMachine):
    """`live` are the sessions that go on, `paid` those that are over, `released` the payments whose mentor was paid."""

    market: Market
    live: list[LiveSession]
    paid: dict[str, Paid]
    released: set[str]
    refusals: set[str]

    def set_up(self, seed: int) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.market = self.run(self._new_market(seed))
        self.service = self.market.service
        self.service.faults.chance = random.Random(seed)
        self.live, self.paid = [], {}
        self.released, self.refusals = set(), set()

    def take_down(self) -> None:
        self.run(self.market.close())
        self.runner.close()
        self.folder.cleanup()

    async def _new_market(self, seed: int) -> Market:
        market = Market(Path(self.folder.name) / "market.sqlite3", seed)
        await market.open_doors()
        return market

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    def mortally(
        self, work: Callable[[], Coroutine[Any, Any, T]], crash: tuple[int, bool] | None
    ) -> T | None:
        """Do it, and die between two of its commits when `crash` says where; then None, and the next process is there."""
        self.market.database.dies = crash
        try:
            return self.run(work())
        except Killed:
            self.restart()
            return None
        except Refused as refused:
            self.refusals.add(refused.fault.code)
            return None
        finally:
            self.market.database.dies = None

    def restart(self) -> None:
        self.run(self.market.restart())
        for session in self.live:
            session.meter.restart()

    async def sweep(self) -> None:
        await self.market.sweep()
        await self.look_at_released()

    async def look_at_released(self) -> None:
        till = self.market.till
        released = await till.database.read(money_checks.released)
        fresh, self.released = released - self.released, released
        await till.database.read(
            lambda s: money_checks.check_released(
                s, fresh, self.paid, till.now_ms(), till.refund_window_ms
            )
        )

    async def heal(self) -> None:
        await self.market.deliver()
        await self.market.look_further()
        await self.sweep()
