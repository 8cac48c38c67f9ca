"""Each kind of bad card at each step, through the real library and the stand-in: where it ends, and what the person is told."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from cm_server.billing import charges, reconcile, settlement
from cm_server.billing.model import Payment
from cm_wire.faults import Refused
from cm_wire.ids import SessionId
from cm_wire.money import Money
from tests.support.market import CAP_SECONDS, LEARNERS, MENTORS, Market

LEARNER, MENTOR = LEARNERS[0], MENTORS[0]
BAD = [
    (
        "4000000000000341",
        "card-declined",
        "Your card was declined, and your bank gave no reason. Nothing was taken.",
    ),
    ("4000000000009995", "card-declined", "there is not enough money on it"),
    ("4000000000000069", "card-declined", "Your card has expired."),
    ("4000002760003184", "payment-action-needed", "Your bank wants to hear from you: http"),
]
each_bad_card = pytest.mark.parametrize(("number", "code", "said"), BAD)


@pytest.fixture
async def market(tmp_path: Path) -> AsyncIterator[Market]:
    market = Market(tmp_path / "market.sqlite3", 1)
    await market.open_doors()
    yield market
    await market.close()


async def session(market: Market) -> tuple[SessionId, str]:
    ask = market.next_ask()
    await charges.authorise(market.till, ask, 1, LEARNER, Money(2000, "USD"))
    session_id = await market.open(ask, LEARNER, MENTOR, Money(1000, "USD"))
    return session_id, charges.payment_id(ask, 1)


async def serve(market: Market, session_id: SessionId, minutes: int) -> None:
    for _ in range(minutes * 12):
        await market.clock.advance(5)
        market.recorder.hear(session_id, "learner", active=True)
        market.recorder.hear(session_id, "mentor", active=True)
        await market.recorder.tick()


async def state(market: Market, payment: str) -> str:
    return (await market.database.read(lambda s: s.get_one(Payment, payment))).state


async def rest(market: Market) -> None:
    for _ in range(3):
        await market.deliver()
        await market.sweep()
        await market.clock.advance(601)
    found = await reconcile.reconcile(market.till)
    assert found.is_clean, found


def statuses(market: Market) -> list[str]:
    return [intent.status for intent in market.world.state.intents]


@each_bad_card
async def test_at_the_ask_nothing_is_taken_and_nothing_stays_held(
    market: Market, number: str, code: str, said: str
) -> None:
    await market.save_card(LEARNER, number)
    ask = market.next_ask()
    with pytest.raises(Refused) as refused:
        await charges.authorise(market.till, ask, 1, LEARNER, Money(2000, "USD"))
    assert refused.value.fault.code == code
    assert said in refused.value.fault.message
    await rest(market)
    ended = "cancelled" if code == "payment-action-needed" else "declined"
    assert await state(market, charges.payment_id(ask, 1)) == ended
    assert "requires_capture" not in statuses(market)
    assert "requires_action" not in statuses(market)


@each_bad_card
async def test_at_an_extension_the_session_goes_on_within_the_old_cap(
    market: Market, number: str, code: str, said: str
) -> None:
    session_id, payment = await session(market)
    await market.save_card(LEARNER, number)
    with pytest.raises(Refused) as refused:
        await charges.extend(market.till, session_id, CAP_SECONDS + 900)
    assert refused.value.fault.code == code
    assert said in refused.value.fault.message
    await serve(market, session_id, 32)
    await market.recorder.end(session_id, "learner-ended", by=LEARNER)
    issued = await settlement.settle(market.till, session_id)
    assert issued.amount == Money(2000, "USD")
    await rest(market)
    assert await state(market, payment) == "settled"
    assert statuses(market).count("succeeded") == 1
    assert "requires_action" not in statuses(market)


@pytest.mark.parametrize("number", [number for number, _, _ in BAD])
async def test_in_place_of_a_hold_that_expired_the_price_becomes_a_debt(
    market: Market, number: str
) -> None:
    await market.save_card(LEARNER, "4242424242424242")
    session_id, payment = await session(market)
    await serve(market, session_id, 10)
    await market.clock.advance(8 * 86_400)
    # The card the hold was made with has gone bad since.
    methods = market.world.state.payment_methods
    market.change(lambda w: [methods.put(replace(one, number=number)) for one in methods])
    await market.recorder.end(session_id, "learner-ended", by=LEARNER)
    issued = await settlement.settle(market.till, session_id)
    assert issued.amount == Money(666, "USD")
    await rest(market)
    assert await state(market, payment) == "owed"
    with pytest.raises(Refused) as refused:
        await charges.authorise(market.till, market.next_ask(), 1, LEARNER, Money(2000, "USD"))
    assert refused.value.fault.code == "card-declined"
    assert "not paid" in refused.value.fault.message


@pytest.mark.parametrize(
    ("quarter", "seconds", "charged"),
    [
        (Money(735, "USD"), 60, 0),
        (Money(750, "USD"), 60, 50),
        (Money(49_999_999, "USD"), 60, 3_333_333),
        (Money(77, "JPY"), 600, 51),
        (Money(75, "JPY"), 540, 0),
        (Money(45_055, "TWD"), 60, 3_000),
        (Money(20_000, "TWD"), 60, 0),
        (Money(199_999, "ISK"), 60, 13_300),
        (Money(3_333_300, "UGX"), 60, 222_200),
        (Money(2_999_900, "UGX"), 60, 0),
        (Money(333_333, "HUF"), 60, 22_200),
        (Money(2_345, "KWD"), 60, 150),
    ],
    ids=str,
)
async def test_a_price_is_charged_in_steps_of_its_currency_and_waived_below_the_least(
    market: Market, quarter: Money, seconds: int, charged: int
) -> None:
    ask = market.next_ask()
    step = {"TWD": 100, "ISK": 100, "UGX": 100, "HUF": 100, "KWD": 10}.get(quarter.currency, 1)
    most = Money(quarter.minor * 2 // step * step, quarter.currency)
    await charges.authorise(market.till, ask, 1, LEARNER, most)
    session_id = await market.open(ask, LEARNER, MENTOR, quarter)
    await serve(market, session_id, seconds // 60)
    await market.recorder.end(session_id, "learner-ended", by=LEARNER)
    issued = await settlement.settle(market.till, session_id)
    assert issued.amount.minor == charged
    await market.clock.advance(4 * 86_400)
    await rest(market)
    assert await state(market, charges.payment_id(ask, 1)) == ("released" if charged else "waived")
    assert sum(transfer.amount % step for transfer in market.world.state.transfers) == 0
