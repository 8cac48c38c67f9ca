"""Meter, ledger, outbox and a payment provider over a real database, driven by hand: one learner, one mentor.

A crash is modelled by `restart`: all that was in memory is gone, the database and the provider's world stay.
"""

from dataclasses import dataclass, field
from pathlib import Path

from sqlmodel import Session, SQLModel

from cm_server.billing import charges, model, outbox, payees, settlement
from cm_server.billing.gateway_outcomes import AccountRef
from cm_server.billing.receipts import Issued
from cm_server.billing.till import Till
from cm_server.db import Database
from cm_server.meter import counting, rating
from cm_server.meter.facts import MeterOpened
from cm_server.meter.recorder import Recorder
from cm_server.session import events, lifecycle
from cm_wire.ids import AskId, PersonId, SessionId
from cm_wire.money import Money
from cm_wire.session import MeterView, PausedWhy
from tests.support.fake_bank import Card, FakeBank
from tests.support.fake_gateway import FakeGateway
from tests.support.manual_clock import ManualClock

LEARNER, MENTOR = PersonId("per_learner"), PersonId("per_mentor")
BEAT_SECONDS = 5


@dataclass
class Screen:
    """What both people were shown, in order."""

    shown: list[MeterView] = field(default_factory=list)
    mentor_shown: list[MeterView] = field(default_factory=list)
    lapsed: list[PausedWhy] = field(default_factory=list)

    def meter_moved(self, session_id: SessionId, learner: MeterView, mentor: MeterView) -> None:
        self.shown.append(learner)
        self.mentor_shown.append(mentor)

    def pause_lapsed(self, session_id: SessionId, why: PausedWhy) -> None:
        self.lapsed.append(why)


@dataclass
class MoneyWorld:
    path: Path
    clock: ManualClock
    bank: FakeBank
    gateway: FakeGateway
    database: Database
    till: Till
    screen: Screen
    recorder: Recorder
    sessions: int = 0
    currency: str = "USD"
    rules: counting.MeterRules = field(default_factory=counting.MeterRules)

    async def save_card(self, card: Card = Card.GOOD) -> None:
        customer = await payees.customer(self.till, LEARNER, email="lea@example.org")
        self.bank.save_card(customer, card)

    def change_cards(self, card: Card) -> None:
        """The bank has come to see all saved cards otherwise."""
        for customer, saved in self.bank.cards.items():
            self.bank.cards[customer] = [(ref, card) for ref, _ in saved]

    async def onboard(self) -> None:
        await payees.mentor_page(
            self.till, MENTOR, email="mo@example.org", name="Mo", country="US", base_url="http://h"
        )
        payee = await self.database.read(lambda s: s.get_one(model.Payee, MENTOR))
        self.bank.finish_onboarding(AccountRef(payee.ref))
        await payees.refresh(self.till, AccountRef(payee.ref))

    async def hold(self, minor: int = 2000) -> AskId:
        self.sessions += 1
        ask = AskId(f"ask_{self.sessions}")
        await charges.authorise(self.till, ask, 1, LEARNER, Money(minor, self.currency))
        return ask

    async def open(
        self, ask: AskId, *, price: int = 1000, cap_minutes: int = 30, start: bool = True
    ) -> SessionId:
        session_id = SessionId(f"ses_{ask}")
        at = events.moment(self.clock)
        quarter = Money(price, self.currency)
        opening = lifecycle.Opening(
            session_id=session_id,
            ask_id=ask,
            learner=LEARNER,
            learner_name="Lea",
            mentor=MENTOR,
            mentor_name="Mo",
            price_per_quarter=quarter,
            cap_minutes=cap_minutes,
        )

        def write(session: Session) -> None:
            lifecycle.open_session(session, opening, at)

        await self.database.write(write)
        await self.recorder.open(session_id, terms(quarter, cap_minutes * 60, at.at_ms))
        if start:
            self.recorder.joined(session_id, "learner")
            self.recorder.joined(session_id, "mentor")
            await self.recorder.start(session_id, by=LEARNER)
        return session_id

    async def serve(self, session_id: SessionId, seconds: int, *, learner: bool = True) -> None:
        """Both at work: signs of life and a tick each second."""
        for _ in range(seconds):
            await self.clock.advance(1)
            if learner:
                self.recorder.hear(session_id, "learner", active=True)
            self.recorder.hear(session_id, "mentor", active=True)
            await self.recorder.tick()

    async def serve_silently(self, session_id: SessionId, seconds: int) -> None:
        """Both are there and no tick runs."""
        await self.clock.advance(seconds)
        for role in counting.ROLES:
            self.recorder.hear(session_id, role)

    async def end(self, session_id: SessionId) -> Issued:
        await self.recorder.end(session_id, "learner-ended", by=LEARNER)
        return await settlement.settle(self.till, session_id)

    async def whole_session(self, minutes: int = 10, hold: int = 2000) -> tuple[SessionId, Issued]:
        session_id = await self.open(await self.hold(hold))
        await self.serve(session_id, minutes * 60)
        return session_id, await self.end(session_id)

    async def pass_days(self, days: float) -> None:
        await self.clock.advance(days * 86_400)

    async def work(self) -> None:
        await outbox.perform_all(self.till)

    async def restart(self, gap_seconds: int = 0, *, reboot: bool = True) -> None:
        """Everything in memory is lost; the next process has a new clock of its own."""
        await self.database.close()
        if reboot:
            self.clock = self.clock.restarted(gap_seconds)
        self.bank.now = self.clock.now
        self.database = Database(f"sqlite:///{self.path}")
        self.till = Till(self.clock, self.database, self.gateway)
        self.recorder = Recorder(self.clock, self.database, self.screen, rules=self.rules)
        await self.recorder.take_unfinished()

    async def close(self) -> None:
        await self.database.close()


def terms(quarter: Money, cap_seconds: int, at_ms: int = 0) -> MeterOpened:
    plan = rating.COMPLETED_MINUTES
    return MeterOpened(
        price_per_quarter=quarter,
        free_seconds=plan.free_seconds,
        first_seconds=plan.first_seconds,
        increment_seconds=plan.increment_seconds,
        commission_basis_points=rating.COMMISSION,
        cap_seconds=cap_seconds,
        opened_utc_ms=at_ms,
    )


def new(folder: Path, url: str = "") -> MoneyWorld:
    """On a SQLite file in `folder`, or on the database at `url`, which `restart` knows nothing of."""
    clock = ManualClock()
    bank = FakeBank(clock.now)
    gateway = FakeGateway(bank)
    path = folder / "money.sqlite3"
    database = Database(url or f"sqlite:///{path}")
    SQLModel.metadata.create_all(database.engine)
    screen = Screen()
    recorder = Recorder(clock, database, screen)
    return MoneyWorld(
        path, clock, bank, gateway, database, Till(clock, database, gateway), screen, recorder
    )
