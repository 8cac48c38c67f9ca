"""Made-up mentors and asks for the benchmarks, the same for the same seed. Not a benchmark itself.

Languages and libraries are as unequally popular as in the world (Zipf): the first language is every third mentor's. The
distributions are guesses and stated here; nothing in them knows the ranking's weights.
"""

import random
from collections.abc import Iterator
from itertools import accumulate

from cm_server.matching.candidate import Candidate, TrackRecord
from cm_server.matching.facets import LANGUAGE_WEIGHT, LIBRARY_WEIGHT, Facets
from cm_wire.asking import Terms
from cm_wire.ids import PersonId
from cm_wire.money import Money

LANGUAGES = 40
LIBRARIES_PER_LANGUAGE = 60
COMPLAINT_KINDS = 1_500
PRICES_MINOR = tuple(range(400, 3_001, 50))
SPOKEN = ("en", "es", "de", "fr", "pt", "ja", "fi")
SPOKEN_WEIGHTS = (60, 12, 8, 8, 6, 5, 1)


def mentors(count: int, seed: int) -> Iterator[Candidate]:
    chance = random.Random(seed)
    language, library = _zipf(LANGUAGES), _zipf(LIBRARIES_PER_LANGUAGE)
    kind = _zipf(COMPLAINT_KINDS)
    for number in range(count):
        spoken = chance.choices(SPOKEN, SPOKEN_WEIGHTS, k=2)
        skills: dict[str, int] = {}
        for _ in range(chance.choice((1, 1, 2))):
            tongue = _draw(chance, language)
            skills[f"language{tongue}"] = chance.randint(2, 5)
            for _ in range(chance.randint(1, 6)):
                skills[f"library{tongue}-{_draw(chance, library)}"] = chance.randint(1, 5)
        yield Candidate(
            person=PersonId(f"per_{number:026}"),
            name=f"Mentor {number}",
            price_per_quarter=Money(chance.choice(PRICES_MINOR), "USD"),
            skills=skills,
            spoken_languages=tuple(dict.fromkeys(spoken)),
            years=chance.randint(1, 20),
            years_here=min(6, int(chance.expovariate(0.6))),
            record=record(chance),
            solved={
                f"tool:K{_draw(chance, kind)}": 1 + int(chance.expovariate(0.5))
                for _ in range(chance.randint(0, 6))
            },
        )


def record(chance: random.Random) -> TrackRecord:
    """Many have done little, few a lot."""
    offers = int(chance.expovariate(1 / 40))
    answered = sum(chance.random() < 0.75 for _ in range(offers))
    sessions = answered // 3
    typical_ms = chance.lognormvariate(8.9, 0.5)
    return TrackRecord(
        offers=offers,
        offers_answered=answered,
        answer_ms_recent=tuple(
            int(typical_ms * chance.uniform(0.6, 1.6)) for _ in range(min(25, answered))
        ),
        sessions=sessions,
        sessions_judged=sessions,
        sessions_solved=round(sessions * chance.uniform(0.5, 1)),
        stars=round(sessions * chance.uniform(3.5, 5)),
        ratings=sessions,
    )


def asks(count: int, seed: int) -> list[tuple[Facets, Terms]]:
    """One language, up to four of its libraries, mostly a diagnostic; some wish for a spoken language."""
    chance = random.Random(seed)
    language, library = _zipf(LANGUAGES), _zipf(LIBRARIES_PER_LANGUAGE)
    kind = _zipf(COMPLAINT_KINDS)
    made = []
    for _ in range(count):
        tongue = _draw(chance, language)
        named = {f"library{tongue}-{_draw(chance, library)}" for _ in range(chance.randint(0, 4))}
        facets = Facets(
            skills=(
                (f"language{tongue}", LANGUAGE_WEIGHT),
                *((name, LIBRARY_WEIGHT) for name in sorted(named)),
            ),
            complaints=(f"tool:K{_draw(chance, kind)}",) if chance.random() < 0.8 else (),
            words=frozenset(),
        )
        wished = (chance.choices(SPOKEN, SPOKEN_WEIGHTS)[0],) if chance.random() < 0.2 else ()
        limit = Money(chance.choice(PRICES_MINOR[8:]), "USD")
        made.append((facets, Terms(cap_minutes=30, price_max=limit, spoken_languages=wished)))
    return made


def _zipf(count: int) -> list[float]:
    return list(accumulate(1 / (rank + 1) for rank in range(count)))


def _draw(chance: random.Random, cumulated: list[float]) -> int:
    return chance.choices(range(len(cumulated)), cum_weights=cumulated)[0]
