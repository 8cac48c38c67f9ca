"""Who a person is to the rest of the server: values only, no rows."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from cm_wire.ids import PersonId
from cm_wire.money import Money

Vetting = Literal["not-vetted", "vetted", "refused"]
"""What the operator found when they looked at a mentor; the mentor cannot change it."""


@dataclass(frozen=True, slots=True)
class Person:
    """An account. Everybody may ask; only who has a `Mentor` profile may answer."""

    id: PersonId
    email: str
    name: str
    is_mentor: bool
    joined_at: datetime


@dataclass(frozen=True, slots=True)
class Skill:
    """Something a mentor helps with: a language, a library or a topic, in lower case.

    `level` is 1 to 5 and `years` how long they have worked with it; both their own word.
    """

    name: str
    level: int = 3
    years: int = 0


@dataclass(frozen=True, slots=True)
class Mentor:
    """What a mentor offers. `years` is professional experience; languages are BCP 47 primary tags such as `en`.

    `hours` are when they are usually there, in their `time_zone`; who is there now is presence's to say.
    """

    person: Person
    price_per_quarter: Money
    skills: tuple[Skill, ...]
    spoken_languages: tuple[str, ...]
    years: int
    headline: str
    hours: str = ""
    time_zone: str = "UTC"
    vetting: Vetting = "not-vetted"
