"""What two people do with a session, at random: begin, work, pause, drop, come back, extend, end.

Owns: these rules, each done to the product and to the model. Does not own: the model (`money_model`).
"""

from collections.abc import Callable, Coroutine
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlmodel import Session, select

from cm_server.billing import charges, settlement
from cm_server.billing.model import Hold
from cm_server.payment_service.faults import CallFault
from cm_wire.faults import Refused
from cm_wire.ids import AskId
from cm_wire.money import Money
from cm_wire.session import Role
from tests.support.market import CAP_SECONDS, LEARNERS, MENTORS
from tests.support.money_model import (
    LEAST,
    ROLES,
    SLOT,
    LiveSession,
    Paid,
    most_that_can_be_captured,
    to_hold,
)
from tests.support.money_stage import CRASH, QUARTERS, MoneyStage


class Sessions(MoneyStage):
    @precondition(lambda self: len(self.live) < 2)
    @rule(
        learner=st.integers(0, 1),
        mentor=st.integers(0, 1),
        quarter=st.sampled_from(QUARTERS),
        answer=st.none() | st.booleans(),
        crash=CRASH,
    )
    def session_begins(
        self,
        learner: int,
        mentor: int,
        quarter: Money,
        answer: bool | None,
        crash: tuple[int, bool] | None,
    ) -> None:
        if any(LEARNERS[learner] == s.learner or MENTORS[mentor] == s.mentor for s in self.live):
            return
        ask = self.market.next_ask()
        amount = Money(to_hold(CAP_SECONDS, quarter), quarter.currency)

        async def hold() -> None:
            await charges.authorise(self.market.till, ask, 1, LEARNERS[learner], amount)

        lived = self.mortally(lambda: self.asking_the_bank(hold, ask, answer), crash)
        if lived is None:
            self.run(self.market.give_back(ask))
            return
        opened = self.market.open(ask, LEARNERS[learner], MENTORS[mentor], quarter)
        session_id = self.run(opened)
        self.live.append(LiveSession(session_id, ask, LEARNERS[learner], MENTORS[mentor], quarter))

    async def asking_the_bank(
        self, hold: Callable[[], Coroutine[Any, Any, None]], ask: AskId, answer: bool | None
    ) -> bool:
        """`answer` is what the card's owner tells their bank when it asks; None: nothing."""
        try:
            await hold()
        except Refused as refused:
            if answer is None or refused.fault.code != "payment-action-needed":
                raise
            self.market.answer_bank(charges.payment_id(ask, 1), passed=answer)
            await hold()
        return True

    @precondition(lambda self: self.live)
    @rule(slots=st.integers(12, 72))
    def both_work(self, slots: int) -> None:
        self.slots_pass(slots, {(index, role) for index in (0, 1) for role in ROLES})

    def slots_pass(self, slots: int, alive: set[tuple[int, Role]]) -> None:
        heard = [
            {role for role in ROLES if (index, role) in alive} - session.meter.gone
            for index, session in enumerate(self.live)
        ]
        self.run(self._let_pass(slots, heard))

    async def _let_pass(self, slots: int, heard: list[set[Role]]) -> None:
        for _ in range(slots):
            await self.market.clock.advance(SLOT)
            for session, roles in zip(self.live, heard, strict=True):
                for role in roles:
                    self.market.recorder.hear(session.id, role, active=True)
            await self.market.recorder.tick()
            for session, roles in zip(self.live, heard, strict=True):
                session.meter.slot(roles)

    def one(self, which: int) -> LiveSession:
        return self.live[which % len(self.live)]

    @precondition(lambda self: self.live)
    @rule(
        which=st.integers(0, 1),
        role=st.sampled_from(ROLES),
        what=st.sampled_from(["pauses", "drops", "differs", "comes back", "checkpoint"]),
        alive=st.sets(st.tuples(st.integers(0, 1), st.sampled_from(ROLES))),
    )
    def something_happens(
        self, which: int, role: Role, what: str, alive: set[tuple[int, Role]]
    ) -> None:
        """To the minutes of a session; then a slot passes in which those `alive` are heard."""
        session = self.one(which)
        match what:
            case "pauses":
                self._pause(session, role)
            case "drops":
                self._drop(session, role)
            case "differs":
                self._set_sync(session, in_sync=not session.meter.in_sync)
            case "comes back":
                self.lift(session)
            case _:
                self._checkpoint()
        self.slots_pass(1, alive)

    def _pause(self, session: LiveSession, role: Role) -> None:
        self.run(self.market.recorder.pause(session.id, role, by=session.learner))
        session.meter.paused.add(role)
        session.meter.stop()

    def _drop(self, session: LiveSession, role: Role) -> None:
        self.market.recorder.left(session.id, role)
        self.run(self.market.recorder.tick())
        session.meter.stop()
        session.meter.gone.add(role)

    def _set_sync(self, session: LiveSession, *, in_sync: bool) -> None:
        session.meter.in_sync = in_sync
        self.market.recorder.set_sync(session.id, in_sync=in_sync)
        self.run(self.market.recorder.tick())
        if in_sync:
            session.meter.try_start()
        else:
            session.meter.stop()

    def lift(self, session: LiveSession) -> None:
        """Whatever keeps the meter from counting."""
        meter = session.meter
        while meter.gone:
            role = min(meter.gone)
            self.market.recorder.joined(session.id, role)
            self.run(self.market.recorder.tick())
            meter.gone.discard(role)
            meter.last[role] = meter.now
            meter.try_start()
        while meter.paused:
            role = min(meter.paused)
            meter.paused.discard(role)
            self.run(self.market.recorder.resume(session.id, role, by=session.learner))
            meter.last[role] = meter.now
            meter.try_start()
        if not meter.in_sync:
            self._set_sync(session, in_sync=True)

    def _checkpoint(self) -> None:
        self.run(self.market.recorder.checkpoint())
        for session in self.live:
            if session.meter.start is not None:
                session.meter.saved = session.meter.proved()

    @precondition(lambda self: any(session.meter.cap < 90 * 12 for session in self.live))
    @rule(which=st.integers(0, 1), answer=st.none() | st.booleans(), crash=CRASH)
    def learner_extends(
        self, which: int, answer: bool | None, crash: tuple[int, bool] | None
    ) -> None:
        session = self.one(which)
        cap = session.meter.cap // 12 + 15

        async def hold() -> None:
            await charges.extend(self.market.till, session.id, cap * 60)

        if self.mortally(lambda: self.asking_the_bank(hold, session.ask, answer), crash):
            extended = self.market.recorder.extend(session.id, cap * 60, by=session.learner)
            self.run(extended)
            session.meter.cap = cap * 12
            session.meter.try_start()

    @precondition(lambda self: self.live)
    @rule(which=st.integers(0, 1), crash=CRASH)
    def session_ends(self, which: int, crash: tuple[int, bool] | None) -> None:
        session = self.one(which)
        self.live.remove(session)
        market = self.market
        ended = self.run(market.recorder.end(session.id, "learner-ended", by=session.learner))
        session.meter.stop()
        assert ended.counted_ms == session.meter.counted * SLOT * 1000
        assert ended.amount == Money(session.price(), session.quarter.currency)
        currency = session.quarter.currency
        holds = self.run(market.database.read(lambda s: self.usable(s, session.ask)))
        gross = most_that_can_be_captured(session.price(), holds, LEAST[currency])
        payment = charges.payment_id(session.ask, 1)
        self.paid[payment] = Paid(payment, session.mentor, currency, gross, market.till.now_ms())
        issued = self.mortally(lambda: settlement.settle(market.till, session.id), crash)
        again = self.run(settlement.settle(market.till, session.id))
        assert issued in (None, again)
        assert again.amount == Money(gross, currency)

    def usable(self, session: Session, ask: AskId) -> list[int]:
        holds = session.exec(select(Hold).where(Hold.payment_id == charges.payment_id(ask, 1)))
        return [hold.amount_minor for hold in holds if hold.state in ("held", "lost")]

    @precondition(lambda self: self.live)
    @rule(
        which=st.integers(0, 1),
        slots=st.integers(12, 72),
        fault=st.none() | st.sampled_from(list(CallFault)),
        crash=CRASH,
    )
    def they_return_work_and_end(
        self, which: int, slots: int, fault: CallFault | None, crash: tuple[int, bool] | None
    ) -> None:
        """So that steps reach the money often."""
        self.lift(self.one(which))
        self.both_work(slots)
        if fault is not None:
            self.service.faults.calls.append(fault)
        self.session_ends(which, crash)
