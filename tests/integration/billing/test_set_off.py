"""What a mentor owes after a refund: asked back from their account, or set off against what they earn, never both."""

import pytest
from sqlmodel import Session

from cm_server.billing import accounts, ledger, reconcile, refunds, store, sweeper
from cm_wire.ids import SessionId
from cm_wire.money import Money
from tests.support.money_world import MENTOR, MoneyWorld

SHARE = 533


@pytest.mark.parametrize("mentor_pays", [True, False])
async def test_a_release_while_the_reversal_is_out_sets_off_nothing_that_is_being_asked_back(
    world: MoneyWorld, mentor_pays: bool
) -> None:
    first, _ = await world.whole_session(minutes=10)
    await world.pass_days(2)
    await world.whole_session(minutes=20)
    await world.pass_days(1.5)
    await later(world)
    await later(world)
    assert sent(world) == [SHARE]
    world.bank.mentor_can_pay_back = mentor_pays
    await world.database.write(lambda s: refund(world, s, first))
    world.gateway.unavailable = True
    await world.pass_days(1.5)
    await later(world)
    assert await owed(world) == SHARE
    world.gateway.unavailable = False
    for _ in range(4):
        await later(world, 4_000)
    assert await owed(world) == (0 if mentor_pays else SHARE)
    assert sent(world) == [SHARE, 1066]
    await world.whole_session(minutes=20)
    await world.pass_days(4)
    await later(world)
    await later(world)
    assert await owed(world) == 0
    assert sent(world) == [SHARE, 1066, 1066 if mentor_pays else 1066 - SHARE]
    found = await reconcile.reconcile(world.till)
    assert found.is_clean, found


def refund(world: MoneyWorld, session: Session, session_id: SessionId) -> list[str]:
    found = store.payment_of_session(session, session_id)
    assert found is not None
    return refunds.refund(session, world.till, found, Money(666, "USD"), "test")


def sent(world: MoneyWorld) -> list[int]:
    return [transfer.amount.minor for _, _, transfer in world.bank.transfers.values()]


async def owed(world: MoneyWorld) -> int:
    account = accounts.mentor_receivable(MENTOR, "USD")
    return await world.database.read(lambda s: ledger.balance_of(s, account))


async def later(world: MoneyWorld, seconds: int = 600) -> None:
    await world.clock.advance(seconds)
    await sweeper.sweep(world.till)
