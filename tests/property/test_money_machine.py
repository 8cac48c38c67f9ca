"""Meter, ledger, outbox, the real library and the stand-in together, in any order, with faults and crashes, against an exact model.

Two learners and two mentors, up to two sessions at once, seven currencies. After every step all that must always hold is
checked on both sides; in the end everything is brought to rest and both books must agree to the cent.
"""

import asyncio
import json
import os
import random
import tempfile
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest
import stripe
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlmodel import Session, select

from cm_server.billing import (
    cases,
    charges,
    collection,
    inbox,
    ledger,
    outbox,
    reconcile,
    refunds,
    settlement,
    store,
)
from cm_server.billing.gateway import WebhookRefused
from cm_server.billing.model import Hold, Payment, Refund
from cm_server.meter import minutes
from cm_server.meter import store as meter_store
from cm_server.payment_service import disputes
from cm_server.payment_service import refunds as provider_refunds
from cm_server.payment_service.faults import CallFault, DeliveryFault
from cm_wire.faults import Refused
from cm_wire.ids import AskId
from cm_wire.money import Money
from cm_wire.session import Role
from tests.support import money_checks
from tests.support.market import CAP_SECONDS, LEARNERS, MENTORS, SECRET, Killed, Market
from tests.support.money_model import (
    LEAST,
    ROLES,
    SLOT,
    STEPS,
    LiveSession,
    Paid,
    most_that_can_be_captured,
    to_hold,
)

T = TypeVar("T")
UNSHRUNK = "CM_TESTS_DO_NOT_SHRINK" in os.environ
"""Set where only the verdict counts: seeded bugs."""
RUNS = int(os.environ.get("CM_SOAK_RUNS", "30"))
DAY_SLOTS = 86_400 // SLOT
QUARTERS = [
    Money(1000, "USD"),
    Money(735, "USD"),
    Money(9_999, "EUR"),
    Money(77, "JPY"),
    Money(1_503, "JPY"),
    Money(199_999, "ISK"),
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
EXPECTED = {"unavailable", "card-declined", "payment-action-needed", "wrong-state", "bad-value"}


class MoneyMachine(RuleBasedStateMachine):
    @initialize(seed=st.integers(0, 2**32 - 1))
    def begin(self, seed: int) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.market = self.run(self._new_market(seed))
        self.service = self.market.service
        self.service.faults.chance = random.Random(seed)
        self.live: list[LiveSession] = []
        self.paid: dict[str, Paid] = {}
        self.released: set[str] = set()
        self.refusals: set[str] = set()
        self.session_begins(0, 0, QUARTERS[0], None, None)
        self.both_work(24)

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
            self._restart()
            return None
        except Refused as refused:
            self.refusals.add(refused.fault.code)
            return None
        finally:
            self.market.database.dies = None

    def _restart(self) -> None:
        self.run(self.market.restart())
        for session in self.live:
            session.meter.restart()

    # --- the world outside ---

    @rule(
        calls=st.lists(st.sampled_from(list(CallFault)), max_size=2),
        deliveries=st.lists(st.sampled_from(list(DeliveryFault)), max_size=3),
        shuffle=st.booleans(),
        early=st.booleans(),
        clock_step=st.sampled_from([0, 0, -3600, 3600]),
    )
    def weather_changes(
        self,
        calls: list[CallFault],
        deliveries: list[DeliveryFault],
        shuffle: bool,
        early: bool,
        clock_step: int,
    ) -> None:
        faults = self.service.faults
        faults.calls.clear()
        faults.calls.extend(calls)
        faults.deliveries.extend(deliveries)
        faults.shuffle, faults.early = shuffle, early
        self.market.clock.jump_wall(clock_step)

    @rule(crash=CRASH)
    def webhooks_arrive(self, crash: tuple[int, bool] | None) -> None:
        self.mortally(self.market.deliver, crash)

    @rule(where=st.floats(0, 1), late_by=st.sampled_from([0, 0, 301, -301, -86_400]))
    def webhook_comes_again(self, where: float, late_by: int) -> None:
        """Signed anew it changes nothing that stands; with a stale, a future or a foreign signature it is not believed."""
        known = [record.body for record in self.market.world.state.events]
        body = json.dumps(known[min(int(where * len(known)), len(known) - 1)])
        at = int(self.market.clock.now().timestamp()) - late_by
        sign = stripe.WebhookSignature.generate_signature_header
        if late_by:
            with pytest.raises(WebhookRefused):
                self.run(inbox.receive(self.market.till, body.encode(), sign(body, SECRET, at)))
        else:
            with pytest.raises(WebhookRefused):
                self.run(inbox.receive(self.market.till, body.encode(), sign(body, "whsec_x", at)))
            self.service.faults.calls.clear()
            self.run(inbox.receive(self.market.till, body.encode(), sign(body, SECRET, at)))

    @rule(crash=CRASH)
    def worker_runs(self, crash: tuple[int, bool] | None) -> None:
        self.mortally(self._sweep, crash)

    async def _sweep(self) -> None:
        await self.market.sweep()
        await self._look_at_released()

    async def _look_at_released(self) -> None:
        till = self.market.till
        released = await till.database.read(money_checks.released)
        fresh, self.released = released - self.released, released
        await till.database.read(
            lambda s: money_checks.check_released(
                s, fresh, self.paid, till.now_ms(), till.refund_window_ms
            )
        )

    @rule(days=st.sampled_from([1.0, 3.01, 8.0]))
    def days_pass(self, days: float) -> None:
        """The server runs all the while, so what was lost is found before it is too old."""
        self.service.faults.calls.clear()
        self.run(self._heal())
        self.run(self.market.clock.advance(days * 86_400))
        self.run(self.market.recorder.tick())
        for session in self.live:
            session.meter.pass_in_silence(round(days * DAY_SLOTS))
        self.run(self._heal())
        self.run(self._sweep())

    async def _heal(self) -> None:
        await self.market.deliver()
        await self.market.look_further()
        await self._sweep()

    @rule(seconds=st.just(0))
    def server_is_killed(self, seconds: int) -> None:
        self._restart()

    # --- sessions ---

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

        lived = self.mortally(lambda: self._asking_the_bank(hold, ask, answer), crash)
        if lived is None:
            self.run(self.market.give_back(ask))
            return
        opened = self.market.open(ask, LEARNERS[learner], MENTORS[mentor], quarter)
        session_id = self.run(opened)
        self.live.append(LiveSession(session_id, ask, LEARNERS[learner], MENTORS[mentor], quarter))

    async def _asking_the_bank(
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
        self._slots(slots, {(index, role) for index in (0, 1) for role in ROLES})

    def _slots(self, slots: int, alive: set[tuple[int, Role]]) -> None:
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

    def _one(self, which: int) -> LiveSession:
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
        session = self._one(which)
        match what:
            case "pauses":
                self._pause(session, role)
            case "drops":
                self._drop(session, role)
            case "differs":
                self._set_sync(session, in_sync=not session.meter.in_sync)
            case "comes back":
                self._lift(session)
            case _:
                self._checkpoint()
        self._slots(1, alive)

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

    def _lift(self, session: LiveSession) -> None:
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
        session = self._one(which)
        cap = session.meter.cap // 12 + 15

        async def hold() -> None:
            await charges.extend(self.market.till, session.id, cap * 60)

        if self.mortally(lambda: self._asking_the_bank(hold, session.ask, answer), crash):
            extended = self.market.recorder.extend(session.id, cap * 60, by=session.learner)
            self.run(extended)
            session.meter.cap = cap * 12
            session.meter.try_start()

    @precondition(lambda self: self.live)
    @rule(which=st.integers(0, 1), crash=CRASH)
    def session_ends(self, which: int, crash: tuple[int, bool] | None) -> None:
        session = self._one(which)
        self.live.remove(session)
        market = self.market
        ended = self.run(market.recorder.end(session.id, "learner-ended", by=session.learner))
        session.meter.stop()
        assert ended.counted_ms == session.meter.counted * SLOT * 1000
        assert ended.amount == Money(session.price(), session.quarter.currency)
        currency = session.quarter.currency
        holds = self.run(market.database.read(lambda s: self._usable(s, session.ask)))
        gross = most_that_can_be_captured(session.price(), holds, LEAST[currency])
        payment = charges.payment_id(session.ask, 1)
        self.paid[payment] = Paid(payment, session.mentor, currency, gross, market.till.now_ms())
        issued = self.mortally(lambda: settlement.settle(market.till, session.id), crash)
        again = self.run(settlement.settle(market.till, session.id))
        assert issued in (None, again)
        assert again.amount == Money(gross, currency)

    def _usable(self, session: Session, ask: AskId) -> list[int]:
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
        self._lift(self._one(which))
        self.both_work(slots)
        if fault is not None:
            self.service.faults.calls.append(fault)
        self.session_ends(which, crash)

    @precondition(lambda self: len(self.live) < 2)
    @rule(
        quarter=st.sampled_from(QUARTERS),
        number=st.sampled_from(CARDS[:1] * 4 + CARDS),
        slots=st.integers(12, 72),
        days=st.sampled_from([0.0, 0.0, 3.01, 8.0]),
        then=st.sampled_from(["", "back", "paid out", "paid out, back"]),
        crash=CRASH,
    )
    def whole_session(
        self,
        quarter: Money,
        number: str,
        slots: int,
        days: float,
        then: str,
        crash: tuple[int, bool] | None,
    ) -> None:
        """`days` pass before its end is noticed; eight are more than a bank holds money. `then` is what follows."""
        busy = {session.learner for session in self.live}
        learner = next(index for index, one in enumerate(LEARNERS) if one not in busy)
        free = {session.mentor for session in self.live}
        mentor = next(index for index, one in enumerate(MENTORS) if one not in free)
        before = len(self.live)
        self.run(self.market.save_card(LEARNERS[learner], number))
        self.session_begins(learner, mentor, quarter, True, None)
        if len(self.live) > before:
            self._slots(slots, {(before, role) for role in ROLES})
            if days:
                self.days_pass(days)
            self.session_ends(before, crash)
            self._follow_up(then)

    def _follow_up(self, then: str) -> None:
        if "paid out" in then:
            self.days_pass(3.01)
            self.run(self._heal())
        if "back" in then:
            self.money_goes_back(1.0, 333, None, True)

    # --- money ---

    @rule(learner=st.integers(0, 1), number=st.sampled_from(CARDS))
    def card_changes(self, learner: int, number: str) -> None:
        self.run(self.market.save_card(LEARNERS[learner], number))

    @precondition(lambda self: self.paid)
    @rule(
        where=st.floats(0, 1),
        permille=st.sampled_from([1, 333, 500, 1000, 1001]),
        crash=CRASH,
        perform=st.booleans(),
    )
    def money_goes_back(
        self, where: float, permille: int, crash: tuple[int, bool] | None, perform: bool
    ) -> None:
        paid = list(self.paid.values())[min(int(where * len(self.paid)), len(self.paid) - 1)]
        step = STEPS[paid.currency]
        minor = max(step, paid.gross * permille // 1000 // step * step)
        amount = Money(minor, paid.currency)

        def work(session: Session) -> bool:
            payment = session.get_one(Payment, paid.id)
            refunds.refund(session, self.market.till, payment, amount, "test")
            return True

        self.mortally(lambda: self.market.till.database.write(work), crash)
        after = self.run(self.market.database.read(lambda s: self._asked_back(s, paid.id)))
        assert after in (paid.asked_back, paid.asked_back + minor)
        paid.asked_back = after
        if perform:
            self.run(self.market.sweep())
            self.run(self._look_at_released())

    def _asked_back(self, session: Session, payment_id: str) -> int:
        rows = session.exec(select(Refund).where(Refund.payment_id == payment_id))
        return sum(row.amount_minor for row in rows)

    @precondition(lambda self: self.paid)
    @rule(learner=st.integers(0, 1), crash=CRASH)
    def debt_is_paid(self, learner: int, crash: tuple[int, bool] | None) -> None:
        self.run(self.market.save_card(LEARNERS[learner], CARDS[0]))
        self.mortally(lambda: collection.charge(self.market.till, LEARNERS[learner]), crash)

    @precondition(lambda self: self.paid)
    @rule(where=st.floats(0, 1))
    def bank_disputes(self, where: float) -> None:
        taken = [
            charge
            for charge in self.market.world.state.charges
            if charge.captured and not charge.dispute and charge.amount_refunded == 0
        ]
        if taken:
            charge = taken[min(int(where * len(taken)), len(taken) - 1)]
            self.market.change(lambda w: disputes.open_dispute(w, charge))

    @precondition(lambda self: any(True for _ in self.market.world.state.disputes))
    @rule(won=st.booleans())
    def bank_decides(self, won: bool) -> None:
        dispute = self.market.world.state.disputes.newest_first()[0]
        self.market.change(lambda w: disputes.decide(w, dispute.id, won=won))

    @precondition(lambda self: any(True for _ in self.market.world.state.refunds))
    @rule()
    def bank_sends_a_refund_back(self) -> None:
        refund = self.market.world.state.refunds.newest_first()[0]
        self.market.change(lambda w: provider_refunds.fail(w, refund.id))

    @precondition(lambda self: self.paid)
    @rule(number=st.integers(0, 1), able=st.booleans(), told=st.booleans())
    def account_changes(self, number: int, able: bool, told: bool) -> None:
        self.market.change_account(number, able=able, told=told)

    @precondition(lambda self: self.released)
    @rule()
    def mentors_are_paid_out(self) -> None:
        self.market.empty_accounts()

    @precondition(lambda self: self.paid)
    @rule(give=st.booleans(), crash=CRASH)
    def operator_decides(self, give: bool, crash: tuple[int, bool] | None) -> None:
        open_cases = self.run(cases.listed(self.market.till))
        if not open_cases:
            return
        case = open_cases[0]
        decision: cases.Decision = "refund" if give else "dismiss"
        decide = cases.decide
        self.mortally(lambda: decide(self.market.till, case.number or 0, decision, "test"), crash)
        if case.payment_id in self.paid:
            asked = self.market.database.read(lambda s: self._asked_back(s, case.payment_id))
            self.paid[case.payment_id].asked_back = self.run(asked)

    # --- what always holds ---

    @invariant()
    def the_books_hold(self) -> None:
        if not hasattr(self, "market"):
            return
        database = self.market.database
        assert self.run(database.read(ledger.verify)) == []
        assert self.refusals <= EXPECTED
        self.run(database.read(lambda s: money_checks.check_rows(s, self.paid)))
        money_checks.check_provider(self.market)
        for session in self.live:
            self._check_live(session)

    def _check_live(self, session: LiveSession) -> None:
        meter = session.meter
        view = self.market.recorder.view(session.id, "learner")
        assert view.counted_seconds <= meter.total() * SLOT
        assert view.amount <= view.cap_amount
        folded = self.run(self.market.database.read(lambda s: self._fold(s, session)))
        assert folded.counted_ms == meter.counted * SLOT * 1000
        assert (folded.running is None) == (meter.start is None)

    def _fold(self, session: Session, live: LiveSession) -> minutes.Minutes:
        return minutes.fold(meter_store.read_facts(session, live.id))

    # --- the end ---

    def teardown(self) -> None:
        if not hasattr(self, "market"):
            return
        try:
            self._bring_to_rest()
        finally:
            self.run(self.market.close())
            self.runner.close()
            self.folder.cleanup()

    def _bring_to_rest(self) -> None:
        faults = self.service.faults
        faults.calls.clear()
        faults.deliveries.clear()
        faults.early = faults.shuffle = False
        while self.live:
            self.session_ends(0, None)
        for number in (0, 1):
            self.market.change_account(number, able=True, told=False)
        self._settle_down()
        for dispute in self.market.world.state.disputes:
            self.market.change(lambda w: disputes.decide(w, dispute.id, won=True))  # noqa: B023 - called at once
        self.market.fund()
        self._settle_down()
        while open_cases := self.run(cases.listed(self.market.till)):
            for case in open_cases:
                self.run(cases.decide(self.market.till, case.number or 0, "dismiss", ""))
        self.run(self.market.clock.advance(4 * 86_400))
        self._settle_down()
        self.the_books_hold()
        found = self.run(reconcile.reconcile(self.market.till))
        assert found.is_clean, found
        assert found.waiting == ()
        read = self.market.database.read
        self.run(read(lambda s: money_checks.check_rest(self.market, s, self.paid)))

    def _settle_down(self) -> None:
        """Rounds of the sweeper, an hour apart, until nothing is left to do."""
        for _ in range(30):
            self.run(self._heal())
            self.run(outbox.perform_all(self.market.till))
            if not self.run(self.market.database.read(self._left)):
                return
            self.run(self.market.clock.advance(3_700))
        left = self.run(self.market.database.read(self._left))
        assert not left, left

    def _left(self, session: Session) -> list[str]:
        open_refunds = session.exec(select(Refund.key).where(Refund.state == "requested"))
        return [*store.waiting_calls(session), *open_refunds]


# A guard against hanging, not a measure: a busy machine may take minutes for all examples.
pytestmark = pytest.mark.timeout(900 if RUNS < 100 else 0)

TestMoneyMachine = MoneyMachine.TestCase
TestMoneyMachine.settings = settings(
    max_examples=RUNS,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[phase for phase in Phase if phase is not Phase.shrink or not UNSHRUNK],
)
