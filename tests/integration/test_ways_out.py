"""Nobody is there now: leaving the ask open, being told, raising the limit. On a manual clock."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cm_wire.money import Money
from cm_wire.to_client import AskChanged, OfferMade
from cm_wire.to_server import CancelAsk, KeepAsk, RaiseLimit
from tests.support import dispatching, world
from tests.support.world import World


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world.running(tmp_path) as running:
        yield running


async def test_an_ask_left_open_rings_whoever_comes_within_two_hours(here: World) -> None:
    learner, ask = await dispatching.asking(here)
    await learner.fact(AskChanged, lambda f: f.ask.state == "nobody")
    await learner.do(KeepAsk(ask_id=ask))
    await here.pass_time(300)
    (mentor,) = await dispatching.online(here, 1)
    assert (await mentor.fact(OfferMade)).offer.ask_id == ask


async def test_who_wants_only_to_be_told_is_told_once_and_asks_then(here: World) -> None:
    learner, ask = await dispatching.asking(here)
    await learner.fact(AskChanged, lambda f: f.ask.state == "nobody")
    await learner.do(KeepAsk(ask_id=ask, tell_only=True))
    (mentor,) = await dispatching.online(here, 1)
    told = await learner.fact(AskChanged, lambda f: f.ask.someone_fits)
    assert (told.ask.state, told.ask.ways_out) == ("nobody", ("Ask now.",))
    await dispatching.online(here, 1, prefix="Other")
    await here.pass_time(2)
    again = [f for f in learner.facts if isinstance(f, AskChanged) and f.ask.someone_fits]
    assert len(again) == 1
    assert (dispatching.offers(mentor), dispatching.holds(here)) == ([], [])
    await learner.do(KeepAsk(ask_id=ask))
    assert (await mentor.fact(OfferMade)).offer.ask_id == ask


async def test_who_was_away_when_somebody_came_is_told_on_coming_back(here: World) -> None:
    someone = await here.learner()
    learner = await here.connect(someone)
    ask = await dispatching.post(learner)
    await learner.do(KeepAsk(ask_id=ask, tell_only=True))
    await learner.die()
    await dispatching.online(here, 1)
    back = await here.connect(someone)
    assert (await back.fact(AskChanged)).ask.someone_fits


async def test_a_raised_limit_rings_who_fits_then(here: World) -> None:
    (mentor,) = await dispatching.online(here, 1, price=1200)
    learner, ask = await dispatching.asking(here, price_max=500)
    told = await learner.fact(AskChanged, lambda f: f.ask.state == "nobody")
    assert told.ask.raise_to == Money(1200, "USD")
    lower = await learner.refusal(RaiseLimit(ask_id=ask, price_max=Money(400, "USD")))
    assert (lower.code, lower.field, lower.limit) == ("bad-value", "price_max", 500)
    beyond = await learner.refusal(RaiseLimit(ask_id=ask, price_max=Money(60_000, "USD")))
    assert beyond.limit == 50_000
    await learner.do(RaiseLimit(ask_id=ask, price_max=Money(1200, "USD")))
    assert (await mentor.fact(OfferMade)).offer.price_per_quarter == Money(1200, "USD")
    assert dispatching.held(here) == 1


async def test_ways_out_are_for_ones_own_ask_that_found_nobody(here: World) -> None:
    learner, ask = await dispatching.asking(here)
    stranger = await here.connect(await here.learner("Eve"))
    assert (await stranger.refusal(KeepAsk(ask_id=ask))).code == "no-such-ask"
    assert (
        await stranger.refusal(RaiseLimit(ask_id=ask, price_max=Money(2000, "USD")))
    ).code == "no-such-ask"
    await learner.do(CancelAsk(ask_id=ask))
    assert (await learner.refusal(KeepAsk(ask_id=ask))).code == "wrong-state"
