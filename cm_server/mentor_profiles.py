"""Mentors' profiles over REST: anyone signed in may read one, its owner may change it.

Owns the shapes. What was measured and what the operator found are shown and cannot be written. A change reaches the ranking at
once in the process that took it.
"""

import msgspec
from sqlmodel import Session

from cm_server.endpoints import Call, Endpoint
from cm_server.flow import offering
from cm_server.flow.desk import Desk
from cm_server.matching import records
from cm_server.matching.candidate import TrackRecord
from cm_server.people import accounts, rules
from cm_server.people.accounts import ProfileChange
from cm_server.people.person import Mentor, Skill, Vetting
from cm_wire import faults
from cm_wire.ids import PersonId
from cm_wire.money import Money


class SkillShown(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    name: str
    level: int = rules.USUAL_LEVEL
    years: int = 0


class Measured(msgspec.Struct, frozen=True, kw_only=True):
    """What this server counted; nobody writes it. Without a rating or an answer these are null."""

    offers: int
    offers_answered: int
    answer_ms_median: float | None
    sessions: int
    sessions_judged: int
    sessions_solved: int
    rating: float | None
    ratings: int


class MentorShown(msgspec.Struct, frozen=True, kw_only=True):
    """What anyone signed in may know of a mentor."""

    id: PersonId
    name: str
    headline: str
    price_per_quarter: Money
    skills: tuple[SkillShown, ...]
    spoken_languages: tuple[str, ...]
    years: int
    hours: str
    time_zone: str
    vetting: Vetting
    measured: Measured


class MentorChange(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the mentor says of themselves; a member that is left out stays as it is."""

    price_per_quarter: Money | None = None
    skills: tuple[SkillShown, ...] | None = None
    spoken_languages: tuple[str, ...] | None = None
    years: int | None = None
    headline: str | None = None
    hours: str | None = None
    time_zone: str | None = None


def endpoints(desk: Desk, currency: str) -> list[Endpoint]:
    """`currency` is the one prices here are in."""

    async def show(call: Call) -> MentorShown:
        return await _shown(desk, PersonId(call.request.path_params["mentor_id"]), "mentor_id")

    async def show_own(call: Call) -> MentorShown:
        return await _shown(desk, call.caller.id)

    async def change_own(call: Call) -> MentorShown:
        change = _checked(call.body, currency)
        await accounts.change_profile(desk.database, call.caller, change)
        await offering.refresh(desk, call.caller.id)
        return await _shown(desk, call.caller.id)

    return [
        Endpoint("GET", "/mentors/{mentor_id}", "What a mentor offers", MentorShown, show),
        Endpoint("GET", "/me/mentor", "Your own profile as a mentor", MentorShown, show_own),
        Endpoint(
            "PATCH",
            "/me/mentor",
            "Change your profile, or become a mentor with a price and skills",
            MentorShown,
            change_own,
            accepts=MentorChange,
        ),
    ]


def _checked(given: MentorChange, currency: str) -> ProfileChange:
    price, skills, tags = given.price_per_quarter, given.skills, given.spoken_languages
    return ProfileChange(
        price_per_quarter=None if price is None else rules.checked_amount(price, currency),
        skills=None if skills is None else rules.checked_skill_list(map(_skill, skills)),
        spoken_languages=None if tags is None else rules.checked_tags(tags),
        years=None if given.years is None else rules.checked_years(given.years),
        headline=None if given.headline is None else rules.checked_headline(given.headline),
        hours=None if given.hours is None else rules.checked_hours(given.hours),
        time_zone=None if given.time_zone is None else rules.checked_time_zone(given.time_zone),
    )


def _skill(given: SkillShown) -> Skill:
    return Skill(given.name, given.level, given.years)


async def _shown(desk: Desk, person: PersonId, field: str = "") -> MentorShown:
    def read(session: Session) -> tuple[Mentor | None, TrackRecord]:
        return accounts.mentor(session, person), records.of(session, [person])[person][0]

    found, record = await desk.database.read(read)
    if found is None:
        raise faults.refusal("no-such-person", "There is no such mentor.", field=field)
    return of(found, record)


def of(mentor: Mentor, record: TrackRecord) -> MentorShown:
    return MentorShown(
        id=mentor.person.id,
        name=mentor.person.name,
        headline=mentor.headline,
        price_per_quarter=mentor.price_per_quarter,
        skills=tuple(SkillShown(one.name, one.level, one.years) for one in mentor.skills),
        spoken_languages=mentor.spoken_languages,
        years=mentor.years,
        hours=mentor.hours,
        time_zone=mentor.time_zone,
        vetting=mentor.vetting,
        measured=Measured(
            offers=record.offers,
            offers_answered=record.offers_answered,
            answer_ms_median=record.answer_ms_median,
            sessions=record.sessions,
            sessions_judged=record.sessions_judged,
            sessions_solved=record.sessions_solved,
            rating=round(record.stars / record.ratings, 2) if record.ratings else None,
            ratings=record.ratings,
        ),
    )
