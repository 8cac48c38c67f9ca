"""A mentor as the ranking sees them: what they say of themselves and what was measured. Values only."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from statistics import median

from cm_server.matching import facets
from cm_server.people.person import Mentor
from cm_wire.ids import PersonId
from cm_wire.money import Money


@dataclass(frozen=True, slots=True)
class TrackRecord:
    """`stars` is the sum over `ratings`; `answer_ms_recent` the last answers' times."""

    offers: int = 0
    offers_answered: int = 0
    answer_ms_recent: tuple[int, ...] = ()
    sessions: int = 0
    sessions_judged: int = 0
    sessions_solved: int = 0
    stars: int = 0
    ratings: int = 0

    @property
    def answer_ms_median(self) -> float | None:
        return median(self.answer_ms_recent) if self.answer_ms_recent else None

    @property
    def rating_text(self) -> str:
        """Such as `4.8 by 31`; empty without a rating."""
        return f"{self.stars / self.ratings:.1f} by {self.ratings}" if self.ratings else ""


@dataclass(frozen=True, slots=True)
class Candidate:
    person: PersonId
    name: str
    price_per_quarter: Money
    skills: Mapping[str, int]
    spoken_languages: tuple[str, ...] = ("en",)
    years: int = 0
    years_here: int = 0
    record: TrackRecord = field(default_factory=TrackRecord)
    solved: Mapping[str, int] = field(default_factory=dict)


def candidate(
    mentor: Mentor, record: TrackRecord, solved: Mapping[str, int], years_here: int
) -> Candidate:
    return Candidate(
        person=mentor.person.id,
        name=mentor.person.name,
        price_per_quarter=mentor.price_per_quarter,
        skills={facets.skill(skill.name): skill.level for skill in mentor.skills},
        spoken_languages=mentor.spoken_languages,
        years=mentor.years,
        years_here=years_here,
        record=record,
        solved=solved,
    )
