"""What goes wrong in one moment: two people, two commands or two machines at once, and terms that change under a session."""

import asyncio
from contextlib import suppress
from dataclasses import replace

import pytest
from sqlalchemy import Engine
from sqlmodel import Session, select

from cm_server.billing import (
    cases,
    charges,
    ledger,
    payees,
    payouts,
    receipts,
    reconcile,
    refunds,
    settlement,
    store,
    sweeper,
)
from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing.gateway_outcomes import AccountRef
from cm_server.billing.model import Hold, Payee, Payment, Payout
from cm_server.db import StorageUnavailable
from cm_server.meter.minutes import Minutes
from cm_server.meter.rating import BasisPoints
from cm_wire.faults import Refused
from cm_wire.ids import SessionId
from cm_wire.money import Money
from tests.support.fake_gateway import Fault
from tests.support.money_world import LEARNER, MENTOR, MoneyWorld


async def assert_books_agree(world: MoneyWorld) -> None:
    assert await world.database.read(ledger.verify) == []
    found = await reconcile.reconcile(world.till)
    assert found.is_clean, found


async def payment(world: MoneyWorld, session_id: SessionId) -> Payment:
    found = await world.database.read(lambda s: store.payment_of_session(s, session_id))
    assert found is not None
    return found


async def captured_charge(world: MoneyWorld) -> outcomes.ChargeRef:
    (hold,) = await world.database.read(lambda s: s.exec(select(Hold)).all())
    return outcomes.ChargeRef(hold.charge_ref)


async def test_pause_by_one_and_end_by_the_other_in_one_moment_end_it_once(
    world: MoneyWorld,
) -> None:
    session_id = await world.open(await world.hold())
    await world.serve(session_id, 600)
    paused, ended = await asyncio.gather(
        world.recorder.pause(session_id, "mentor", by=MENTOR),
        world.recorder.end(session_id, "learner-ended", by=LEARNER),
        return_exceptions=True,
    )
    assert not isinstance(paused, BaseException) or isinstance(paused, Refused)
    assert isinstance(ended, Minutes)
    assert ended.counted_ms == 600_000
    issued = await settlement.settle(world.till, session_id)
    assert issued.amount == Money(666, "USD")
    await assert_books_agree(world)


async def test_an_end_while_the_extensions_hold_is_out_gives_that_hold_back(
    world: MoneyWorld,
) -> None:
    session_id = await world.open(await world.hold(666), cap_minutes=10)
    await world.serve(session_id, 300)
    world.gateway.faults.extend([Fault.LOST_AFTER] * 2)
    with pytest.raises(Refused):
        await charges.extend(world.till, session_id, 1200)
    issued = await world.end(session_id)
    assert issued.amount == Money(333, "USD")
    for _ in range(4):
        await world.clock.advance(600)
        await sweeper.sweep(world.till)
    states = [type(intent.state) for intent in world.bank.intents.values()]
    assert states == [outcomes.Captured, outcomes.Voided]
    await assert_books_agree(world)


async def test_two_refunds_at_once_together_above_the_capture_are_not_both_made(
    world: MoneyWorld,
) -> None:
    session_id, issued = await world.whole_session(minutes=10)

    def refund(session: Session) -> list[str]:
        found = store.payment_of_session(session, session_id)
        assert found is not None
        return refunds.refund(session, world.till, found, Money(400, "USD"), "test")

    made = await asyncio.gather(
        *(world.database.write(refund) for _ in range(2)), return_exceptions=True
    )
    assert [isinstance(one, Refused) for one in made] == [False, True]
    await world.work()
    assert (await payment(world, session_id)).refunded_minor == 400 < issued.amount.minor
    await assert_books_agree(world)


async def test_a_dispute_after_the_payout_opens_a_case_and_is_booked(world: MoneyWorld) -> None:
    session_id, _ = await world.whole_session(minutes=10)
    await world.pass_days(4)
    await sweeper.sweep(world.till)
    assert (await payment(world, session_id)).state == "released"
    world.bank.open_dispute(await captured_charge(world))
    await sweeper.take_lost_events(world.till)
    assert [case.kind for case in await cases.listed(world.till)] == ["dispute"]
    await assert_books_agree(world)


async def test_a_refund_and_a_dispute_of_one_charge_are_both_booked(world: MoneyWorld) -> None:
    session_id, _ = await world.whole_session(minutes=4)
    await refunds.request(world.till, session_id, LEARNER, "")
    world.bank.open_dispute(await captured_charge(world))
    await sweeper.take_lost_events(world.till)
    await world.pass_days(4)
    assert await payouts.release_due(world.till) == []
    await assert_books_agree(world)


async def test_a_mentor_who_loses_their_account_before_the_transfer_is_paid_when_it_is_back(
    world: MoneyWorld,
) -> None:
    await world.whole_session(minutes=10)
    await world.pass_days(4)
    world.gateway.unavailable = True
    await payouts.release_due(world.till)
    world.gateway.unavailable = False
    account = AccountRef((await world.database.read(lambda s: s.get_one(Payee, MENTOR))).ref)
    world.bank.lose_capability(account)
    await world.work()

    async def payout() -> str:
        (row,) = await world.database.read(lambda s: s.exec(select(Payout)).all())
        return row.state

    assert await payout() == "parked"
    world.bank.finish_onboarding(account)
    await payees.refresh(world.till, account)
    await world.work()
    assert await payout() == "paid"
    await assert_books_agree(world)


async def test_a_price_and_a_commission_that_change_leave_a_running_session_alone(
    world: MoneyWorld,
) -> None:
    session_id = await world.open(await world.hold(), price=1000)
    await world.serve(session_id, 300)
    world.till = replace(world.till, commission=BasisPoints(5000))
    await world.serve(session_id, 300)
    issued = await world.end(session_id)
    document = await world.database.read(lambda s: receipts.document_of(s, session_id))
    assert document is not None
    assert issued.amount == Money(666, "USD")
    assert (document.bill.mentor_share, document.bill.commission) == (
        Money(533, "USD"),
        Money(133, "USD"),
    )
    await world.pass_days(4)
    await sweeper.sweep(world.till)
    await world.work()
    (sent,) = [transfer for _, _, transfer in world.bank.transfers.values()]
    assert sent.amount == Money(533, "USD")
    await assert_books_agree(world)


async def test_a_full_disk_leaves_nothing_half_done_and_heals(world: MoneyWorld) -> None:
    for _ in range(2):  # the tables' own first pages are full then
        await world.whole_session()
    session_id = await world.open(await world.hold())
    await world.serve(session_id, 600)
    await world.recorder.end(session_id, "learner-ended", by=LEARNER)
    _grow_to_at_most(world.database.engine, 0)
    await _fill_free_pages(world)
    for _ in range(3):
        with pytest.raises(StorageUnavailable, match="full"):
            await settlement.settle(world.till, session_id)
    assert await world.database.read(_receipts) == 2
    _grow_to_at_most(world.database.engine, 1_000_000)
    issued = await settlement.settle(world.till, session_id)
    assert issued.number == 3
    assert issued.amount == Money(666, "USD")
    await world.clock.advance(600)
    await world.work()
    await assert_books_agree(world)


async def test_the_books_agree_while_sessions_end_all_around(world: MoneyWorld) -> None:
    """The day's end comes in the middle of it."""
    sessions = []
    for _ in range(3):
        session_id = await world.open(await world.hold())
        await world.serve(session_id, 300)
        await world.recorder.end(session_id, "learner-ended", by=LEARNER)
        sessions.append(session_id)
    *_, verified = await asyncio.gather(
        *(settlement.settle(world.till, one) for one in sessions),
        world.database.read(ledger.verify),
    )
    assert verified == []
    await assert_books_agree(world)


def _receipts(session: Session) -> int:
    return len(receipts.all_documents(session))


def _grow_to_at_most(engine: Engine, pages: int) -> None:
    """SQLite's own limit of the file; at 0 it stays at what it has now."""
    with engine.connect() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count={pages or 1}")


async def _fill_free_pages(world: MoneyWorld) -> None:
    """Until a row of a page's size finds no place."""

    def page(session: Session) -> None:
        session.connection().exec_driver_sql(
            "INSERT INTO session_snapshot VALUES (hex(randomblob(8)), 1, zeroblob(3000), x'00')"
        )

    with suppress(StorageUnavailable):
        for _ in range(10_000):
            await world.database.write(page)
