"""A database of its own for each test, and one session in it."""

from collections.abc import Iterator

import pytest
from sqlmodel import Session, SQLModel, create_engine

from cm_server.session import lifecycle
from cm_server.session.events import Moment
from cm_wire.ids import AskId, PersonId, SessionId
from cm_wire.money import Money

LEARNER, MENTOR = PersonId("per_learner"), PersonId("per_mentor")
SESSION = SessionId("ses_one")


def moment(ms: int = 0) -> Moment:
    return Moment(1_800_000_000_000 + ms, "boot", ms)


def opening(session_id: SessionId = SESSION) -> lifecycle.Opening:
    return lifecycle.Opening(
        session_id=session_id,
        ask_id=AskId("ask_one"),
        learner=LEARNER,
        learner_name="Lea",
        mentor=MENTOR,
        mentor_name="Mo",
        price_per_quarter=Money(1000, "USD"),
        cap_minutes=30,
        question="Why is it None?",
        mode="live",
    )


@pytest.fixture
def db() -> Iterator[Session]:
    engine = create_engine("sqlite://")
    SQLModel.metadata.create_all(engine)
    with Session(engine) as session:
        yield session
    engine.dispose()
