"""Making accounts and finding people."""

from dataclasses import dataclass, fields, replace
from typing import Any

from sqlmodel import Session

from cm_server.clock import Clock
from cm_server.db import Database
from cm_server.identity import NewId
from cm_server.people import store
from cm_server.people.person import Mentor, Person, Skill, Vetting
from cm_wire import faults
from cm_wire.ids import PersonId
from cm_wire.money import Money


@dataclass(frozen=True, slots=True)
class Profile:
    """What makes a person a mentor; every member has passed `people.rules`."""

    price_per_quarter: Money
    skills: tuple[Skill, ...]
    spoken_languages: tuple[str, ...] = ("en",)
    years: int = 0
    headline: str = ""
    hours: str = ""
    time_zone: str = "UTC"


@dataclass(frozen=True, slots=True)
class ProfileChange:
    """What to change in a profile; `None` leaves a member as it is. Every member has passed `people.rules`."""

    price_per_quarter: Money | None = None
    skills: tuple[Skill, ...] | None = None
    spoken_languages: tuple[str, ...] | None = None
    years: int | None = None
    headline: str | None = None
    hours: str | None = None
    time_zone: str | None = None


async def add(
    clock: Clock,
    database: Database,
    new_id: NewId,
    email: str,
    name: str,
    profile: Profile | None = None,
) -> Person:
    """Make an account; `email` and `name` have passed `people.rules`. Refuses an e-mail that already has one."""
    person = Person(PersonId(new_id("per")), email, name, profile is not None, clock.now())

    def work(session: Session) -> None:
        if store.person_by_email(session, email):
            raise faults.refusal(
                "key-used",
                f"{email} already has an account.",
                f"cm-server token {email}, for a new token",
                field="email",
            )
        store.add_person(session, person)
        if profile:
            store.put_mentor(session, _mentor(person, profile))

    await database.write(work)
    return person


async def find(database: Database, email: str) -> Person:
    """The person with this e-mail; refuses with `no-such-person`."""
    person = await database.read(lambda session: store.person_by_email(session, email))
    if person is None:
        raise faults.refusal(
            "no-such-person",
            f"Nobody here has the e-mail {faults.shortened(email)}.",
            f"cm-server user add {faults.shortened(email)}, to make the account",
            field="email",
        )
    return person


async def get(database: Database, person: PersonId) -> Person | None:
    return await database.read(lambda session: store.person_by_id(session, person))


def mentor(session: Session, person: PersonId) -> Mentor | None:
    """The profile, in the caller's transaction."""
    found = store.mentors(session, [person])
    return found[0] if found else None


async def change_profile(database: Database, person: Person, change: ProfileChange) -> Mentor:
    """Write a mentor's own words about themselves; with a price and skills, anybody becomes a mentor.

    Refuses with `bad-value` where one of these is missing from a first profile.
    """

    def work(session: Session) -> Mentor:
        before = mentor(session, person.id)
        after = replace(before, **_given(change)) if before else _first(person, change)
        store.put_mentor(session, after)
        return after

    return await database.write(work)


async def vet(database: Database, person: Person, vetting: Vetting) -> None:
    """Write down what the operator found; refuses for who is no mentor."""

    def work(session: Session) -> None:
        found = mentor(session, person.id)
        if found is None:
            raise faults.refusal(
                "bad-value", f"{person.email} is no mentor.", f"cm-server mentor set {person.email}"
            )
        store.put_mentor(session, replace(found, vetting=vetting))

    await database.write(work)


def _first(person: Person, change: ProfileChange) -> Mentor:
    for name, value in (("price", change.price_per_quarter), ("skills", change.skills)):
        if value is None:
            raise faults.refusal(
                "bad-value", f"A mentor needs {name}.", "Give a price and skills.", field=name
            )
    return _mentor(person, Profile(**_given(change)))


def _given(change: ProfileChange) -> dict[str, Any]:
    members = ((member.name, getattr(change, member.name)) for member in fields(change))
    return {name: value for name, value in members if value is not None}


def _mentor(person: Person, profile: Profile) -> Mentor:
    return Mentor(
        person=person,
        price_per_quarter=profile.price_per_quarter,
        skills=profile.skills,
        spoken_languages=profile.spoken_languages,
        years=profile.years,
        headline=profile.headline,
        hours=profile.hours,
        time_zone=profile.time_zone,
    )
