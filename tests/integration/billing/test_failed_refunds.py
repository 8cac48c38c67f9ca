"""A refund that the bank sends back: what it was promised from stays reserved until somebody has decided, once."""

import pytest
from sqlmodel import Session

from cm_server.billing import cases, ledger, reconcile, refunds, store, sweeper
from cm_server.billing.cases import Decision
from cm_server.billing.model import Payment
from cm_wire.faults import Refused
from cm_wire.ids import SessionId
from cm_wire.money import Money
from tests.support.money_world import LEARNER, MENTOR, MoneyWorld

PROMISED = "USD:refunds-pending"
GROSS = 666


async def test_after_the_payout_it_stays_promised_and_goes_out_again_whole(
    world: MoneyWorld,
) -> None:
    _, number = await failed_after_the_payout(world)
    assert (await balances(world))[PROMISED] == -GROSS
    with pytest.raises(Refused) as refused:
        await cases.decide(world.till, number, "refund", "half", 333)
    assert refused.value.fault.limit == GROSS
    await cases.decide(world.till, number, "refund", "again")
    await rest(world)
    assert (await balances(world))[PROMISED] == 0
    assert arrived(world) == [GROSS]
    assert (await balances(world))[f"USD:mentor:{MENTOR}:receivable"] == 0
    with pytest.raises(Refused):
        await cases.decide(world.till, number, "refund", "twice")


async def test_sent_again_and_failed_again_it_is_a_case_of_its_own(world: MoneyWorld) -> None:
    _, number = await failed_after_the_payout(world)
    await cases.decide(world.till, number, "refund", "again")
    await rest(world)
    bank_sends_back(world)
    await sweeper.take_lost_events(world.till)
    again = [case.number for case in await cases.listed(world.till)]
    assert again
    assert again != [number]
    assert (await balances(world))[PROMISED] == -GROSS
    await rest(world)


async def test_paid_another_way_it_leaves_our_own_bank(world: MoneyWorld) -> None:
    _, number = await failed_after_the_payout(world)
    decided = await cases.decide(world.till, number, "paid", "by bank transfer")
    assert decided.says == "$6.66 was paid another way"
    await rest(world)
    assert (await balances(world))[PROMISED] == 0
    assert (await balances(world))["USD:bank"] == -GROSS
    assert arrived(world) == []


async def test_withdrawn_it_covers_what_we_lose(world: MoneyWorld) -> None:
    """As after a dispute that was lost: the bank took the money already."""
    _, number = await failed_after_the_payout(world)
    await cases.decide(world.till, number, "dismiss", "the bank has taken it by a dispute")
    await rest(world)
    assert (await balances(world))[PROMISED] == 0
    assert (await balances(world))["USD:losses"] == -GROSS


async def test_what_had_arrived_and_came_back_after_the_payout_is_promised_again(
    world: MoneyWorld,
) -> None:
    session_id, _ = await world.whole_session(minutes=10)
    await world.database.write(lambda s: refund(world, s, session_id, 300))
    await rest(world)
    await world.pass_days(4)
    await rest(world)
    assert (await payment(world, session_id)).state == "released"
    bank_sends_back(world)
    await sweeper.take_lost_events(world.till)
    assert (await balances(world))[PROMISED] == -300
    [case] = await cases.listed(world.till)
    await cases.decide(world.till, case.number or 0, "refund", "again")
    await rest(world)
    assert (await balances(world))[PROMISED] == 0
    assert arrived(world) == [300]


@pytest.mark.parametrize(
    ("decision", "back", "otherwise"), [("refund", 300, 0), ("paid", 0, 300), ("dismiss", 0, 0)]
)
async def test_before_the_payout_the_mentor_gets_a_share_of_what_was_not_given_back(
    world: MoneyWorld, decision: Decision, back: int, otherwise: int
) -> None:
    world.bank.refunds_wait = True
    session_id, _ = await world.whole_session(minutes=10)
    await world.database.write(lambda s: refund(world, s, session_id, 300))
    await rest(world)
    bank_sends_back(world)
    await sweeper.take_lost_events(world.till)
    world.bank.refunds_wait = False
    [case] = await cases.listed(world.till)
    await cases.decide(world.till, case.number or 0, decision, "so it is")
    await world.pass_days(4)
    await rest(world)
    assert arrived(world) == [back] * bool(back)
    assert (await balances(world)).get("USD:bank", 0) == -otherwise
    sent = sum(sent.amount.minor for _, _, sent in world.bank.transfers.values())
    assert sent == ((GROSS - back - otherwise) * 8 + 5) // 10


async def test_only_a_refund_that_failed_is_paid_another_way(world: MoneyWorld) -> None:
    session_id, _ = await world.whole_session(minutes=20)
    answer = await refunds.request(world.till, session_id, LEARNER, "meh")
    assert answer.case_number is not None
    with pytest.raises(Refused) as refused:
        await cases.decide(world.till, answer.case_number, "paid", "by bank transfer")
    assert "refund or dismiss" in refused.value.fault.do
    assert [case.number for case in await cases.listed(world.till)] == [answer.case_number]


# --- what happens in them ---


async def failed_after_the_payout(world: MoneyWorld) -> tuple[SessionId, int]:
    session_id, _ = await world.whole_session(minutes=10)
    await world.pass_days(4)
    await rest(world)
    world.bank.refunds_wait = True
    await world.database.write(lambda s: refund(world, s, session_id, GROSS))
    await rest(world)
    bank_sends_back(world)
    await sweeper.take_lost_events(world.till)
    world.bank.refunds_wait = False
    [case] = await cases.listed(world.till)
    assert case.kind == "refund-failed"
    assert case.number is not None
    return session_id, case.number


def refund(world: MoneyWorld, session: Session, session_id: SessionId, minor: int) -> list[str]:
    found = store.payment_of_session(session, session_id)
    assert found is not None
    return refunds.refund(session, world.till, found, Money(minor, "USD"), "test")


def bank_sends_back(world: MoneyWorld) -> None:
    world.bank.settle_refund(list(world.bank.refunds)[-1], succeeded=False)


def arrived(world: MoneyWorld) -> list[int]:
    lines = [line for line in world.bank.statement if "refund" in line.kind.value]
    sums: dict[str, int] = {}
    for line in lines:
        sums[line.source or ""] = sums.get(line.source or "", 0) - line.net_minor
    return [minor for minor in sums.values() if minor]


async def rest(world: MoneyWorld) -> None:
    """The calls are made, and both books agree."""
    for _ in range(2):
        await world.clock.advance(600)
        await sweeper.sweep(world.till)
    found = await reconcile.reconcile(world.till)
    assert found.is_clean, found


async def payment(world: MoneyWorld, session_id: SessionId) -> Payment:
    found = await world.database.read(lambda s: store.payment_of_session(s, session_id))
    assert found is not None
    return found


async def balances(world: MoneyWorld) -> dict[str, int]:
    return {b.code: b.minor for b in await world.database.read(ledger.balances)}
