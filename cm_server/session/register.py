"""Looks sessions up for the stages after this one: by id, those still open, those waiting for a rating too long.

Each function works in the caller's transaction and changes nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from sqlalchemy import Table, select
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from cm_server.session import store
from cm_server.session.lifecycle import Rating
from cm_server.session.model import SessionRow
from cm_server.session.standing import Standing
from cm_wire import faults
from cm_wire.ids import AskId, PersonId, SessionId

READ_MAX = 500
_SESSIONS: Final[Table] = SessionRow.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True, slots=True)
class Parties:
    """Who met, and over which ask."""

    session_id: SessionId
    ask_id: AskId
    learner: PersonId
    learner_name: str
    mentor: PersonId
    mentor_name: str


def parties(session: Session, session_ids: Sequence[SessionId]) -> dict[SessionId, Parties]:
    """Those of them that exist."""
    query = select(
        _SESSIONS.c.id,
        _SESSIONS.c.ask_id,
        _SESSIONS.c.learner,
        _SESSIONS.c.learner_name,
        _SESSIONS.c.mentor,
        _SESSIONS.c.mentor_name,
    ).where(_SESSIONS.c.id.in_(session_ids))
    rows = session.connection().execute(query)
    return {SessionId(row.id): Parties(*row) for row in rows}


def find(session: Session, session_id: SessionId) -> Standing:
    standing = store.find(session, session_id)
    if standing is None:
        raise faults.refusal("no-such-session", "There is no such session.")
    return standing


def open_sessions(session: Session, person: PersonId | None = None) -> list[Standing]:
    """Those that have not ended, the oldest first; one person's, or all of them."""
    return store.open_sessions(session, person)


def of_ask(session: Session, ask_id: AskId) -> list[Standing]:
    """All sessions an ask became, the latest first: another each time a mentor accepted and never came."""
    query = select_rows(SessionRow.id).where(SessionRow.ask_id == ask_id)
    rows = session.exec(query.order_by(col(SessionRow.opened_at_ms).desc()))
    return [find(session, SessionId(row)) for row in rows]


def waiting_for_rating(session: Session, person: PersonId) -> Standing | None:
    """The person's last session, if it has ended and is not yet closed."""
    query = (
        select_rows(SessionRow.id)
        .where((col(SessionRow.learner) == person) | (col(SessionRow.mentor) == person))
        .order_by(col(SessionRow.opened_at_ms).desc())
        .limit(1)
    )
    last = session.exec(query).one_or_none()
    standing = store.find(session, SessionId(last)) if last else None
    return standing if standing is not None and standing.state == "ended" else None


def ended_before(session: Session, at_ms: int) -> list[Standing]:
    """Sessions that ended before `at_ms` and are not closed yet; at most `READ_MAX` at a time."""
    query = (
        select_rows(SessionRow.id)
        .where(col(SessionRow.state) == "ended", col(SessionRow.ended_at_ms) < at_ms)
        .order_by(col(SessionRow.ended_at_ms))
        .limit(READ_MAX)
    )
    return [find(session, SessionId(row)) for row in session.exec(query)]


@dataclass(frozen=True, slots=True)
class Revealed:
    """A rating that its subject may see now."""

    session_id: SessionId
    about: PersonId
    author_name: str
    rating: Rating


def has_untold(session: Session, person: PersonId) -> bool:
    return bool(store.untold_ratings(session, person))


def take_revealed(session: Session, person: PersonId) -> list[Revealed]:
    """Ratings about the person in closed sessions that they have not been told; from now on they have been."""
    taken: list[Revealed] = []
    for row in store.untold_ratings(session, person):
        standing = find(session, SessionId(row.session_id))
        name = standing.name_of(PersonId(row.author))
        rating = Rating(row.stars, row.solved, row.comment)
        taken.append(Revealed(standing.session_id, person, name, rating))
        row.told = True
        session.add(row)
    return taken


def rating_about(session: Session, session_id: SessionId, person: PersonId) -> Rating | None:
    """What the other one gave this person, hidden or not: for sums over many sessions, not for showing."""
    for row in store.ratings(session, session_id):
        if row.about == person:
            return Rating(row.stars, row.solved, row.comment)
    return None
