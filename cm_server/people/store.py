"""All SQL of people. Functions take a session inside the caller's transaction and speak in values, not rows."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import CursorResult
from sqlmodel import Session, col, delete, select

from cm_server.people.model import MentorRow, MentorSkillRow, PersonRow, TokenRow
from cm_server.people.person import Mentor, Person, Skill, Vetting
from cm_wire.ids import PersonId
from cm_wire.money import Money


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
    """The profiles of those of `people` who are mentors, in the order of their ids."""
    rows = session.exec(
        select(PersonRow, MentorRow)
        .join(MentorRow, col(MentorRow.person_id) == col(PersonRow.id))
        .where(col(PersonRow.id).in_(people))
        .order_by(col(PersonRow.id))
    ).all()
    skills: defaultdict[str, list[Skill]] = defaultdict(list)
    for skill in session.exec(
        select(MentorSkillRow)
        .where(col(MentorSkillRow.person_id).in_(people))
        .order_by(col(MentorSkillRow.name))
    ):
        skills[skill.person_id].append(Skill(skill.name, skill.level, skill.years))
    return [
        Mentor(
            person=_value(person, is_mentor=True),
            price_per_quarter=Money(mentor.price_minor_per_quarter, mentor.currency),
            skills=tuple(skills[person.id]),
            spoken_languages=tuple(mentor.spoken_languages.split()),
            years=mentor.years,
            headline=mentor.headline,
            hours=mentor.hours,
            time_zone=mentor.time_zone,
            vetting=cast("Vetting", mentor.vetting),
        )
        for person, mentor in rows
    ]


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
