"""Tables of the matching stage. Times are UTC milliseconds since 1970.

Two indexes carry the promise that nobody is booked twice: a mentor has one open offer at most, and a person is engaged
in one session at most. They hold whichever process writes.
"""

from sqlalchemy import BigInteger, text
from sqlmodel import Field, Index, SQLModel


class PresenceRow(SQLModel, table=True):
    """Whether a mentor is on the list. `lost` marks one whose connection broke: who comes back soon is put on again."""

    __tablename__ = "presence"

    person: str = Field(primary_key=True)
    online: bool = Field(index=True)
    lost: bool = False
    missed_in_row: int = 0
    changed_at_ms: int = Field(sa_type=BigInteger)


class OfferRow(SQLModel, table=True):
    """One ask shown to one mentor, at the price they had then. `answer_by_ms` has the grace in it; the mentor is told less."""

    __tablename__ = "offer"
    __table_args__ = (
        Index(
            "offer_open_by_mentor",
            "mentor",
            unique=True,
            sqlite_where=text("state = 'open'"),
            postgresql_where=text("state = 'open'"),
        ),
        Index("offer_by_ask", "ask", "attempt"),
    )

    id: str = Field(primary_key=True)
    ask: str
    attempt: int
    wave: int
    mentor: str
    learner: str
    price_minor_per_quarter: int
    currency: str = Field(max_length=3)
    state: str
    why: str = ""
    made_at_ms: int = Field(sa_type=BigInteger)
    answer_by_ms: int = Field(sa_type=BigInteger)
    ended_at_ms: int | None = Field(default=None, sa_type=BigInteger)


class EngagementRow(SQLModel, table=True):
    """Who is taken, and by which session. The primary key is the lock."""

    __tablename__ = "engagement"

    person: str = Field(primary_key=True)
    session_id: str = Field(index=True)
    since_ms: int = Field(sa_type=BigInteger)


class TrackRecordRow(SQLModel, table=True):
    """What was measured of a mentor. `answer_ms_recent` is the last answers' times, newest last, joined by spaces."""

    __tablename__ = "track_record"

    person: str = Field(primary_key=True)
    offers: int = 0
    offers_answered: int = 0
    answer_ms_recent: str = ""
    sessions: int = 0
    sessions_judged: int = 0
    sessions_solved: int = 0
    stars: int = 0
    ratings: int = 0


class SolvedRow(SQLModel, table=True):
    """How often a mentor's session with this complaint in its ask was called solved by the learner."""

    __tablename__ = "solved_complaint"

    person: str = Field(primary_key=True)
    complaint: str = Field(primary_key=True)
    times: int = 0
