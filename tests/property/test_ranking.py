"""The ranking is fair in a way that can be checked: better in one thing and equal in the rest never ranks lower."""

import random
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace as replace_struct

from cm_server.matching import newcomers, ranking, scoring
from cm_server.matching.candidate import Candidate, TrackRecord
from cm_server.matching.columns import Reach
from cm_server.matching.facets import Facets
from cm_server.matching.ranking import Ranked
from cm_server.matching.roster import Roster
from cm_server.matching.weights import DEFAULT
from cm_wire.asking import Terms
from cm_wire.ids import PersonId
from cm_wire.money import Money
from tests.support import mentors

BETTER = (
    "price",
    "skill",
    "level",
    "solved",
    "years",
    "years here",
    "speed",
    "answered",
    "stars",
    "solved sessions",
)


def better(one: Candidate, in_what: str, facets: Facets) -> Candidate:
    """The same mentor, better in one thing; unchanged where they cannot be better in it."""
    record = one.record
    match in_what:
        case "price":
            price = one.price_per_quarter
            return replace(one, price_per_quarter=Money(price.minor // 2, price.currency))
        case "skill":
            return replace(
                one, skills={**one.skills, **{n: 1 for n in mentors.SKILLS if n not in one.skills}}
            )
        case "level":
            return replace(one, skills={name: min(5, at + 1) for name, at in one.skills.items()})
        case "solved":
            more = {key: one.solved.get(key, 0) + 1 for key in facets.complaints}
            return replace(one, solved={**one.solved, **more})
        case "years":
            return replace(one, years=one.years + 1)
        case "years here":
            return replace(one, years_here=one.years_here + 1)
        case "speed":
            faster = tuple(ms // 2 for ms in record.answer_ms_recent)
            return replace(one, record=replace(record, answer_ms_recent=faster))
        case "answered":
            answered = min(record.offers, record.offers_answered + 1)
            return replace(one, record=replace(record, offers_answered=answered))
        case "stars":
            stars = min(5 * record.ratings, record.stars + 1)
            return replace(one, record=replace(record, stars=stars))
        case _:
            solved = min(record.sessions_judged, record.sessions_solved + 1)
            return replace(one, record=replace(record, sessions_solved=solved))


@given(mentors.candidates(), mentors.asks(), mentors.terms(), st.sampled_from(BETTER))
def test_better_in_one_thing_and_equal_in_the_rest_never_ranks_lower(
    one: Candidate, facets: Facets, terms: Terms, in_what: str
) -> None:
    improved = replace(better(one, in_what, facets), person=PersonId("per_000"))
    before = replace(one, person=PersonId("per_001"))
    order = [ranked.mentor for ranked in ranking.rank([before, improved], facets, terms)]
    if before.person in order:
        assert order == [improved.person, before.person]


@pytest.mark.parametrize("in_what", BETTER)
def test_each_of_these_things_matters(in_what: str) -> None:
    one = Candidate(
        person=PersonId("per_1"),
        name="Mo",
        price_per_quarter=Money(1_000, "USD"),
        skills={"python": 3},
        record=TrackRecord(
            offers=10, offers_answered=5, answer_ms_recent=(9_000,) * 5, sessions=9,
            sessions_judged=9, sessions_solved=5, stars=30, ratings=9,
        ),
    )  # fmt: skip
    facets = Facets((("python", 2.0), ("pandas", 1.0)), (mentors.COMPLAINTS[0],), frozenset())
    ask, terms = (
        scoring.asked(facets, DEFAULT),
        Terms(cap_minutes=30, price_max=Money(2_000, "USD")),
    )
    scores = [
        scoring.score(each, ask, terms, DEFAULT) for each in (one, better(one, in_what, facets))
    ]
    assert scores[0] < scores[1]


@given(mentors.candidates(), mentors.asks(), mentors.terms())
def test_a_score_lies_between_nothing_and_one_and_reasons_are_few(
    one: Candidate, facets: Facets, terms: Terms
) -> None:
    for ranked in ranking.rank([one], facets, terms):
        assert 0 < ranked.score <= 1 + 1e-9
        assert len(ranked.reasons) <= 4
        assert all(ranked.reasons)


@settings(suppress_health_check=[HealthCheck.too_slow])  # people are many draws, on a busy machine
@given(mentors.rosters(), mentors.asks(), mentors.terms(), st.integers(1, 12), st.randoms())
def test_the_index_finds_exactly_what_ranking_everybody_would(
    people: list[Candidate],
    facets: Facets,
    terms: Terms,
    count: int,
    shuffled: random.Random,
) -> None:
    roster = Roster()
    for one in people[::2]:
        roster.put(one)
    for one in people:
        roster.put(one)
    gone = {one.person for one in people if shuffled.random() < 0.2}
    for person in gone:
        roster.drop(person)
    here = [one for one in people if one.person not in gone]
    without = {one.person for one in here if shuffled.random() < 0.2}
    asked = [one for one in here if one.person not in without]
    assert roster.best(facets, terms, count, without) == ranking.rank(asked, facets, terms)[:count]
    new = [one for one in asked if scoring.is_new(one, DEFAULT)]
    found = roster.best(facets, terms, count, without, only_new=True)
    assert found == ranking.rank(new, facets, terms)[:count]


@settings(suppress_health_check=[HealthCheck.too_slow])
@given(mentors.rosters(), mentors.asks(), mentors.terms())
def test_what_stands_in_the_way_is_what_looking_at_everybody_would_say(
    people: list[Candidate], facets: Facets, terms: Terms
) -> None:
    roster = Roster()
    for one in people:
        roster.put(one)
    gone, without = people[:1], {one.person for one in people[1:2]}
    for one in gone:
        roster.drop(one.person)
    fitting = [one for one in people[2:] if ranking.fits(one, facets)]
    paid = [
        one.price_per_quarter.minor
        for one in fitting
        if ranking.meets(one, replace_struct(terms, price_max=one.price_per_quarter))
        and one.price_per_quarter.currency == terms.price_max.currency
    ]
    any_language = replace_struct(terms, spoken_languages=())
    assert roster.reach(facets, terms, without) == Reach(
        someone_fits=bool(fitting),
        someone_meets=any(ranking.meets(one, terms) for one in fitting),
        someone_affordable=any(ranking.meets(one, any_language) for one in fitting),
        least_price_minor=min(paid, default=None),
    )


def test_the_index_finds_the_same_among_thousands() -> None:
    """Here the lists are longer than what is walked at once, and most are never looked at."""
    chance = random.Random(20260302)
    people = [_somebody(chance, number) for number in range(4_000)]
    roster = Roster()
    for one in people:
        roster.put(one)
    for _ in range(60):
        named = chance.sample(mentors.SKILLS, chance.randint(0, 3))
        facets = Facets(
            tuple((name, chance.choice((1.0, 2.0, 3.0))) for name in named),
            tuple(chance.sample(mentors.COMPLAINTS, chance.randint(0, 3))),
            frozenset(chance.sample(mentors.SKILLS, chance.randint(0, 1))),
        )
        terms = Terms(
            cap_minutes=30,
            price_max=Money(chance.randint(100, 4_000), "USD"),
            spoken_languages=tuple(chance.sample(("en", "de", "fi"), chance.randint(0, 2))),
        )
        assert roster.best(facets, terms, 20) == ranking.rank(people, facets, terms)[:20]


def test_who_left_is_found_no_more_and_leaves_nothing_behind() -> None:
    chance = random.Random(7)
    people = [_somebody(chance, number) for number in range(50)]
    roster = Roster()
    for one in people:
        roster.put(one)
    for one in people:
        roster.drop(one.person)
    everything = Facets((), mentors.COMPLAINTS, frozenset(mentors.SKILLS))
    terms = Terms(cap_minutes=30, price_max=Money(4_000, "USD"))
    assert len(roster) == 0
    assert not roster.reach(everything, terms).someone_fits


@example(seed=0)
@given(st.integers(0, 2**32))
def test_one_seed_gives_one_order(seed: int) -> None:
    ranked, new = _proven_and_new()
    lists = [newcomers.with_newcomer(ranked, new, 3, random.Random(seed)) for _ in range(2)]
    assert lists[0] == lists[1]
    assert {one.mentor for one in lists[0]} >= {one.mentor for one in ranked}
    assert lists[0][:2] == ranked[:2]


def test_newcomers_get_the_stated_share_of_the_first_waves_and_take_turns() -> None:
    ranked, new = _proven_and_new()
    searches = 4_000
    rung: Counter[PersonId] = Counter()
    for search in range(searches):
        order = newcomers.with_newcomer(ranked, new, 3, random.Random(f"ask_{search} 1"))
        rung.update(one.mentor for one in order[:3] if scoring.is_new(one.candidate, DEFAULT))
    share = rung.total() / searches
    assert share == pytest.approx(DEFAULT.newcomer_share, abs=0.02)
    assert set(rung) == {one.mentor for one in new}
    assert max(rung.values()) < 2 * min(rung.values())


def _proven_and_new() -> tuple[list[Ranked], list[Ranked]]:
    proven = TrackRecord(offers=20, offers_answered=20, answer_ms_recent=(4_000,) * 9, sessions=20)
    facets = Facets((("python", 2.0),), (), frozenset())
    terms = Terms(cap_minutes=30, price_max=Money(2_000, "USD"))
    people = [
        Candidate(
            person=PersonId(f"per_{number}"),
            name="Mo",
            price_per_quarter=Money(1_000, "USD"),
            skills={"python": 3},
            record=proven if number < 6 else TrackRecord(),
        )
        for number in range(10)
    ]
    return ranking.rank(people[:6], facets, terms), ranking.rank(people[6:], facets, terms)


def _somebody(chance: random.Random, number: int) -> Candidate:
    offers, sessions = chance.randint(0, 50), chance.randint(0, 30)
    return Candidate(
        person=PersonId(f"per_{number:05}"),
        name=f"Mentor {number}",
        price_per_quarter=Money(chance.randint(100, 4_000), chance.choice(("USD", "USD", "EUR"))),
        skills={
            name: chance.randint(1, 5)
            for name in chance.sample(mentors.SKILLS, chance.randint(1, 4))
        },
        spoken_languages=tuple(chance.sample(("en", "de", "fi"), chance.randint(1, 2))),
        years=chance.randint(0, 20),
        years_here=chance.randint(0, 5),
        record=TrackRecord(
            offers=offers,
            offers_answered=chance.randint(0, offers),
            answer_ms_recent=tuple(chance.randint(500, 15_000) for _ in range(offers % 6)),
            sessions=sessions,
            sessions_judged=sessions,
            sessions_solved=chance.randint(0, sessions),
            stars=chance.randint(sessions, 5 * sessions),
            ratings=sessions,
        ),
        solved={
            key: chance.randint(1, 9)
            for key in chance.sample(mentors.COMPLAINTS, chance.randint(0, 2))
        },
    )
