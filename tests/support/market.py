"""Meter, ledger, outbox, the real `stripe` library and the stand-in over one database: people, currencies, crashes.

Owns: putting them together, what people and banks do, the death of the process between any two commits. Does not own: what
must hold (`money_model`, `money_checks`). A reader would guess that a crash loses the provider's state: it is another's
machine, and goes on.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

from msgspec.structs import replace
from sqlalchemy import event
from sqlmodel import Session, SQLModel

from cm_server.billing import charges, inbox, outbox, payees, payment_connection, sweeper
from cm_server.billing.accounts import PaymentId
from cm_server.billing.gateway import KEY_METADATA, GatewayUnavailable, WebhookRefused
from cm_server.billing.gateway_outcomes import AccountRef
from cm_server.billing.model import Customer, Payee
from cm_server.billing.till import Till
from cm_server.db import Database
from cm_server.meter import counting
from cm_server.meter.recorder import Recorder
from cm_server.payment_service import accounts, balance, cards, customers, payment_intents
from cm_server.payment_service.embedded import PaymentService, WebhookRoute
from cm_server.payment_service.records import Charge, PaymentIntent
from cm_server.payment_service.state import MemoryStore
from cm_server.payment_service.world import World
from cm_server.session import events, lifecycle
from cm_wire.ids import AskId, PersonId, SessionId
from cm_wire.money import Money
from tests.support.manual_clock import ManualClock
from tests.support.money_world import Screen, terms

T = TypeVar("T")
Item = TypeVar("Item")
SECRET = "whsec_market"
LEARNERS = (PersonId("per_lea"), PersonId("per_leo"))
MENTORS = (PersonId("per_mia"), PersonId("per_max"))
CAP_SECONDS = 1800


class Killed(BaseException):
    """The process is gone. No guard of the product catches it, as none survives a `kill -9`."""


def _without_the_disk(connection: Any, _: Any) -> None:
    connection.execute("PRAGMA synchronous=OFF").close()


class QuietClock(ManualClock):
    """For a world in which nobody sleeps: time passes at once."""

    async def _turn(self) -> None:
        """Nobody is to be woken."""


class MortalDatabase(Database):
    """`dies`: how many writes still come to pass, and whether the next one after them is committed before the end.

    Works in the caller's thread and leaves the disk out: what is tried here is order, and it is tried thousands of times.
    """

    dies: tuple[int, bool] | None = None

    def __init__(self, url: str) -> None:
        super().__init__(url)
        for engine in (self._writing, self._reading):
            event.listen(engine, "connect", _without_the_disk)

    async def read(self, work: Callable[[Session], T]) -> T:
        return self._read(work)

    async def _enqueue(self, job: Any) -> Any:
        job.done.set_running_or_notify_cancel()
        self._commit([job])
        return job.done.result()

    async def write(self, work: Callable[[Session], T]) -> T:
        last = self._is_last()
        if last is False:
            raise Killed
        answer = await super().write(work)
        if last:
            raise Killed
        return answer

    async def write_together(
        self, work: Callable[[Session, list[Item]], Sequence[T]], item: Item
    ) -> T:
        last = self._is_last()
        if last is False:
            raise Killed
        answer = await super().write_together(work, item)
        if last:
            raise Killed
        return answer

    def _is_last(self) -> bool | None:
        """None: it goes on living."""
        if self.dies is None:
            return None
        left, committed = self.dies
        self.dies = (left - 1, committed) if left else None
        return None if left else committed


@dataclass
class ProvidersClock:
    """The same wall clock; a slow answer costs the test no time."""

    market: Market

    def now(self) -> datetime:
        return self.market.clock.now()

    async def sleep(self, seconds: float) -> None:
        """Nobody waits."""


@dataclass
class Market:
    path: Path
    seed: int
    clock: ManualClock = field(default_factory=QuietClock)
    screen: Screen = field(default_factory=Screen)

    def __post_init__(self) -> None:
        route = WebhookRoute(SECRET, self._take_webhook)
        chance = random.Random(self.seed)
        clock = ProvidersClock(self)
        self.service = PaymentService(clock, MemoryStore(), chance, webhook_route=route)
        self.gateway = payment_connection.in_process(self.service, [SECRET])
        self.database = MortalDatabase(f"sqlite:///{self.path}")
        SQLModel.metadata.create_all(self.database.engine)
        self._begin_process()
        self.asks = 0

    def _begin_process(self) -> None:
        self.till = Till(self.clock, self.database, self.gateway)
        self.recorder = Recorder(self.clock, self.database, self.screen)

    async def open_doors(self) -> None:
        for learner in LEARNERS:
            await payees.customer(self.till, learner, email=f"{learner}@example.org")
            await self.save_card(learner, "4242424242424242")
        for mentor in MENTORS:
            await self.onboard(mentor)

    async def restart(self) -> None:
        """All that was in memory is gone; the next process takes over what it finds."""
        await self.database.close()
        self.clock = self.clock.restarted()
        self.database = MortalDatabase(f"sqlite:///{self.path}")
        self._begin_process()
        await outbox.end_leases(self.till)
        await self.recorder.take_unfinished()

    async def take_over_from_a_sleeper(self, sessions: Sequence[SessionId]) -> None:
        """Another process has the meters now; the one that had them wakes and goes on as if nothing had been."""
        sleeper, its_clock = self.recorder, self.clock
        self.clock = its_clock.restarted()
        self._begin_process()
        await self.recorder.take_unfinished()
        for _ in range(3):
            await its_clock.advance(5)
            for session_id in sessions:
                for role in counting.ROLES:
                    sleeper.joined(session_id, role)
            await sleeper.tick()
            await sleeper.checkpoint()

    async def close(self) -> None:
        await self.gateway.close()
        await self.database.close()

    # --- people ---

    async def save_card(self, learner: PersonId, number: str) -> None:
        row = await self.database.read(lambda s: s.get_one(Customer, learner))
        self.change(lambda w: customers.save_card(w, row.ref, cards.BY_NUMBER[number]))

    async def onboard(self, mentor: PersonId) -> None:
        await payees.mentor_page(
            self.till, mentor, email=f"{mentor}@example.org", name="M", country="US", base_url="x:"
        )
        row = await self.database.read(lambda s: s.get_one(Payee, mentor))
        link = next(one for one in self.world.state.account_links if one.account == row.ref)
        self.change(lambda w: accounts.finish_onboarding(w, link))
        await payees.refresh(self.till, AccountRef(row.ref))

    def answer_bank(self, payment: PaymentId, *, passed: bool) -> None:
        """The learner deals with what their bank asks about this payment."""
        for intent in self.intents_of(payment):
            if intent.status == "requires_action":
                self.change(lambda w: payment_intents.finish_challenge(w, intent, passed=passed))  # noqa: B023 - called at once

    def change_account(self, number: int, *, able: bool, told: bool) -> None:
        """Stripe changes its mind about a mentor; `told`: and says so."""
        account = list(self.world.state.accounts)[number]
        link = next(one for one in self.world.state.account_links if one.account == account.id)
        before = [delivery.id for delivery in self.world.state.deliveries.open()]
        if able:
            self.change(lambda w: accounts.finish_onboarding(w, link))
        else:
            self.change(lambda w: accounts.restrict(w, account.id))
        if not told:
            self._lose_deliveries_but(before)

    def empty_accounts(self) -> None:
        """Stripe pays every mentor's balance out to their bank."""
        for account in self.world.state.accounts:
            for currency in sorted({line.currency for line in self.world.state.balance_lines}):
                self.change(lambda w: balance.pay_out(w, account.id, currency))  # noqa: B023 - called at once

    def fund(self) -> None:
        """Our bank sends the provider money, so that no refund has to wait."""
        for currency in sorted({line.currency for line in self.world.state.balance_lines}):
            self.change(lambda w: balance.book(w, "payout", 90_000_000, currency, f"po_{currency}"))  # noqa: B023 - called at once

    # --- sessions ---

    def next_ask(self) -> AskId:
        self.asks += 1
        return AskId(f"ask_{self.asks}")

    async def open(
        self, ask: AskId, learner: PersonId, mentor: PersonId, quarter: Money
    ) -> SessionId:
        session_id = SessionId(f"ses_{ask}")
        at = events.moment(self.clock)
        opening = lifecycle.Opening(
            session_id=session_id,
            ask_id=ask,
            learner=learner,
            learner_name="L",
            mentor=mentor,
            mentor_name="M",
            price_per_quarter=quarter,
            cap_minutes=CAP_SECONDS // 60,
        )
        await self.database.write(lambda s: lifecycle.open_session(s, opening, at))
        await self.recorder.open(session_id, terms(quarter, CAP_SECONDS, at.at_ms))
        self.recorder.joined(session_id, "learner")
        self.recorder.joined(session_id, "mentor")
        await self.recorder.start(session_id, by=learner)
        return session_id

    async def give_back(self, ask: AskId) -> None:
        """What the next process does for an ask whose process died while holding."""
        await charges.void(self.till, ask, 1)

    # --- the provider ---

    @property
    def world(self) -> World:
        return self.service.world

    def change(self, act: Callable[[World], Any]) -> None:
        self.service.change(act)

    def intents_of(self, payment: str) -> list[PaymentIntent]:
        intents = self.world.state.intents
        return [one for one in intents if one.metadata.get("payment") == payment]

    def charges_of(self, payment: str) -> list[Charge]:
        ids = [intent.charge for intent in self.intents_of(payment) if intent.charge]
        return [charge for id_ in ids if (charge := self.world.state.charges.get(id_)).captured]

    def key_of(self, record: Any) -> str:
        return str(record.metadata.get(KEY_METADATA, ""))

    async def deliver(self) -> None:
        await self.service.deliver_due()

    async def sweep(self) -> None:
        await sweeper.sweep(self.till)

    async def look_further(self) -> None:
        """The sweeper's rarer round; with the provider away it waits for the next."""
        try:
            await sweeper.take_lost_events(self.till)
        except GatewayUnavailable:
            return

    async def _take_webhook(self, body: bytes, signature: str) -> int:
        try:
            await inbox.receive(self.till, body, signature)
        except WebhookRefused:
            return 400
        except GatewayUnavailable:
            return 503
        return 200

    def _lose_deliveries_but(self, kept: list[str]) -> None:
        for delivery in self.world.state.deliveries.open():
            if delivery.id not in kept:
                self.world.state.deliveries.put(replace(delivery, done=True))
