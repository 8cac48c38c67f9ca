"""One of several processes that ring mentors and accept for them, all on the same asks at once.

    python -m tests.support.racing_claims URL SEED

Says `ready`, waits for a line, races until every mentor is taken, prints what it won and lost as JSON.
"""

import asyncio
import random
import sys
from collections import Counter
from itertools import count
from typing import Any

import msgspec
from sqlmodel import Session

from cm_server.ask import board
from cm_server.ask.board import NewAsk
from cm_server.db import Database, StorageUnavailable
from cm_server.matching import offers, presence, ranking, search, store
from cm_server.matching.candidate import Candidate
from cm_server.matching.facets import Facets
from cm_server.matching.offers import Offer
from cm_server.matching.ranking import Ranked
from cm_server.matching.waves import Pace
from cm_server.people.person import Person
from cm_wire.asking import AskContext, Excerpt, Place, Span, Terms
from cm_wire.faults import Refused
from cm_wire.ids import AskId, OfferId, PersonId, SessionId
from cm_wire.money import Money
from tests.support.manual_clock import START

ASKS, MENTORS = 200, 50
NOW_MS = int(START.timestamp() * 1000)
PACE = Pace()
ROUNDS_MAX = 60
TERMS = Terms(cap_minutes=30, price_max=Money(1_500, "USD"))
CONTEXT = AskContext(
    excerpt=Excerpt(
        path="a.py",
        language_id="python",
        text="x = 1\n",
        first_line=0,
        selection=Span(Place(0, 0), Place(0, 1)),
    ),
    question="Why?",
)


class Result(msgspec.Struct):
    """`won` are ask, mentor and session; `lost` counts the refusals by their code."""

    won: list[tuple[str, str, str]]
    lost: dict[str, int]


def mentor(number: int) -> PersonId:
    return PersonId(f"per_mentor{number}")


def prepare(session: Session) -> None:
    """The asks on the board, their money held, and the mentors on the list."""
    for number in range(ASKS):
        learner = Person(PersonId(f"per_learner{number}"), f"{number}@x", "Lea", False, START)
        ask_id = AskId(f"ask_{number}")
        new = NewAsk(ask_id, learner, CONTEXT, TERMS, None, NOW_MS + 3_600_000)
        board.post(session, new, NOW_MS)
        board.move(session, ask_id, "funded", NOW_MS)
    for number in range(MENTORS):
        presence.go_online(session, mentor(number), NOW_MS)


async def race(database: Database, seed: int) -> Result:
    chance, numbers = random.Random(seed), count()
    result = Result([], {})
    lost: Counter[str] = Counter()

    def new_id(kind: str) -> str:
        return f"{kind}_{seed}x{next(numbers)}"

    async def ring(ask_id: AskId) -> None:
        ranked = _ranked(chance)
        await _unless_refused(
            lost,
            database.write(lambda s: search.advance(s, ask_id, ranked, new_id, NOW_MS, PACE)),
        )

    async def accept(offer: Offer) -> None:
        session_id = SessionId(new_id("ses"))
        done = await _unless_refused(
            lost, database.write(lambda s: _accept(s, offer.offer_id, offer.mentor, session_id))
        )
        if done:
            result.won.append((offer.ask_id, offer.mentor, session_id))

    for _ in range(ROUNDS_MAX):
        asks = [ask.ask_id for ask in await database.read(board.looking)]
        chance.shuffle(asks)
        await asyncio.gather(*map(ring, asks))
        made = [one for ask in asks for one in await database.read(lambda s: offers.of_ask(s, ask))]  # noqa: B023 - awaited within the round
        chance.shuffle(made)
        await asyncio.gather(*(accept(one) for one in made if one.state == "open"))
        if await database.read(_free) == 0:
            break
    result.lost = dict(lost)
    return result


def _accept(session: Session, offer_id: OfferId, who: PersonId, session_id: SessionId) -> bool:
    """What the flow writes when a mentor says yes, without the session that follows."""
    offer = offers.accept(session, offer_id, who, session_id, NOW_MS)
    board.move(session, offer.ask_id, "accepted", NOW_MS)
    offers.withdraw_of_ask(session, offer.ask_id, "Another mentor was faster.", NOW_MS)
    return True


def _free(session: Session) -> int:
    return sum(store.engagement(session, mentor(number)) is None for number in range(MENTORS))


def _ranked(chance: random.Random) -> list[Ranked]:
    people = [
        Candidate(mentor(number), "Mo", Money(1_000, "USD"), {"python": 3})
        for number in range(MENTORS)
    ]
    ranked = ranking.rank(people, Facets((("python", 2.0),), (), frozenset()), TERMS)
    return chance.sample(ranked, len(ranked))


async def _unless_refused(lost: Counter[str], doing: Any) -> Any:
    try:
        return await doing
    except Refused as refused:
        lost[refused.fault.code] += 1
    except StorageUnavailable:
        # The other process had the database for longer than anyone waits; the next round tries again.
        lost["unavailable"] += 1
    return None


async def _main(url: str, seed: int) -> None:
    database = Database(url)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    sys.stdin.readline()
    try:
        result = await race(database, seed)
    finally:
        await database.close()
    sys.stdout.write(msgspec.json.encode(result).decode() + "\n")


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))
