"""SQL of sessions, their chat and ratings: values in, values out, inside the caller's transaction.

Does not own the event log (`events`) nor texts and edits (`content`).
"""

from collections.abc import Sequence
from typing import cast

from sqlalchemy import func
from sqlmodel import Session, col, select

from cm_server.session import states
from cm_server.session.model import ChatRow, FileRow, RatingRow, SessionRow
from cm_server.session.standing import Standing
from cm_wire import paths
from cm_wire.ids import AskId, FilePath, PersonId, SessionId
from cm_wire.money import Money
from cm_wire.session import Mode, PausedWhy, SessionState, SharedFile


def add(session: Session, standing: Standing) -> None:
    session.add(_row(standing))
    session.flush()


def put(session: Session, standing: Standing) -> None:
    """Write the standing of a session that exists; its files and ratings have writers of their own."""
    session.merge(_row(standing))
    session.flush()


def find(session: Session, session_id: SessionId) -> Standing | None:
    row = session.get(SessionRow, session_id)
    return None if row is None else _standing(session, row)


def open_sessions(session: Session, person: PersonId | None = None) -> list[Standing]:
    """Sessions that have not ended, the oldest first; one person's, or all of them (after a restart)."""
    query = select(SessionRow).where(col(SessionRow.state).in_(states.OPEN))
    if person is not None:
        query = query.where(
            (col(SessionRow.learner) == person) | (col(SessionRow.mentor) == person)
        )
    return [
        _standing(session, row)
        for row in session.exec(query.order_by(col(SessionRow.opened_at_ms), col(SessionRow.id)))
    ]


def add_chat(
    session: Session, session_id: SessionId, author: PersonId, text: str, at_ms: int
) -> int:
    """Keep a line of chat and return its number."""
    said = session.exec(
        select(func.count()).select_from(ChatRow).where(col(ChatRow.session_id) == session_id)
    ).one()
    number = said + 1
    session.add(
        ChatRow(session_id=session_id, number=number, author=author, text=text, at_ms=at_ms)
    )
    session.flush()
    return number


def chat(session: Session, session_id: SessionId) -> Sequence[ChatRow]:
    return session.exec(
        select(ChatRow).where(col(ChatRow.session_id) == session_id).order_by(col(ChatRow.number))
    ).all()


def add_rating(session: Session, rating: RatingRow) -> None:
    session.add(rating)
    session.flush()


def ratings(session: Session, session_id: SessionId) -> Sequence[RatingRow]:
    return session.exec(
        select(RatingRow)
        .where(col(RatingRow.session_id) == session_id)
        .order_by(col(RatingRow.author))
    ).all()


def untold_ratings(session: Session, about: PersonId) -> Sequence[RatingRow]:
    """In closed sessions, the oldest first."""
    return session.exec(
        select(RatingRow)
        .join(SessionRow, col(SessionRow.id) == col(RatingRow.session_id))
        .where(
            col(RatingRow.about) == about,
            col(RatingRow.told).is_(False),
            col(SessionRow.state) == "closed",
        )
        .order_by(col(RatingRow.at_ms))
    ).all()


def _row(standing: Standing) -> SessionRow:
    return SessionRow(
        id=standing.session_id,
        ask_id=standing.ask_id,
        learner=standing.learner,
        learner_name=standing.learner_name,
        mentor=standing.mentor,
        mentor_name=standing.mentor_name,
        price_minor_per_quarter=standing.price_per_quarter.minor,
        currency=standing.price_per_quarter.currency,
        cap_minutes=standing.cap_minutes,
        question=standing.question,
        state=standing.state,
        mode=standing.mode,
        paused_why=standing.paused_why,
        diagnosis=standing.diagnosis,
        estimate_minutes=standing.estimate_minutes,
        ended_why=standing.ended_why,
        opened_at_ms=standing.opened_at_ms,
        ended_at_ms=standing.ended_at_ms,
    )


def _standing(session: Session, row: SessionRow) -> Standing:
    session_id = SessionId(row.id)
    return Standing(
        session_id=session_id,
        ask_id=AskId(row.ask_id),
        learner=PersonId(row.learner),
        learner_name=row.learner_name,
        mentor=PersonId(row.mentor),
        mentor_name=row.mentor_name,
        state=cast("SessionState", row.state),
        mode=cast("Mode", row.mode),
        price_per_quarter=Money(row.price_minor_per_quarter, row.currency),
        cap_minutes=row.cap_minutes,
        question=row.question,
        opened_at_ms=row.opened_at_ms,
        paused_why=cast("PausedWhy", row.paused_why),
        diagnosis=row.diagnosis,
        estimate_minutes=row.estimate_minutes,
        ended_why=row.ended_why,
        ended_at_ms=row.ended_at_ms,
        files=_shared_files(session, session_id),
        rated_by=frozenset(PersonId(rating.author) for rating in ratings(session, session_id)),
    )


def _shared_files(session: Session, session_id: SessionId) -> tuple[SharedFile, ...]:
    """Without their texts, which may be megabytes."""
    rows = session.exec(
        select(FileRow.first_path, FileRow.path, FileRow.language_id)
        .where(col(FileRow.session_id) == session_id, col(FileRow.shared))
        .order_by(col(FileRow.number))
    )
    return tuple(
        SharedFile(
            path=FilePath(path),
            language_id=language_id,
            read_only=paths.is_auto_run(FilePath(path)),
            renamed_to=FilePath(name) if name != path else None,
        )
        for path, name, language_id in rows
    )
