"""Sessions that end in the same moment are settled in one transaction, and each as if it were alone."""

import asyncio
from dataclasses import replace

import pytest

from cm_server.billing import ledger, outbox, receipts, reconcile, settlement, store
from cm_wire.faults import Refused
from cm_wire.ids import SessionId
from tests.support.fake_gateway import Fault
from tests.support.money_world import LEARNER, MoneyWorld


async def ended(world: MoneyWorld) -> SessionId:
    session_id = await world.open(await world.hold())
    await world.serve(session_id, 600)
    await world.recorder.end(session_id, "learner-ended", by=LEARNER)
    return session_id


async def assert_books_agree(world: MoneyWorld) -> None:
    assert await world.database.read(ledger.verify) == []
    found = await reconcile.reconcile(world.till)
    assert found.is_clean, found


async def test_sessions_that_end_together_get_a_receipt_and_a_capture_each(
    world: MoneyWorld,
) -> None:
    sessions = [await ended(world) for _ in range(5)]
    issued = await asyncio.gather(*(settlement.settle(world.till, one) for one in sessions))
    assert sorted(one.number for one in issued) == [1, 2, 3, 4, 5]
    assert [one.payment_id for one in issued] == [
        f"{one.removeprefix('ses_')}.1" for one in sessions
    ]
    settled = await world.database.read(lambda s: store.payments_in(s, ("settled",)))
    assert len(settled) == 5
    await assert_books_agree(world)


async def test_a_session_settled_twice_in_one_moment_has_one_receipt(world: MoneyWorld) -> None:
    session_id = await ended(world)
    first, *others = await asyncio.gather(
        *(settlement.settle(world.till, session_id) for _ in range(4))
    )
    assert others == [first] * 3
    assert len(await world.database.read(receipts.all_documents)) == 1
    assert len(world.bank.intents) == 1
    await assert_books_agree(world)


async def test_one_that_cannot_be_settled_keeps_nobody_else_from_it(world: MoneyWorld) -> None:
    sessions = [await ended(world) for _ in range(2)]
    answers = await asyncio.gather(
        settlement.settle(world.till, sessions[0]),
        settlement.settle(world.till, SessionId("ses_unheard_of")),
        settlement.settle(world.till, sessions[1]),
        return_exceptions=True,
    )
    assert isinstance(answers[1], Refused)
    assert [answers[place].number for place in (0, 2)] == [1, 2]  # type: ignore[union-attr]
    await assert_books_agree(world)


async def test_a_call_whose_answer_is_lost_holds_up_no_other(world: MoneyWorld) -> None:
    sessions = [await ended(world) for _ in range(3)]
    world.gateway.faults.append(Fault.LOST_AFTER)
    await asyncio.gather(*(settlement.settle(world.till, one) for one in sessions))
    assert len(await world.database.read(store.waiting_calls)) == 1
    await world.clock.advance(600)
    await world.work()
    assert await world.database.read(store.waiting_calls) == []
    await assert_books_agree(world)


@pytest.mark.parametrize("late", ["unknown", "never arrived"])
async def test_whose_lease_was_taken_over_may_not_change_the_call(
    world: MoneyWorld, late: str
) -> None:
    """Else the second worker's call would be out under one key and a third would be made under another."""
    session_id = await ended(world)
    world.gateway.unavailable = True
    await settlement.settle(world.till, session_id)
    world.gateway.unavailable = False
    await world.clock.advance(600)

    async def lease() -> store.LeasedCall:
        now_ms = world.till.now_ms()
        return (await world.database.write(lambda s: store.lease(s, now_ms, 1000)))[0]

    slow = await lease()
    await world.clock.advance(2)
    other = await lease()
    before = await world.database.read(lambda s: store.outbox_row(s, slow.key))
    if late == "unknown":
        world.gateway.unavailable = True
        assert not await outbox.perform_leased(world.till, slow)
        world.gateway.unavailable = False
    else:
        assert not await outbox.perform_leased(world.till, replace(slow, stored_failures=3))
    after = await world.database.read(lambda s: store.outbox_row(s, slow.key))
    assert before == after
    assert other.attempts == slow.attempts + 1
