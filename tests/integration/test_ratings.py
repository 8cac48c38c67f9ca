"""Two-way ratings: hidden until both have spoken or the time is over, then told to each; and what was measured counts."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from cm_server.flow import meeting
from cm_wire.ids import SessionId
from cm_wire.to_client import (
    MentorsRanked,
    OfferMade,
    RatingRevealed,
    SessionChanged,
    SessionOpened,
)
from cm_wire.to_server import (
    AcceptOffer,
    CancelAsk,
    DeclineOffer,
    Diagnose,
    EndSession,
    GoOnline,
    RankMentors,
    RateSession,
)
from tests.support import dispatching, world
from tests.support.control_client import ControlClient
from tests.support.world import Someone, World


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world.running(tmp_path) as running:
        yield running


async def test_each_is_told_the_others_rating_once_both_have_rated_and_not_before(
    here: World,
) -> None:
    lea, mo = await here.learner(), await here.mentor()
    learner, mentor, session = await _ended(here, lea, mo)
    rating = RateSession(session_id=session, stars=4, solved=True, comment="clear\x1b[2J")
    await learner.do(rating)
    assert _revealed(mentor) == []
    await mentor.do(RateSession(session_id=session, stars=5))
    told = await mentor.fact(RatingRevealed)
    assert (told.name, told.stars, told.solved) == ("Lea", 4, True)
    back = await learner.fact(RatingRevealed)
    assert (back.name, back.stars, back.solved) == ("Mo", 5, None)
    candidate = here.works.desk.roster.get(mo.person.id)
    assert candidate is not None
    assert (candidate.record.ratings, candidate.record.stars) == (1, 4)
    assert any(key.startswith("pyright:") for key in candidate.solved)


async def test_who_was_away_is_told_once_on_coming_back(here: World) -> None:
    lea, mo = await here.learner(), await here.mentor()
    learner, mentor, session = await _ended(here, lea, mo)
    await learner.do(RateSession(session_id=session, stars=3))
    await learner.die()
    await mentor.do(RateSession(session_id=session, stars=5, comment="thank you"))
    await mentor.fact(RatingRevealed)
    back = await here.connect(lea)
    assert (await back.fact(RatingRevealed)).comment == "thank you"
    await back.close()
    again = await here.connect(lea)
    await again.beat()
    assert _revealed(again) == []


async def test_after_seven_days_one_rating_is_shown_without_the_other(here: World) -> None:
    lea, mo = await here.learner(), await here.mentor()
    learner, mentor, session = await _ended(here, lea, mo)
    await learner.do(RateSession(session_id=session, stars=2, solved=False))
    assert here.works.deadlines.rating_ms == 7 * 86_400_000
    here.works.deadlines = replace(here.works.deadlines, rating_ms=3_000)
    await here.pass_time(2)
    await meeting.close_unrated(here.works)
    assert _revealed(mentor) == []
    await learner.close()
    await mentor.close()
    await here.clock.advance(2)
    await meeting.close_unrated(here.works)
    back = await here.connect(mo)
    assert (await back.fact(RatingRevealed)).stars == 2
    alone = await here.connect(lea)
    await alone.beat()
    assert _revealed(alone) == []


async def test_who_answers_sooner_is_listed_first_the_next_time(here: World) -> None:
    slow, quick = await here.mentor("Slow"), await here.mentor("Quick")
    clients = {one.person.name: await here.connect(one) for one in (slow, quick)}
    for client in clients.values():
        await client.do(GoOnline())
    learner, ask = await dispatching.asking(here)
    offers = {name: (await client.fact(OfferMade)).offer for name, client in clients.items()}
    await here.pass_time(1)
    await clients["Quick"].do(DeclineOffer(offer_id=offers["Quick"].offer_id))
    await here.pass_time(13)
    await clients["Slow"].do(DeclineOffer(offer_id=offers["Slow"].offer_id))
    await learner.do(CancelAsk(ask_id=ask))
    listed = await learner.do(RankMentors(context=world.context(), terms=world.terms()))
    assert isinstance(listed, MentorsRanked)
    assert [one.name for one in listed.mentors] == ["Quick", "Slow"]
    assert listed.mentors[0].eta_seconds < listed.mentors[1].eta_seconds


async def _ended(
    here: World, lea: Someone, mo: Someone
) -> tuple[ControlClient, ControlClient, SessionId]:
    """A session that was diagnosed and has ended."""
    learner, mentor = await here.connect(lea), await here.connect(mo)
    await mentor.do(GoOnline())
    await dispatching.post(learner)
    offer = (await mentor.fact(OfferMade)).offer
    opened = await mentor.do(AcceptOffer(offer_id=offer.offer_id))
    assert isinstance(opened, SessionOpened)
    session = opened.session_id
    async with here.document(session, lea), here.document(session, mo):
        await mentor.do(Diagnose(session_id=session, text="a typo", minutes=5))
        await learner.do(EndSession(session_id=session))
    await learner.fact(SessionChanged, lambda fact: fact.session.state == "ended")
    return learner, mentor, session


def _revealed(client: ControlClient) -> list[RatingRevealed]:
    return [fact for fact in client.facts if isinstance(fact, RatingRevealed)]
