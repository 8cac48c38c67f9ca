"""Stripe's events name a payment's charge and do not send it along; what they mean is asked for, and only where it is needed."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cm_server.billing import charges, settlement, store
from cm_server.billing.model import Payment
from cm_server.payment_service.faults import CallFault
from cm_wire.faults import Refused
from cm_wire.money import Money
from tests.support.market import LEARNERS, MENTORS, Market

TWENTY = Money(2000, "USD")


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Market]:
    market = Market(tmp_path / "market.sqlite3", 1)
    await market.open_doors()
    await market.deliver()
    yield market
    await market.close()


async def state(market: Market, payment: str) -> str:
    return (await market.database.read(lambda s: s.get_one(Payment, payment))).state


@pytest.mark.parametrize(("passed", "after"), [(True, "authorised"), (False, "declined")])
async def test_the_banks_answer_arrives_without_anybody_asking_again(
    market: Market,
    passed: bool,
    after: str,
) -> None:
    await market.save_card(LEARNERS[0], "4000002760003184")
    ask = market.next_ask()
    with pytest.raises(Refused) as refused:
        await charges.authorise(market.till, ask, 1, LEARNERS[0], TWENTY)
    assert refused.value.fault.code == "payment-action-needed"
    payment = charges.payment_id(ask, 1)
    assert await state(market, payment) == "challenged"
    market.answer_bank(payment, passed=passed)
    await market.deliver()
    assert await state(market, payment) == after


async def test_a_capture_whose_answer_was_lost_is_known_by_its_event(market: Market) -> None:
    ask = market.next_ask()
    await charges.authorise(market.till, ask, 1, LEARNERS[0], TWENTY)
    session_id = await market.open(ask, LEARNERS[0], MENTORS[0], Money(1000, "USD"))
    for _ in range(120):
        await market.clock.advance(5)
        for role in ("learner", "mentor"):
            market.recorder.hear(session_id, role, active=True)
        await market.recorder.tick()
    await market.recorder.end(session_id, "learner-ended", by=LEARNERS[0])
    market.service.faults.calls.append(CallFault.LOST_AFTER)
    await settlement.settle(market.till, session_id)
    payment = charges.payment_id(ask, 1)
    assert await state(market, payment) == "settling"
    await market.deliver()
    assert await state(market, payment) == "settled"
    assert await market.database.read(store.waiting_calls) == []


async def test_an_event_that_tells_nothing_new_costs_no_call(market: Market) -> None:
    await charges.authorise(market.till, market.next_ask(), 1, LEARNERS[0], TWENTY)
    market.service.faults.down = True
    await market.deliver()
    assert market.world.state.deliveries.open() == []
