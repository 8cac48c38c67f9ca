"""From an ask to whoever takes it: waves, refusals, windows, nobody, cancelling, mentors who vanish. On a manual clock."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from cm_wire.to_client import (
    AskChanged,
    MentorsRanked,
    OfferEnded,
    OfferMade,
    PresenceChanged,
    SessionChanged,
    SessionOpened,
)
from cm_wire.to_server import (
    AcceptOffer,
    CancelAsk,
    DeclineOffer,
    EndSession,
    GoOffline,
    GoOnline,
    PostAsk,
    RankMentors,
)
from tests.support import dispatching, world
from tests.support.fake_bank import Card
from tests.support.waiting import until
from tests.support.world import World


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world.running(tmp_path) as running:
        yield running


async def test_the_three_best_are_rung_at_once_and_the_rest_wait(here: World) -> None:
    mentors = await dispatching.online(here, 5)
    learner, _ = await dispatching.asking(here)
    shown = await learner.fact(AskChanged, lambda f: f.ask.state == "offered")
    assert (shown.ask.wave, shown.ask.offers_open) == (1, 3)
    assert shown.ask.eta_seconds is not None
    rung = [mentor for mentor in mentors if dispatching.offers(mentor)]
    assert len(rung) == 3
    assert dispatching.offers(rung[0])[0].offer.answer_within_ms == 15_000


async def test_a_refusal_rings_the_next_mentor_at_once(here: World) -> None:
    mentors = await dispatching.online(here, 5)
    learner, _ = await dispatching.asking(here)
    await learner.fact(AskChanged, lambda f: f.ask.state == "offered")
    first = next(mentor for mentor in mentors if dispatching.offers(mentor))
    offer = (await first.fact(OfferMade)).offer
    await first.do(DeclineOffer(offer_id=offer.offer_id, reason="not my field"))
    assert (await first.fact(OfferEnded)).offer_id == offer.offer_id
    shown = await learner.fact(AskChanged, lambda f: f.ask.wave == 2)
    assert shown.ask.offers_open == 3
    assert sum(len(dispatching.offers(mentor)) for mentor in mentors) == 4


async def test_the_first_to_accept_has_it_and_the_others_are_told(here: World) -> None:
    mentors = await dispatching.online(here, 3)
    learner, _ = await dispatching.asking(here)
    offers = [(await mentor.fact(OfferMade)).offer for mentor in mentors]
    opened = await mentors[1].do(AcceptOffer(offer_id=offers[1].offer_id))
    assert isinstance(opened, SessionOpened)
    for other in (0, 2):
        assert "faster" in (await mentors[other].fact(OfferEnded)).why
        refused = await mentors[other].refusal(AcceptOffer(offer_id=offers[other].offer_id))
        assert refused.code == "offer-gone"
    seen = await learner.fact(SessionChanged)
    assert seen.session.session_id == opened.session_id
    assert seen.session.you == "learner"


async def test_accepting_twice_is_refused_by_name_and_repeating_the_command_is_not(
    here: World,
) -> None:
    (mentor,) = await dispatching.online(here, 1)
    await dispatching.asking(here)
    accept = AcceptOffer(offer_id=(await mentor.fact(OfferMade)).offer.offer_id)
    first = await mentor.do(accept, command_id="accept-1")
    assert await mentor.do(accept, command_id="accept-1") == first
    assert "already accepted" in (await mentor.refusal(accept)).message


async def test_an_answer_counts_within_the_grace_and_not_after(here: World) -> None:
    mentors = await dispatching.online(here, 2)
    await dispatching.asking(here)
    offers = [(await mentor.fact(OfferMade)).offer for mentor in mentors]
    await here.pass_time(15.9)
    await mentors[0].do(DeclineOffer(offer_id=offers[0].offer_id))
    await here.clock.advance(0.2)
    late = await mentors[1].refusal(AcceptOffer(offer_id=offers[1].offer_id))
    assert late.code == "offer-gone"
    assert "time" in late.message


async def test_who_misses_two_offers_in_a_row_is_taken_off_the_list_with_a_message(
    here: World,
) -> None:
    (mentor,) = await dispatching.online(here, 1)
    for name in ("Ann", "Bob"):
        learner, ask = await dispatching.asking(here, name)
        await mentor.fact(OfferMade)
        await here.pass_time(17)
        assert "time to answer" in (await mentor.fact(OfferEnded)).why
        await learner.fact(AskChanged, lambda f: f.ask.state == "nobody")
        await learner.do(CancelAsk(ask_id=ask))
    off = await mentor.fact(PresenceChanged, lambda f: not f.online)
    assert "missed 2 offers" in off.why


async def test_nobody_is_said_at_once_with_ways_out_and_the_card_is_not_touched(
    here: World,
) -> None:
    learner, _ = await dispatching.asking(here)
    told = await learner.fact(AskChanged, lambda f: f.ask.state == "nobody")
    assert "online" in told.ask.why
    assert told.ask.ways_out
    assert dispatching.holds(here) == []


async def test_a_limit_below_any_price_says_what_would_help(here: World) -> None:
    await dispatching.online(here, 1, price=1200)
    learner, _ = await dispatching.asking(here, price_max=500)
    told = await learner.fact(AskChanged, lambda f: f.ask.state == "nobody")
    assert told.ask.ways_out[0] == "Raise your limit to $12.00 per 15 minutes."


async def test_who_is_only_being_asked_by_another_is_waited_for_five_seconds(here: World) -> None:
    (mentor,) = await dispatching.online(here, 1)
    await dispatching.asking(here, "Ann")
    await mentor.fact(OfferMade)
    second, _ = await dispatching.asking(here, "Bob")
    await here.pass_time(4)
    assert dispatching.state(second) == "searching"
    await here.pass_time(2)
    told = await second.fact(AskChanged, lambda f: f.ask.state == "nobody")
    assert "busy" in told.ask.why
    # The money held for the search was given back.
    assert dispatching.held(here) == 1


async def test_an_open_ask_rings_the_first_who_comes_online_and_holds_the_money_anew(
    here: World,
) -> None:
    learner, _ = await dispatching.asking(here)
    await learner.fact(AskChanged, lambda f: f.ask.state == "nobody")
    (mentor,) = await dispatching.online(here, 1)
    await mentor.fact(OfferMade)
    assert (await learner.fact(AskChanged, lambda f: f.ask.state == "offered")).ask.wave == 1
    assert dispatching.held(here) == 1


async def test_a_search_given_up_after_refusals_gives_the_money_back(here: World) -> None:
    (mentor,) = await dispatching.online(here, 1)
    learner, _ = await dispatching.asking(here)
    offer = (await mentor.fact(OfferMade)).offer
    await mentor.do(DeclineOffer(offer_id=offer.offer_id))
    told = await learner.fact(AskChanged, lambda f: f.ask.state == "nobody")
    assert "said no" in told.ask.why
    assert dispatching.held(here) == 0
    # Who said no is not asked again for the same.
    await mentor.do(GoOnline())
    assert len(dispatching.offers(mentor)) == 1


async def test_a_declined_card_refuses_the_ask_and_rings_nobody(here: World) -> None:
    (mentor,) = await dispatching.online(here, 1)
    poor = await here.connect(await here.learner("Pia", Card.DECLINED))
    refused = await poor.refusal(PostAsk(context=world.context(), terms=world.terms()))
    assert refused.code == "card-declined"
    bare = await here.connect(await here.learner("Ned", None))
    refused = await bare.refusal(PostAsk(context=world.context(), terms=world.terms()))
    assert refused.code == "card-needed"
    assert dispatching.offers(mentor) == []
    assert dispatching.state(poor) == dispatching.state(bare) == "cancelled"


async def test_cancelling_takes_the_offer_back_and_gives_the_money_back(here: World) -> None:
    (mentor,) = await dispatching.online(here, 1)
    learner, ask = await dispatching.asking(here)
    offer = (await mentor.fact(OfferMade)).offer
    await learner.do(CancelAsk(ask_id=ask))
    await mentor.fact(OfferEnded, lambda f: f.offer_id == offer.offer_id)
    assert (await mentor.refusal(AcceptOffer(offer_id=offer.offer_id))).code == "offer-gone"
    assert (await learner.refusal(CancelAsk(ask_id=ask))).code == "wrong-state"
    assert dispatching.held(here) == 0


async def test_one_open_ask_at_a_time_and_a_new_one_replaces_one_that_found_nobody(
    here: World,
) -> None:
    someone = await here.learner("Ann")
    learner = await here.connect(someone)
    first = await dispatching.post(learner)
    second = await dispatching.post(learner)
    assert first != second
    (mentor,) = await dispatching.online(here, 1)
    await mentor.fact(OfferMade, lambda f: f.offer.ask_id == second)
    other = PostAsk(context=world.context(), terms=world.terms(cap_minutes=31))
    assert (await learner.refusal(other)).code == "already-busy"


async def test_the_same_ask_said_twice_is_one_ask_and_rings_nobody_twice(here: World) -> None:
    (mentor,) = await dispatching.online(here, 1)
    learner = await here.connect(await here.learner("Ann"))
    first = await dispatching.post(learner)
    again = await dispatching.post(learner)
    assert again == first
    await here.pass_time(3)
    assert [one.offer.ask_id for one in dispatching.offers(mentor)] == [first]


async def test_who_is_in_a_session_neither_asks_nor_is_asked(here: World) -> None:
    (mentor,) = await dispatching.online(here, 1)
    learner, _ = await dispatching.asking(here, "Ann")
    offer = (await mentor.fact(OfferMade)).offer
    opened = await mentor.do(AcceptOffer(offer_id=offer.offer_id))
    assert isinstance(opened, SessionOpened)
    busy = await learner.refusal(PostAsk(context=world.context(), terms=world.terms()))
    assert busy.code == "already-busy"
    other, _ = await dispatching.asking(here, "Bob")
    await here.pass_time(6)
    await other.fact(AskChanged, lambda f: f.ask.state == "nobody")
    assert len(dispatching.offers(mentor)) == 1
    # Free again, the mentor is rung for the ask that stayed open.
    await learner.do(EndSession(session_id=opened.session_id))
    await other.fact(AskChanged, lambda f: f.ask.state == "offered")


async def test_nobody_answers_their_own_ask(here: World) -> None:
    someone = await here.mentor("Mo")
    await here._save_card(someone.person, Card.GOOD)
    both = await here.connect(someone)
    await both.do(GoOnline())
    await dispatching.post(both)
    assert (await both.fact(AskChanged, lambda f: f.ask.state == "nobody")).ask.ways_out
    own = PostAsk(context=world.context(), terms=world.terms(), mentor=someone.person.id)
    assert (await both.refusal(own)).code == "bad-value"


async def test_a_mentor_whose_editor_dies_is_off_the_list_and_the_ask_goes_on(here: World) -> None:
    mentors = await dispatching.online(here, 4)
    learner, _ = await dispatching.asking(here)
    await learner.fact(AskChanged, lambda f: f.ask.state == "offered")
    victim = next(mentor for mentor in mentors if dispatching.offers(mentor))
    waiting = next(mentor for mentor in mentors if not dispatching.offers(mentor))
    await victim.die()
    await waiting.fact(OfferMade)
    await until(lambda: len(here.works.desk.roster) == 3, "the dead mentor to be off the list")


async def test_a_mentor_who_falls_silent_is_off_the_list_within_eight_seconds(here: World) -> None:
    someone = await here.mentor("Mo")
    silent = await here.connect(someone)
    await silent.do(GoOnline())
    here.clients.remove(silent)
    await here.pass_time(8)
    assert await silent.closed() == 4408
    await until(lambda: len(here.works.desk.roster) == 0, "the silent mentor to be off the list")
    back = await here.connect(someone)
    assert back.welcome is not None
    assert back.welcome.online


async def test_going_offline_takes_the_open_offer_along(here: World) -> None:
    first, second = await dispatching.online(here, 2)
    await dispatching.asking(here)
    await first.fact(OfferMade)
    await second.fact(OfferMade)
    await first.do(GoOffline())
    assert "offline" in (await first.fact(OfferEnded)).why


async def test_a_mentor_who_accepts_and_never_comes_is_replaced(here: World) -> None:
    absent, spare = await dispatching.online(here, 2)
    learner, _ = await dispatching.asking(here)
    offer = (await absent.fact(OfferMade)).offer
    await spare.fact(OfferMade)
    opened = await absent.do(AcceptOffer(offer_id=offer.offer_id))
    assert isinstance(opened, SessionOpened)
    await here.pass_time(31)
    ended = await learner.fact(SessionChanged, lambda f: f.session.state == "ended")
    assert ended.session.ended_why == "mentor-never-came"
    again = (await spare.fact(OfferMade)).offer
    assert isinstance(await spare.do(AcceptOffer(offer_id=again.offer_id)), SessionOpened)


async def test_the_list_names_who_may_be_asked_with_reasons(here: World) -> None:
    await dispatching.online(here, 2)
    await dispatching.online(here, 1, price=9000, prefix="Dear")
    learner = await here.connect(await here.learner())
    answer = await learner.do(RankMentors(context=world.context(), terms=world.terms()))
    assert isinstance(answer, MentorsRanked)
    assert len(answer.mentors) == 2
    assert any("python" in reason for reason in answer.mentors[0].reasons)


async def test_a_list_is_refused_for_a_secret_as_an_ask_is(here: World) -> None:
    learner = await here.connect(await here.learner())
    leaking = world.context(text="key = 'ghp_" + "a1" * 18 + "'\n")
    fault = await learner.refusal(RankMentors(context=leaking, terms=world.terms()))
    assert (fault.code, fault.field) == ("secret-found", "excerpt.text")


async def test_how_often_one_may_ask_is_the_operators_to_say(tmp_path: Path) -> None:
    async with world.running(tmp_path, asks_per_ten_minutes=2, asks_per_day=3) as here:
        learner, first = await dispatching.asking(here)
        await learner.do(CancelAsk(ask_id=first))
        await learner.do(CancelAsk(ask_id=await dispatching.post(learner)))
        again = PostAsk(context=world.context(), terms=world.terms())
        fast = await learner.refusal(again)
        assert (fast.code, fast.limit, fast.do) == (
            "too-fast", 2, "You can ask again in 10 minutes.",
        )  # fmt: skip
        await here.pass_time(601)
        await learner.do(CancelAsk(ask_id=await dispatching.post(learner)))
        many = await learner.refusal(again)
        assert (many.code, many.limit, many.do) == ("too-many", 3, "You can ask again in 24 hours.")


async def test_a_chosen_mentor_alone_is_rung(here: World) -> None:
    mentors = await dispatching.online(here, 2)
    chosen = mentors[1]
    assert chosen.welcome is not None
    learner = await here.connect(await here.learner())
    await learner.do(
        PostAsk(context=world.context(), terms=world.terms(), mentor=chosen.welcome.person)
    )
    offer = (await chosen.fact(OfferMade)).offer
    assert dispatching.offers(mentors[0]) == []
    await chosen.do(DeclineOffer(offer_id=offer.offer_id))
    told = await learner.fact(AskChanged, lambda f: f.ask.state == "nobody")
    assert "fastest" in told.ask.ways_out[0]


async def test_an_ask_that_nobody_takes_expires(here: World) -> None:
    learner, _ = await dispatching.asking(here)
    await here.pass_time(181)
    await learner.fact(AskChanged, lambda f: f.ask.state == "expired")
