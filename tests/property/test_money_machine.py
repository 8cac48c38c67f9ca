"""Meter, ledger, outbox, the real library and the stand-in together, in any order, with faults and crashes, against an exact model.

Two learners and two mentors, up to two sessions at once, eight currencies. After every step all that must always hold is
checked on both sides; in the end everything is brought to rest and both books must agree to the cent.
"""

import os

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize, invariant, precondition, rule
from sqlmodel import Session, select

from cm_server.billing import cases, ledger, outbox, reconcile, store
from cm_server.billing.model import Payout, Refund
from cm_server.meter import minutes
from cm_server.meter import store as meter_store
from cm_server.payment_service import disputes
from cm_wire.money import Money
from tests.support import money_checks
from tests.support.market import LEARNERS, MENTORS
from tests.support.money_model import ROLES, SLOT, LiveSession
from tests.support.money_moves import Moves
from tests.support.money_sessions import Sessions
from tests.support.money_stage import CARDS, CRASH, QUARTERS
from tests.support.money_weather import Weather

UNSHRUNK = "CM_TESTS_DO_NOT_SHRINK" in os.environ
"""Set where only the verdict counts: seeded bugs."""
RUNS = int(os.environ.get("CM_SOAK_RUNS", "30"))
EXPECTED = {"unavailable", "card-declined", "payment-action-needed", "wrong-state", "bad-value"}


class MoneyMachine(Weather, Sessions, Moves):
    @initialize(seed=st.integers(0, 2**32 - 1))
    def begin(self, seed: int) -> None:
        self.set_up(seed)
        self.session_begins(0, 0, QUARTERS[0], None, None)
        self.both_work(24)

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
            self.slots_pass(slots, {(before, role) for role in ROLES})
            if days:
                self.days_pass(days)
            self.session_ends(before, crash)
            self._follow_up(then)

    def _follow_up(self, then: str) -> None:
        if "paid out" in then:
            self.days_pass(3.01)
            self.run(self.heal())
        if "back" in then:
            self.money_goes_back(1.0, 333, None, True)

    # --- what always holds ---

    @invariant()
    def the_books_hold(self) -> None:
        if not hasattr(self, "market"):
            return
        database = self.market.database
        assert self.run(database.read(ledger.verify)) == []
        assert self.refusals <= EXPECTED
        self.run(database.read(lambda s: money_checks.check_rows(s, self.paid)))
        self.run(database.read(lambda s: money_checks.check_books(self.market, s)))
        money_checks.check_provider(self.market)
        for session in self.live:
            self._check_live(session)

    def _check_live(self, session: LiveSession) -> None:
        meter = session.meter
        view = self.market.recorder.view(session.id, "learner")
        assert view.counted_seconds <= meter.total() * SLOT
        assert view.amount <= view.cap_amount
        held = self.run(self.market.database.read(lambda s: self.usable(s, session.ask)))
        assert view.amount.minor <= sum(held)  # 8
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
            self.take_down()

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
            self.run(self.heal())
            self.run(outbox.perform_all(self.market.till))
            if not self.run(self.market.database.read(self._left)):
                return
            self.run(self.market.clock.advance(3_700))
        left = self.run(self.market.database.read(self._left))
        assert not left, left

    def _left(self, session: Session) -> list[str]:
        open_refunds = session.exec(select(Refund.key).where(Refund.state == "requested"))
        # A mentor whose account came to life unheard is asked about in the sweeper's next round.
        waiting = session.exec(select(Payout.key).where(Payout.state == "waiting"))
        return [*store.waiting_calls(session), *open_refunds, *waiting]


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
