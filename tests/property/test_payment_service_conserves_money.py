"""However calls break and repeat, the stand-in takes, gives back and pays out exactly once."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

from hypothesis import given, settings
from hypothesis import strategies as st

from cm_server.billing.gateway import GatewayRefused, GatewayUnavailable
from cm_server.billing.gateway_outcomes import (
    AccountRef,
    Captured,
    CardRef,
    CustomerRef,
    Held,
    Refunded,
    RefundPending,
    RefundRef,
    Reversed,
    Transferred,
)
from cm_server.payment_service.faults import CallFault
from cm_wire.money import Money
from tests.support import payment_worlds
from tests.support.fake_bank import Card
from tests.support.payment_worlds import RETURN_URL, StandInWorld

T = TypeVar("T")
TRANSIENT = [CallFault.LOST_BEFORE, CallFault.LOST_AFTER, CallFault.KEY_IN_USE]
steps = st.lists(
    st.tuples(
        st.sampled_from(["hold", "capture", "void", "refund", "pay", "reverse", "wait"]),
        st.integers(50, 2000),
        st.integers(0, 3),
    ),
    min_size=1,
    max_size=40,
)


class Books:
    """What our side believes it did; `net_minor` is of charges, transfers and reversals."""

    def __init__(self, world: StandInWorld, seed: int) -> None:
        self.world = world
        self.chance = random.Random(seed)
        self.held: list[Held] = []
        self.captured: list[Captured] = []
        self.paid: list[Transferred] = []
        self.refunds: list[RefundRef] = []
        self.net_minor = 0
        self.calls = 0

    async def settle(self, call: Callable[[], Awaitable[T]]) -> T | None:
        """Repeat under one key through faults; None when it was refused."""
        plan = self.world.service.faults.calls
        plan.extend(self.chance.choices([None, *TRANSIENT], k=3))
        while True:
            try:
                return await call()
            except GatewayUnavailable:
                continue
            except GatewayRefused:
                return None
            finally:
                if not self.chance.randrange(4):
                    plan.clear()

    def key(self) -> str:
        self.calls += 1
        return f"key:{self.calls}"

    async def act(self, step: str, minor: int, which: int) -> None:
        amount = Money(minor, "USD")
        match step:
            case "hold":
                await self.hold(amount)
            case "capture" if self.held:
                await self.capture(self.held[which % len(self.held)], amount)
            case "void" if self.held:
                key, held = self.key(), self.held[which % len(self.held)]
                await self.settle(lambda: self.world.gateway.void(key, held.ref))
            case "refund" if self.captured:
                await self.refund(self.captured[which % len(self.captured)], amount)
            case "pay" if self.captured:
                await self.pay(self.captured[which % len(self.captured)], amount)
            case "reverse" if self.paid:
                await self.reverse(self.paid[which % len(self.paid)], amount)
            case "wait":
                self.world.clock.advance(timedelta(hours=which * 20))

    async def hold(self, amount: Money) -> None:
        key = self.key()
        outcome = await self.settle(
            lambda: self.world.gateway.hold(
                key, self.customer, self.card, amount, metadata={}, return_url=RETURN_URL
            )
        )
        assert isinstance(outcome, Held)
        self.held.append(outcome)

    async def capture(self, held: Held, amount: Money) -> None:
        key = self.key()
        outcome = await self.settle(lambda: self.world.gateway.capture(key, held.ref, amount))
        if isinstance(outcome, Captured) and outcome not in self.captured:
            assert outcome.amount <= held.amount
            assert outcome.fee is not None
            self.captured.append(outcome)
            self.net_minor += outcome.amount.minor - outcome.fee.minor

    async def refund(self, captured: Captured, amount: Money) -> None:
        key = self.key()
        outcome = await self.settle(
            lambda: self.world.gateway.refund(key, captured.charge, amount, metadata={})
        )
        if isinstance(outcome, Refunded | RefundPending):
            self.refunds.append(outcome.ref)

    async def pay(self, captured: Captured, amount: Money) -> None:
        key = self.key()
        outcome = await self.settle(
            lambda: self.world.gateway.transfer(
                key, self.account, amount, source=captured.charge, group="S1", metadata={}
            )
        )
        if isinstance(outcome, Transferred):
            self.paid.append(outcome)
            self.net_minor -= amount.minor

    async def reverse(self, paid: Transferred, amount: Money) -> None:
        key = self.key()
        outcome = await self.settle(
            lambda: self.world.gateway.reverse(key, paid.ref, amount, metadata={})
        )
        if isinstance(outcome, Reversed):
            self.net_minor += amount.minor

    async def open(self) -> None:
        gateway = self.world.gateway
        self.customer: CustomerRef = await gateway.create_customer(
            "cus", email="a@example.org", metadata={}
        )
        self.card: CardRef = await self.world.save_card(self.customer, Card.GOOD)
        self.account: AccountRef = await gateway.create_mentor_account(
            "acct", email="m@example.org", name="M", country="US", metadata={}
        )
        page = await gateway.onboarding_page(
            "link", self.account, done_url=RETURN_URL, again_url=RETURN_URL
        )
        await self.world.finish_onboarding(self.account, page)


@settings(max_examples=150, deadline=None)
@given(steps=steps, seed=st.integers(0, 2**32))
def test_broken_and_repeated_calls_move_money_once(
    steps: list[tuple[str, int, int]], seed: int
) -> None:
    asyncio.run(_play(steps, seed))


async def _play(steps: list[tuple[str, int, int]], seed: int) -> None:
    async with payment_worlds.in_process() as world:
        books = Books(world, seed)
        await books.open()
        for step, minor, which in steps:
            await books.act(step, minor, which)
        world.service.faults.calls.clear()
        await _compare(books)


async def _compare(books: Books) -> None:
    gateway, state = books.world.gateway, books.world.service.world.state
    total_minor = sum(b.available_minor + b.pending_minor for b in await gateway.balances())
    refunds = [await gateway.look_up_refund(ref) for ref in books.refunds]
    refunded_minor = sum(r.amount.minor for r in refunds if isinstance(r, Refunded))
    assert total_minor == books.net_minor - refunded_minor
    for charge in state.charges:
        assert charge.amount_refunded <= charge.amount_captured <= charge.amount
        assert charge.amount_transferred <= charge.amount_captured
    books.world.clock.advance(timedelta(days=7))
    for held in books.held:
        assert not isinstance(await gateway.look_up_hold(held.ref), Held)
