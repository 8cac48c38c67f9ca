"""Making accounts and finding people."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from cm_server.clock import Clock
from cm_server.db import Database
from cm_server.identity import NewId
from cm_server.people import store
from cm_server.people.person import Mentor, Person, Skill
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


async def mentors(database: Database, people: Sequence[PersonId]) -> list[Mentor]:
    """The profiles of those of `people` who are mentors, in the order of their ids."""
    if not people:
        return []
    return await database.read(lambda session: store.mentors(session, people))


def _mentor(person: Person, profile: Profile) -> Mentor:
    return Mentor(
        person=person,
        price_per_quarter=profile.price_per_quarter,
        skills=profile.skills,
        spoken_languages=profile.spoken_languages,
        years=profile.years,
        headline=profile.headline,
    )
