"""A debt that an operator gives up: it is tried no more, blocks nobody, and the books say so once."""

import pytest

from cm_server.billing import (
    cases,
    collection,
    debts,
    ledger,
    reconcile,
    refunds,
    store,
    sweeper,
    write_offs,
)
from cm_server.billing.write_offs import WrittenOff
from cm_wire.faults import Refused
from cm_wire.ids import SessionId
from tests.support.fake_bank import Card
from tests.support.money_world import LEARNER, MoneyWorld


async def test_it_is_tried_no_more_and_its_learner_may_ask(world: MoneyWorld) -> None:
    session_id = await in_debt(world)
    done = await write_off(world, session_id)
    assert done.says == "$6.66 written off. The card was stolen."
    assert await balance(world, f"USD:learner:{LEARNER}:debt") == 0
    assert await balance(world, "USD:uncollected") == 0
    world.change_cards(Card.GOOD)
    await world.pass_days(8)
    await collection.retry_due(world.till)
    assert await collection.pay(world.till, LEARNER) == ""
    await rest(world)
    assert await world.database.read(debts.all_open) == []
    assert world.bank.balance_minor("USD") == 0
    await world.hold()


async def test_again_it_changes_nothing(world: MoneyWorld) -> None:
    session_id = await in_debt(world)
    first = await write_off(world, session_id)
    before = await world.database.read(ledger.postings)
    again = await write_off(world, session_id, "another reason")
    assert (again.says, again.case_number, again.is_new) == (first.says, first.case_number, False)
    assert await world.database.read(ledger.postings) == before


async def test_its_reason_is_kept_among_the_decided_cases(world: MoneyWorld) -> None:
    session_id = await in_debt(world)
    done = await write_off(world, session_id)
    assert await cases.listed(world.till) == []
    kept = await cases.find(world.till, done.case_number)
    assert (kept.state, kept.kind) == ("decided", "debt-written-off")
    assert "The card was stolen." in kept.decision


async def test_a_hold_to_pay_it_that_the_bank_still_asks_about_is_given_back(
    world: MoneyWorld,
) -> None:
    session_id = await in_debt(world)
    world.change_cards(Card.CHALLENGE)
    assert await collection.pay(world.till, LEARNER)
    await write_off(world, session_id)
    await rest(world)
    holds = await world.database.read(lambda s: store.holds(s, "ask_1.1"))
    assert holds[-1].state == "void"
    assert world.bank.balance_minor("USD") == 0


async def test_what_is_not_owed_is_not_written_off(world: MoneyWorld) -> None:
    session_id, _ = await world.whole_session()
    with pytest.raises(Refused) as refused:
        await write_off(world, session_id)
    assert refused.value.fault.code == "wrong-state"
    with pytest.raises(Refused) as unknown:
        await write_off(world, SessionId("ses_nobody"))
    assert unknown.value.fault.code == "no-such-session"


async def test_money_that_was_never_taken_cannot_be_asked_back(world: MoneyWorld) -> None:
    session_id = await in_debt(world)
    await write_off(world, session_id)
    with pytest.raises(Refused) as refused:
        await refunds.request(world.till, session_id, LEARNER, "it did not help")
    assert "cost you nothing" in refused.value.fault.message


async def in_debt(world: MoneyWorld) -> SessionId:
    """Ten minutes, 6.66, with the hold gone and the card saying no by then."""
    session_id = await world.open(await world.hold())
    await world.serve(session_id, 600)
    await world.pass_days(8)
    world.change_cards(Card.DECLINED)
    await world.end(session_id)
    await world.clock.advance(600)
    await world.work()
    assert await balance(world, f"USD:learner:{LEARNER}:debt") == 666
    return session_id


async def write_off(
    world: MoneyWorld, session_id: SessionId, reason: str = "The card was stolen."
) -> WrittenOff:
    now_ms = world.till.now_ms()
    return await world.database.write(lambda s: write_offs.write_off(s, now_ms, session_id, reason))


async def rest(world: MoneyWorld) -> None:
    await world.clock.advance(600)
    await sweeper.sweep(world.till)
    found = await reconcile.reconcile(world.till)
    assert found.is_clean, found


async def balance(world: MoneyWorld, code: str) -> int:
    return {b.code: b.minor for b in await world.database.read(ledger.balances)}[code]
