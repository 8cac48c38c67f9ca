"""All SQL of the matching stage. Each function works in the caller's transaction."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from sqlalchemy import Row, Table, union_all
from sqlalchemy import select as select_columns
from sqlalchemy.exc import IntegrityError
from sqlmodel import Session, col, delete, select, update

from cm_server.matching.model import (
    EngagementRow,
    OfferRow,
    PresenceRow,
    SolvedRow,
    TrackRecordRow,
)

_RECORDS: Final[Table] = TrackRecordRow.__table__  # type: ignore[attr-defined]
_SOLVED: Final[Table] = SolvedRow.__table__  # type: ignore[attr-defined]


def presence(session: Session, person: str) -> PresenceRow | None:
    return session.get(PresenceRow, person)


def put_presence(session: Session, row: PresenceRow) -> None:
    session.merge(row)


def all_lost(session: Session, now_ms: int) -> int:
    """Take everybody off the list as if their connections had broken, which at a start they have."""
    statement = (
        update(PresenceRow)
        .where(col(PresenceRow.online))
        .values(online=False, lost=True, changed_at_ms=now_ms)
    )
    return session.exec(statement).rowcount


def add_offer(session: Session, offer: OfferRow) -> bool:
    """False when the mentor has an open offer already: somebody else rang first."""
    try:
        with session.begin_nested():
            session.add(offer)
    except IntegrityError:
        return False
    return True


def offer(session: Session, offer_id: str) -> OfferRow | None:
    return session.get(OfferRow, offer_id)


def end_offer(session: Session, offer_id: str, state: str, now_ms: int, why: str) -> bool:
    """Whether the offer was still open; of two who end it at once, one does."""
    statement = (
        update(OfferRow)
        .where(col(OfferRow.id) == offer_id, col(OfferRow.state) == "open")
        .values(state=state, ended_at_ms=now_ms, why=why)
        .execution_options(synchronize_session="fetch")
    )
    return session.exec(statement).rowcount == 1


def open_offers_of_ask(session: Session, ask: str) -> list[OfferRow]:
    statement = select(OfferRow).where(OfferRow.ask == ask, OfferRow.state == "open")
    return list(session.exec(statement))


def offers_of_ask(session: Session, ask: str) -> list[OfferRow]:
    statement = select(OfferRow).where(OfferRow.ask == ask).order_by(col(OfferRow.made_at_ms))
    return list(session.exec(statement))


def open_offer_of_mentor(session: Session, mentor: str) -> OfferRow | None:
    statement = select(OfferRow).where(OfferRow.mentor == mentor, OfferRow.state == "open")
    return session.exec(statement).one_or_none()


def overdue_offers(session: Session, now_ms: int) -> list[OfferRow]:
    statement = select(OfferRow).where(
        OfferRow.state == "open", col(OfferRow.answer_by_ms) < now_ms
    )
    return list(session.exec(statement))


def engage(session: Session, person: str, session_id: str, now_ms: int) -> bool:
    """Whether the person was free; the primary key decides between two acceptances."""
    try:
        with session.begin_nested():
            session.add(EngagementRow(person=person, session_id=session_id, since_ms=now_ms))
    except IntegrityError:
        return False
    return True


def engagement(session: Session, person: str) -> EngagementRow | None:
    return session.get(EngagementRow, person)


def release(session: Session, session_id: str) -> list[str]:
    """Free both people of a session."""
    ours = col(EngagementRow.session_id) == session_id
    people = list(session.exec(select(EngagementRow.person).where(ours)))
    session.exec(delete(EngagementRow).where(ours))
    return people


def taken(session: Session, people: Collection[str]) -> set[str]:
    """Those of `people` who hold an open offer or are in a session; one statement, for each is a way to the database."""
    offered = select(OfferRow.mentor).where(
        OfferRow.state == "open", col(OfferRow.mentor).in_(people)
    )
    engaged = select(EngagementRow.person).where(col(EngagementRow.person).in_(people))
    return set(session.execute(union_all(offered, engaged)).scalars())


def all_taken(session: Session) -> set[str]:
    offered = select(OfferRow.mentor).where(OfferRow.state == "open")
    return set(session.execute(union_all(offered, select(EngagementRow.person))).scalars())


def record(session: Session, person: str) -> TrackRecordRow:
    """The mentor's row, made when there is none."""
    found = session.get(TrackRecordRow, person)
    if found is None:
        found = TrackRecordRow(person=person)
        session.add(found)
    return found


def records(session: Session, people: Collection[str]) -> Sequence[Row[Any]]:
    """Those there are, as rows of columns: an object of a row costs ten times the row."""
    return session.execute(select_columns(_RECORDS).where(_RECORDS.c.person.in_(people))).all()


def solved(session: Session, people: Collection[str]) -> Sequence[Row[str, str, int]]:
    """Person, complaint, times."""
    return session.execute(select_columns(_SOLVED).where(_SOLVED.c.person.in_(people))).all()


def count_solved(session: Session, person: str, complaint: str) -> None:
    row = session.get(SolvedRow, (person, complaint))
    if row is None:
        row = SolvedRow(person=person, complaint=complaint)
    row.times += 1
    session.add(row)
