"""How a session stands: one value with everything about it but its texts, and how each participant sees it."""

from collections.abc import Collection
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from cm_wire import faults
from cm_wire.ids import AskId, PersonId, SessionId
from cm_wire.money import Money
from cm_wire.session import (
    Mode,
    Participant,
    PausedWhy,
    Role,
    SessionState,
    SessionView,
    SharedFile,
)

COLOURS: Final = MappingProxyType[Role, str]({"learner": "#1f77b4", "mentor": "#d9630b"})
"""Told apart also by people who see red and green alike, on light and dark grounds."""


@dataclass(frozen=True, slots=True)
class Standing:
    """Times are UTC milliseconds since 1970."""

    session_id: SessionId
    ask_id: AskId
    learner: PersonId
    learner_name: str
    mentor: PersonId
    mentor_name: str
    state: SessionState
    mode: Mode
    price_per_quarter: Money
    cap_minutes: int
    question: str
    opened_at_ms: int
    paused_why: PausedWhy = ""
    diagnosis: str = ""
    estimate_minutes: int | None = None
    ended_why: str = ""
    ended_at_ms: int | None = None
    files: tuple[SharedFile, ...] = ()
    rated_by: frozenset[PersonId] = frozenset()

    @property
    def people(self) -> tuple[PersonId, PersonId]:
        return self.learner, self.mentor

    def role_of(self, person: PersonId) -> Role | None:
        if person == self.learner:
            return "learner"
        return "mentor" if person == self.mentor else None

    def other(self, person: PersonId) -> PersonId:
        return self.mentor if person == self.learner else self.learner

    def name_of(self, person: PersonId) -> str:
        return self.learner_name if person == self.learner else self.mentor_name


def member_role(standing: Standing | None, person: PersonId, session_id: SessionId) -> Role:
    """The person's role; who has none is told the same as where there is no such session."""
    role = None if standing is None else standing.role_of(person)
    if role is None:
        raise faults.refusal(
            "no-such-session", f"There is no session {faults.shortened(session_id)} of yours."
        )
    return role


def view(standing: Standing, person: PersonId, connected: Collection[PersonId]) -> SessionView:
    """What a participant is told; `connected` are the people now reachable."""
    return SessionView(
        session_id=standing.session_id,
        state=standing.state,
        you=member_role(standing, person, standing.session_id),
        learner=_participant(standing, "learner", connected),
        mentor=_participant(standing, "mentor", connected),
        mode=standing.mode,
        files=standing.files,
        price_per_quarter=standing.price_per_quarter,
        cap_minutes=standing.cap_minutes,
        diagnosis=standing.diagnosis,
        estimate_minutes=standing.estimate_minutes,
        question=standing.question,
        ended_why=standing.ended_why,
        rated=person in standing.rated_by,
    )


def _participant(standing: Standing, role: Role, connected: Collection[PersonId]) -> Participant:
    person = standing.learner if role == "learner" else standing.mentor
    return Participant(
        person=person,
        name=standing.name_of(person),
        role=role,
        colour=COLOURS[role],
        connected=person in connected,
    )
