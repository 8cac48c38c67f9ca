"""All SQL of the ask stage. Each function works in the caller's transaction."""

from collections.abc import Collection, Mapping

from sqlmodel import Session, col, select, update

from cm_server.ask.model import Ask, AskEvent


def add(session: Session, ask: Ask) -> None:
    session.add(ask)
    session.flush()


def get(session: Session, ask_id: str) -> Ask | None:
    return session.get(Ask, ask_id)


def change(session: Session, ask: Ask, after: Mapping[str, object]) -> bool:
    """Whether the ask was still in the state it was read in; if not, nothing changed."""
    statement = (
        update(Ask)
        .where(col(Ask.id) == ask.id, col(Ask.state) == ask.state)
        .values(**after)
        .execution_options(synchronize_session=False)
    )
    return session.exec(statement).rowcount == 1


def append_event(session: Session, event: AskEvent) -> None:
    session.add(event)


def posted_since(session: Session, learner: str, since_ms: int) -> list[int]:
    statement = select(Ask.posted_at_ms).where(
        Ask.learner == learner, col(Ask.posted_at_ms) > since_ms
    )
    return list(session.exec(statement))


def of_learner(session: Session, learner: str, states: Collection[str]) -> list[Ask]:
    statement = select(Ask).where(Ask.learner == learner, col(Ask.state).in_(states))
    return list(session.exec(statement))


def in_states(session: Session, states: Collection[str], at_most: int) -> list[Ask]:
    """The oldest first: who has waited longest is served first."""
    statement = (
        select(Ask)
        .where(col(Ask.state).in_(states))
        .order_by(col(Ask.posted_at_ms), col(Ask.id))
        .limit(at_most)
    )
    return list(session.exec(statement))


def overdue(session: Session, states: Collection[str], now_ms: int) -> list[str]:
    statement = select(Ask.id).where(col(Ask.state).in_(states), col(Ask.expires_at_ms) <= now_ms)
    return list(session.exec(statement))


def events(session: Session, ask_id: str) -> list[AskEvent]:
    return list(
        session.exec(select(AskEvent).where(AskEvent.ask == ask_id).order_by(col(AskEvent.id)))
    )
