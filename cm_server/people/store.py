"""All SQL of people. Functions take a session inside the caller's transaction and speak in values, not rows."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Final

from sqlalchemy import CursorResult, Table
from sqlalchemy import select as select_columns
from sqlmodel import Session, col, delete, select

from cm_server.people.model import MentorRow, MentorSkillRow, PersonRow, TokenRow
from cm_server.people.person import Mentor, Person, Skill
from cm_wire.ids import PersonId
from cm_wire.money import Money

_PEOPLE: Final[Table] = PersonRow.__table__  # type: ignore[attr-defined]
_MENTORS: Final[Table] = MentorRow.__table__  # type: ignore[attr-defined]
_SKILLS: Final[Table] = MentorSkillRow.__table__  # type: ignore[attr-defined]
_PROFILES: Final = (
    select_columns(
        *(_PEOPLE.c.id, _PEOPLE.c.email, _PEOPLE.c.name, _PEOPLE.c.joined_at),
        *(_MENTORS.c.price_minor_per_quarter, _MENTORS.c.currency, _MENTORS.c.spoken_languages),
        *(_MENTORS.c.years, _MENTORS.c.headline, _MENTORS.c.hours),
        *(_MENTORS.c.time_zone, _MENTORS.c.vetting),
    )
    .join_from(_PEOPLE, _MENTORS, _MENTORS.c.person_id == _PEOPLE.c.id)
    .order_by(_PEOPLE.c.id)
)
_SKILLS_LISTED: Final = select_columns(
    _SKILLS.c.person_id, _SKILLS.c.name, _SKILLS.c.level, _SKILLS.c.years
).order_by(_SKILLS.c.person_id, _SKILLS.c.name)


def add_person(session: Session, person: Person) -> None:
    session.add(
        PersonRow(id=person.id, email=person.email, name=person.name, joined_at=person.joined_at)
    )
    session.flush()


def put_mentor(session: Session, mentor: Mentor) -> None:
    """Make or replace the profile of a person who exists."""
    session.merge(
        MentorRow(
            person_id=mentor.person.id,
            price_minor_per_quarter=mentor.price_per_quarter.minor,
            currency=mentor.price_per_quarter.currency,
            spoken_languages=" ".join(mentor.spoken_languages),
            years=mentor.years,
            headline=mentor.headline,
            hours=mentor.hours,
            time_zone=mentor.time_zone,
            vetting=mentor.vetting,
        )
    )
    session.flush()
    session.exec(delete(MentorSkillRow).where(col(MentorSkillRow.person_id) == mentor.person.id))
    session.add_all(
        MentorSkillRow(
            person_id=mentor.person.id, name=skill.name, level=skill.level, years=skill.years
        )
        for skill in mentor.skills
    )
    session.flush()


def person_by_email(session: Session, email: str) -> Person | None:
    row = session.exec(select(PersonRow).where(col(PersonRow.email) == email)).one_or_none()
    return _person(session, row) if row else None


def person_by_id(session: Session, person: PersonId) -> Person | None:
    row = session.get(PersonRow, person)
    return _person(session, row) if row else None


def mentors(session: Session, people: Sequence[PersonId]) -> list[Mentor]:
    """The profiles of those of `people` who are mentors, in the order of their ids.

    By columns: an object of a row costs ten times the row, and a start reads everybody.
    """
    skills: defaultdict[str, list[Skill]] = defaultdict(list)
    of_people = _SKILLS.c.person_id.in_(people)
    for person, *skill in session.execute(_SKILLS_LISTED.where(of_people)).all():
        skills[person].append(Skill(*skill))
    rows = session.execute(_PROFILES.where(_PEOPLE.c.id.in_(people))).all()
    return [
        Mentor(
            person=Person(PersonId(person), email, name, is_mentor=True, joined_at=joined_at),
            price_per_quarter=Money(price_minor, currency),
            skills=tuple(skills[person]),
            spoken_languages=tuple(spoken_languages.split()),
            years=years,
            headline=headline,
            hours=hours,
            time_zone=time_zone,
            vetting=vetting,
        )
        for (
            person, email, name, joined_at,
            price_minor, currency, spoken_languages, years, headline, hours, time_zone, vetting,
        ) in rows
    ]  # fmt: skip


def add_token(
    session: Session,
    digest: str,
    person: PersonId,
    made_at: datetime,
    expires_at: datetime,
    *,
    single_use: bool,
) -> None:
    session.add(
        TokenRow(
            digest=digest,
            person_id=person,
            made_at=made_at,
            expires_at=expires_at,
            single_use=single_use,
        )
    )


def person_by_token(session: Session, digest: str, now: datetime) -> Person | None:
    """Whose lasting token this is; single-use ones do not count here."""
    row = session.exec(
        select(PersonRow)
        .join(TokenRow, col(TokenRow.person_id) == col(PersonRow.id))
        .where(col(TokenRow.digest) == digest)
        .where(col(TokenRow.expires_at) > now)
        .where(col(TokenRow.single_use).is_(False))
    ).one_or_none()
    return _person(session, row) if row else None


def take_ticket(session: Session, digest: str, now: datetime) -> Person | None:
    """Spend a single-use token; of two who try at once, one gets the person."""
    row = session.get(TokenRow, digest)
    if row is None or not row.single_use:
        return None
    spent = session.exec(delete(TokenRow).where(col(TokenRow.digest) == digest))
    if spent.rowcount != 1 or row.expires_at <= now:
        return None
    return person_by_id(session, PersonId(row.person_id))


def revoke_tokens(session: Session, person: PersonId) -> int:
    result: CursorResult[tuple[()]] = session.exec(
        delete(TokenRow).where(col(TokenRow.person_id) == person)
    )
    return result.rowcount


def drop_expired_tokens(session: Session, now: datetime) -> int:
    return session.exec(delete(TokenRow).where(col(TokenRow.expires_at) <= now)).rowcount


def _person(session: Session, row: PersonRow) -> Person:
    return _value(row, is_mentor=session.get(MentorRow, row.id) is not None)


def _value(row: PersonRow, *, is_mentor: bool) -> Person:
    return Person(PersonId(row.id), row.email, row.name, is_mentor, row.joined_at)
