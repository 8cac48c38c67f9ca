"""Meter, ledger, outbox and provider together, in any order, with faults and crashes, against an exact model.

Time goes in slots of five seconds, at whose end each person gives a sign of life or none, and the meter ticks. The model is
a few integers: where the stretch began, each person's last sign in it, and the last checkpoint. After every step all that
must always hold is checked; in the end everything is brought to rest and both books must agree to the cent.
"""

import asyncio
import os
import tempfile
from collections import Counter
from collections.abc import Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlmodel import Session, select

from cm_server.billing import (
    charges,
    inbox,
    ledger,
    payouts,
    reconcile,
    refunds,
    settlement,
    store,
    sweeper,
)
from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing.model import Hold, OutboxRow, Payment, Refund
from cm_server.meter import minutes
from cm_server.meter import store as meter_store
from cm_wire.faults import Refused
from cm_wire.ids import SessionId
from cm_wire.money import Money
from cm_wire.session import Role
from tests.support import money_world
from tests.support.fake_gateway import Fault
from tests.support.money_world import LEARNER, MENTOR

T = TypeVar("T")
UNSHRUNK = "CM_TESTS_DO_NOT_SHRINK" in os.environ
"""Set where only the verdict counts: seeded bugs."""
SLOT = 5
CAP_MINUTES = 30
SILENT_SLOTS = 2
ROLES: tuple[Role, ...] = ("learner", "mentor")


@dataclass
class Model:
    """All times in slots; `start` is None while nothing counts."""

    now: int = 0
    counted: int = 0
    start: int | None = None
    saved: int = 0
    cap: int = CAP_MINUTES * 12
    last: dict[Role, int] = field(default_factory=lambda: {"learner": 0, "mentor": 0})
    paused: set[Role] = field(default_factory=set)
    gone: set[Role] = field(default_factory=set)
    in_sync: bool = True

    def proved(self) -> int:
        assert self.start is not None
        return max(self.start, min(self.last.values()))

    def total(self) -> int:
        open_part = 0 if self.start is None else self.proved() - self.start
        return min(self.counted + open_part, self.cap)

    def stop(self, at: int | None = None) -> None:
        if self.start is not None:
            until = self.proved() if at is None else at
            self.counted = min(self.counted + max(0, until - self.start), self.cap)
            self.start = None

    def slot(self, alive: set[Role]) -> None:
        self.now += 1
        for role in alive:
            if self.start is None or self.now - self.last[role] <= SILENT_SLOTS:
                self.last[role] = self.now
        if self.start is not None:
            silent = any(self.now - self.last[role] > SILENT_SLOTS for role in ROLES)
            if silent or self.total() >= self.cap:
                self.stop()
                for role in alive:
                    self.last[role] = self.now
        else:
            self.try_start()

    def try_start(self) -> None:
        present = all(
            role not in self.gone and self.now - self.last[role] <= SILENT_SLOTS for role in ROLES
        )
        if present and self.in_sync and not self.paused and self.counted < self.cap:
            self.start = self.saved = self.now

    def restart(self) -> None:
        if self.start is not None:
            self.stop(min(self.saved, self.proved()))
        self.gone = set(ROLES)
        self.in_sync = True


class MoneyMachine(RuleBasedStateMachine):
    @initialize()
    def begin(self) -> None:
        self.runner = asyncio.Runner()
        self.folder = tempfile.TemporaryDirectory()
        self.world = self.run(self._new_world())
        self.session_id: SessionId | None = None
        self.refusals: set[str] = set()
        self.model = Model()
        self.amounts: dict[SessionId, int] = {}
        self.ended_at_ms: dict[str, int] = {}
        self.session_begins()
        self.both_work(24)

    async def _new_world(self) -> money_world.MoneyWorld:
        world = money_world.new(Path(self.folder.name))
        await world.save_card()
        await world.onboard()
        return world

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(work)

    # --- faults and the world outside ---

    @precondition(lambda self: self.session_id is not None and len(self.world.gateway.faults) < 2)
    @rule(fault=st.sampled_from(list(Fault)))
    def provider_will_fail(self, fault: Fault) -> None:
        self.world.gateway.faults.append(fault)

    @rule(where=st.floats(0, 1), twice=st.booleans())
    def webhook_arrives(self, where: float, twice: bool) -> None:
        sent = self.world.bank.sent
        event = sent[min(int(where * len(sent)), len(sent) - 1)]
        for _ in range(1 + twice):
            body, signature = self.world.bank.webhook(event)
            self.run(inbox.receive(self.world.till, body, signature))

    @rule()
    def worker_runs(self) -> None:
        self.run(sweeper.sweep(self.world.till))

    @rule(seconds=st.sampled_from([-3600, 3600]))
    def wall_clock_jumps(self, seconds: int) -> None:
        if not self.amounts:
            self.world.clock.jump_wall(seconds)

    # --- one session at a time ---

    @precondition(lambda self: self.session_id is None)
    @rule()
    def session_begins(self) -> None:
        try:
            ask = self.run(self.world.hold(2000))
        except Refused as refused:
            self.refusals.add(refused.fault.code)
            return
        self.session_id = self.run(self.world.open(ask, cap_minutes=CAP_MINUTES))
        self.model = Model()
        self.model.start = 0

    @precondition(lambda self: self.session_id is not None)
    @rule(alive=st.sets(st.sampled_from(ROLES)))
    def slot(self, alive: set[Role]) -> None:
        self._slots(1, alive)

    @precondition(lambda self: self.session_id is not None)
    @rule(slots=st.integers(12, 72))
    def both_work(self, slots: int) -> None:
        self._slots(slots, set(ROLES))

    def _slots(self, slots: int, alive: set[Role]) -> None:
        heard = alive - self.model.gone
        assert self.session_id
        for _ in range(slots):
            self.run(self._slot(self.session_id, heard))
            self.model.slot(heard)

    async def _slot(self, session_id: SessionId, heard: set[Role]) -> None:
        await self.world.clock.advance(SLOT)
        for role in heard:
            self.world.recorder.hear(session_id, role, active=True)
        await self.world.recorder.tick()

    @precondition(lambda self: self.session_id is not None)
    @rule(role=st.sampled_from(ROLES))
    def someone_pauses(self, role: Role) -> None:
        assert self.session_id is not None
        self.run(self.world.recorder.pause(self.session_id, role, by=LEARNER))
        self.model.paused.add(role)
        self.model.stop()

    @precondition(lambda self: self.session_id is not None and self.model.paused)
    @rule()
    def someone_resumes(self) -> None:
        assert self.session_id is not None
        role = min(self.model.paused)
        self.model.paused.discard(role)
        if role not in self.model.gone:
            self.run(self.world.recorder.resume(self.session_id, role, by=LEARNER))
            self.model.last[role] = self.model.now
            if self.model.start is None:
                self.model.try_start()
        else:
            self.model.paused.add(role)

    @precondition(lambda self: self.session_id is not None)
    @rule(role=st.sampled_from(ROLES))
    def someone_drops(self, role: Role) -> None:
        assert self.session_id is not None
        self.world.recorder.left(self.session_id, role)
        self.run(self.world.recorder.tick())
        self.model.stop()
        self.model.gone.add(role)

    @precondition(lambda self: self.session_id is not None and self.model.gone)
    @rule()
    def someone_returns(self) -> None:
        assert self.session_id is not None
        role = min(self.model.gone)
        self.world.recorder.joined(self.session_id, role)
        self.run(self.world.recorder.tick())
        self.model.gone.discard(role)
        self.model.last[role] = self.model.now
        if self.model.start is None:
            self.model.try_start()

    @precondition(lambda self: self.session_id is not None)
    @rule()
    def texts_differ_or_agree(self) -> None:
        assert self.session_id is not None
        self.model.in_sync = not self.model.in_sync
        self.world.recorder.set_sync(self.session_id, in_sync=self.model.in_sync)
        self.run(self.world.recorder.tick())
        if self.model.in_sync:
            if self.model.start is None:
                self.model.try_start()
        else:
            self.model.stop()

    @precondition(lambda self: self.session_id is not None)
    @rule()
    def checkpoint(self) -> None:
        self.run(self.world.recorder.checkpoint())
        if self.model.start is not None:
            self.model.saved = self.model.proved()

    @rule(reboot=st.just(True))
    def server_is_killed(self, reboot: bool) -> None:
        self.run(self.world.restart(reboot=reboot))
        self.model.restart()
        self.model.last = {"learner": -99, "mentor": -99}

    @precondition(lambda self: self.session_id is not None)
    @rule()
    def learner_extends(self) -> None:
        assert self.session_id is not None
        cap = self.model.cap // 12 + 15
        try:
            self.run(charges.extend(self.world.till, self.session_id, cap * 60))
        except Refused:
            return
        self.run(self.world.recorder.extend(self.session_id, cap * 60, by=LEARNER))
        self.model.cap = cap * 12
        if self.model.start is None:
            self.model.try_start()

    @precondition(lambda self: self.session_id is not None)
    @rule()
    def session_ends(self) -> None:
        session_id = self.session_id
        assert session_id is not None
        ended = self.run(self.world.recorder.end(session_id, "learner-ended", by=LEARNER))
        self.model.stop()
        billed_minutes = self.model.counted * SLOT // 60
        assert ended.counted_ms == self.model.counted * SLOT * 1000
        assert ended.amount == Money(1000 * billed_minutes * 60 // 900, "USD")
        issued = self.run(settlement.settle(self.world.till, session_id))
        again = self.run(settlement.settle(self.world.till, session_id))
        assert issued == again
        assert issued.amount.minor == (0 if ended.amount.minor < 50 else ended.amount.minor)
        self.amounts[session_id] = issued.amount.minor
        self.ended_at_ms[issued.payment_id] = self.world.till.now_ms()
        self.session_id = None

    # --- afterwards ---

    @precondition(lambda self: self.session_id is not None)
    @rule(slots=st.integers(12, 72), fault=st.none() | st.sampled_from(list(Fault)))
    def they_return_work_and_end(self, slots: int, fault: Fault | None) -> None:
        """Whatever stood in the way is lifted, so that steps reach the money often."""
        while self.model.gone:
            self.someone_returns()
        while self.model.paused:
            self.someone_resumes()
        if not self.model.in_sync:
            self.texts_differ_or_agree()
        self._slots(slots, set(ROLES))
        if fault is not None:
            self.world.gateway.faults.append(fault)
        self.session_ends()

    @precondition(lambda self: self.amounts)
    @rule(minor=st.integers(1, 900))
    def money_goes_back(self, minor: int) -> None:
        session_id = max(self.amounts)

        def work(session: Session) -> list[str]:
            payment = store.payment_of_session(session, session_id)
            assert payment is not None
            return refunds.refund(session, self.world.till, payment, Money(minor, "USD"), "test")

        try:
            self.run(self.world.database.write(work))
        except Refused as refused:
            self.refusals.add(refused.fault.code)

    @precondition(lambda self: self.amounts and self.session_id is None)
    @rule()
    def window_closes(self) -> None:
        self._mature()

    def _mature(self) -> None:
        self.run(self.world.pass_days(3.01))
        self.run(sweeper.sweep(self.world.till))
        self.run(sweeper.sweep(self.world.till))

    # --- what always holds ---

    @invariant()
    def the_books_hold(self) -> None:
        if not hasattr(self, "world"):
            return
        assert self.run(self.world.database.read(ledger.verify)) == []
        assert self.refusals <= {"unavailable", "card-declined", "wrong-state", "bad-value"}
        self.run(self.world.database.read(self._check_rows))
        self._check_bank()
        if self.session_id is not None:
            view = self.world.recorder.view(self.session_id, "learner")
            assert view.counted_seconds <= self.model.total() * SLOT
            assert view.amount <= view.cap_amount
            folded = self.run(self.world.database.read(self._fold))
            assert folded.counted_ms == self.model.counted * SLOT * 1000
            assert (folded.running is None) == (self.model.start is None)

    def _fold(self, session: Session) -> minutes.Minutes:
        assert self.session_id is not None
        return minutes.fold(meter_store.read_facts(session, self.session_id))

    def _check_rows(self, session: Session) -> None:
        for payment in session.exec(select(Payment)):
            holds = session.exec(select(Hold).where(Hold.payment_id == payment.id)).all()
            back = session.exec(select(Refund).where(Refund.payment_id == payment.id)).all()
            captured = sum(hold.captured_minor for hold in holds)
            assert captured <= payment.gross_minor
            assert all(hold.captured_minor in (0, hold.to_capture_minor) for hold in holds)
            asked = sum(one.amount_minor for one in back if one.state != "failed")
            assert asked == payment.refunded_minor <= captured
            if payment.state == "released":
                over = self.ended_at_ms[payment.id] + self.world.till.refund_window_ms
                assert self.world.till.now_ms() >= over
        for row in session.exec(select(OutboxRow).where(OutboxRow.state == "done")):
            if ":capture" in row.key and session.get_one(Hold, row.key[:-8]).captured_minor:
                assert ledger.has(session, row.key)

    def _check_bank(self) -> None:
        per_key = Counter(intent.key for intent in self.world.bank.intents.values())
        assert max(per_key.values(), default=0) <= 1
        for intent in self.world.bank.intents.values():
            if isinstance(intent.state, outcomes.Captured):
                assert 50 <= intent.state.amount.minor <= intent.amount.minor
                assert intent.refunded_minor <= intent.state.amount.minor
        sent = Counter(group for _, group, _ in self.world.bank.transfers.values())
        for _, group, transfer in self.world.bank.transfers.values():
            assert sent[group] <= 3
            assert transfer.amount.minor <= self._share_of(group)

    def _share_of(self, payment_id: str) -> int:
        intents = [
            i for i in self.world.bank.intents.values() if i.metadata.get("payment") == payment_id
        ]
        taken = sum(i.state.amount.minor for i in intents if isinstance(i.state, outcomes.Captured))
        return (taken * 8 + 5) // 10

    def teardown(self) -> None:
        if not hasattr(self, "world"):
            return
        try:
            self._bring_to_rest()
        finally:
            self.run(self.world.close())
            self.runner.close()
            self.folder.cleanup()

    def _bring_to_rest(self) -> None:
        self.world.gateway.faults.clear()
        if self.session_id is not None:
            self.session_ends()
        for _ in range(6):
            self.run(self.world.clock.advance(600))
            self.run(sweeper.sweep(self.world.till))
        self.run(sweeper.take_lost_events(self.world.till))
        self._mature()
        for _ in range(4):
            self.run(self.world.clock.advance(600))
            self.run(sweeper.sweep(self.world.till))
        self.the_books_hold()
        found = self.run(reconcile.reconcile(self.world.till))
        assert found.is_clean, found
        assert found.waiting == ()
        balances = {b.code: b for b in self.run(self.world.database.read(ledger.balances))}
        for code, balance in balances.items():
            if ":escrow:" in code or code.endswith(("refunds-pending", "payable")):
                assert balance.minor == 0, (code, balance)
            assert balance.pending_minor == 0, (code, balance)
        for intent in self.world.bank.intents.values():
            assert not isinstance(intent.state, outcomes.Held | outcomes.ActionRequired)
        for session_id, minor in self.amounts.items():
            taken = sum(
                i.state.amount.minor
                for i in self.world.bank.intents.values()
                if isinstance(i.state, outcomes.Captured)
                and i.metadata["payment"] == f"{session_id.removeprefix('ses_')}.1"
            )
            assert taken == minor
        self.run(self.world.database.read(self._shares_hold))

    def _shares_hold(self, session: Session) -> None:
        """Transfers less reversals are the mentor's share of what is left, as far as it was not set off."""
        due = sum(
            payouts.shares_of(p, payouts.captured_minor(session, p) - p.refunded_minor)[0].minor
            for p in session.exec(select(Payment).where(Payment.state == "released"))
        )
        bank = self.world.bank
        sent = sum(t.amount.minor - t.reversed_minor for _, _, t in bank.transfers.values())
        owed_code = f"USD:mentor:{MENTOR}:receivable"
        owed = next((b.minor for b in ledger.balances(session) if b.code == owed_code), 0)
        assert sent - owed == due


# A guard against hanging, not a measure: a busy machine may take minutes for all examples.
pytestmark = pytest.mark.timeout(900)

TestMoneyMachine = MoneyMachine.TestCase
TestMoneyMachine.settings = settings(
    max_examples=40,
    stateful_step_count=30,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[phase for phase in Phase if phase is not Phase.shrink or not UNSHRUNK],
)
