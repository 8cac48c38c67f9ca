"""What happens to money afterwards, at random: refunds, debts, disputes, payouts, an operator's decisions.

Owns: these rules. Does not own: what must hold then (`money_checks`).
"""

from hypothesis import strategies as st
from hypothesis.stateful import precondition, rule
from sqlmodel import Session, select

from cm_server.billing import cases, collection, debts, refunds, write_offs
from cm_server.billing.model import Payment, Refund
from cm_server.payment_service import disputes
from cm_server.payment_service import refunds as provider_refunds
from cm_wire.money import Money
from tests.support.market import LEARNERS
from tests.support.money_model import STEPS
from tests.support.money_stage import CARDS, CRASH, MoneyStage


class Moves(MoneyStage):
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
        after = self.run(self.market.database.read(lambda s: self.asked_back_of(s, paid.id)))
        assert after in (paid.asked_back, paid.asked_back + minor)
        paid.asked_back = after
        if perform:
            self.run(self.market.sweep())
            self.run(self.look_at_released())

    def asked_back_of(self, session: Session, payment_id: str) -> int:
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
    @precondition(lambda self: self.paid)
    @rule(decision=st.sampled_from(["refund", "paid", "dismiss"]), crash=CRASH)
    def operator_decides(self, decision: cases.Decision, crash: tuple[int, bool] | None) -> None:
        open_cases = self.run(cases.listed(self.market.till))
        if not open_cases:
            return
        case = open_cases[0]
        decide = cases.decide
        self.mortally(lambda: decide(self.market.till, case.number or 0, decision, "test"), crash)
        if case.payment_id in self.paid:
            asked = self.market.database.read(lambda s: self.asked_back_of(s, case.payment_id))
            self.paid[case.payment_id].asked_back = self.run(asked)

    @precondition(lambda self: self.paid)
    @rule(crash=CRASH)
    def operator_gives_a_debt_up(self, crash: tuple[int, bool] | None) -> None:
        owed = self.run(self.market.database.read(debts.all_open))
        if not owed:
            return
        session_id, at_ms = owed[0].session_id, self.market.till.now_ms()
        give_up = write_offs.write_off
        write = self.market.database.write
        for dies in (crash, None):
            self.mortally(lambda: write(lambda s: give_up(s, at_ms, session_id, "test")), dies)
        self.paid[owed[0].payment_id].given_up = owed[0].amount.minor
