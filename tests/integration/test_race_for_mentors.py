"""Many learners, few mentors, everybody at once: nobody is booked twice, and everyone who can be served is."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from sqlmodel import Session, select

from cm_server.flow import asking, meeting, offering
from cm_server.matching.model import EngagementRow, OfferRow
from cm_server.session import register
from cm_wire.faults import Refused
from cm_wire.ids import OfferId
from tests.support import world
from tests.support.world import World

ASKS, MENTORS = 200, 50


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world.running(tmp_path) as running:
        yield running


@pytest.mark.slow
async def test_two_hundred_asks_race_for_fifty_mentors_and_nobody_is_booked_twice(
    here: World,
) -> None:
    works, desk = here.works, here.works.desk
    made = await asyncio.gather(*(here.mentor(f"M{number}") for number in range(MENTORS)))
    mentors = {one.person.id: one.person for one in made}
    asking_people = await asyncio.gather(*(here.learner(f"L{number}") for number in range(ASKS)))
    learners = [one.person for one in asking_people]
    await asyncio.gather(*(offering.go_online(desk, person) for person in mentors.values()))

    await asyncio.gather(
        *(asking.post(desk, one, world.context(), world.terms(), None) for one in learners)
    )
    refused = 0
    for _ in range(MENTORS):
        open_offers = await desk.database.read(_open_offers)
        if not open_offers:
            break
        # Every offer is accepted twice, by both sides of a lost connection as it were, all at the same moment.
        results = await asyncio.gather(
            *(
                meeting.accept(works, mentors[row.mentor], OfferId(row.id))  # type: ignore[index]
                for row in open_offers * 2
            ),
            return_exceptions=True,
        )
        for result in results:
            assert not isinstance(result, BaseException) or isinstance(result, Refused), result
        refused += sum(isinstance(result, Refused) for result in results)
        await asking.advance_all(desk)

    sessions = await desk.database.read(register.open_sessions)
    assert len({session.mentor for session in sessions}) == len(sessions) == MENTORS
    assert len({session.learner for session in sessions}) == MENTORS
    assert refused >= MENTORS
    engaged = await desk.database.read(lambda s: list(s.exec(select(EngagementRow.person))))
    assert sorted(engaged) == sorted(person for one in sessions for person in one.people)


async def test_one_offer_accepted_from_fifty_connections_opens_one_session(here: World) -> None:
    works, desk = here.works, here.works.desk
    mentor = (await here.mentor()).person
    await offering.go_online(desk, mentor)
    await asking.post(desk, (await here.learner()).person, world.context(), world.terms(), None)
    (offer,) = await desk.database.read(_open_offers)
    results = await asyncio.gather(
        *(meeting.accept(works, mentor, OfferId(offer.id)) for _ in range(50)),
        return_exceptions=True,
    )
    codes = [result.fault.code for result in results if isinstance(result, Refused)]
    assert codes == ["offer-gone"] * 49


async def test_a_mentor_holds_one_offer_at_a_time(here: World) -> None:
    desk = here.works.desk
    for number in range(3):
        await offering.go_online(desk, (await here.mentor(f"M{number}")).person)
    learners = [(await here.learner(f"L{number}")).person for number in range(10)]
    await asyncio.gather(
        *(asking.post(desk, one, world.context(), world.terms(), None) for one in learners)
    )
    offers = await desk.database.read(_open_offers)
    assert len({row.mentor for row in offers}) == len(offers) == 3


def _open_offers(session: Session) -> list[OfferRow]:
    return list(session.exec(select(OfferRow).where(OfferRow.state == "open")))
