"""Tables of the session stage. Times are UTC milliseconds since 1970: they order and are shown, and are never money.

`session` is a cache of its own event log, kept in the same transaction. Whatever holds people's text carries a SHA-256
beside it, so that a row the disk changed is noticed instead of served.
"""

from sqlalchemy import BigInteger, CheckConstraint, Column, LargeBinary, Text, false
from sqlmodel import Field, Index, SQLModel


class SessionRow(SQLModel, table=True):
    """`paused_why`, `ended_why`: words of `cm_wire.session` and of `states`; empty when they do not apply."""

    __tablename__ = "session"
    __table_args__ = (
        Index("session_by_learner", "learner", "opened_at_ms"),
        Index("session_by_mentor", "mentor", "opened_at_ms"),
        CheckConstraint("learner <> mentor", name="two_people"),
        CheckConstraint("cap_minutes > 0", name="cap_positive"),
    )

    id: str = Field(primary_key=True, max_length=31)
    ask_id: str = Field(index=True)
    learner: str
    learner_name: str
    mentor: str
    mentor_name: str
    price_minor_per_quarter: int
    currency: str = Field(max_length=3)
    cap_minutes: int
    question: str = Field(sa_type=Text)
    state: str = Field(index=True)
    mode: str
    paused_why: str = ""
    diagnosis: str = ""
    estimate_minutes: int | None = None
    ended_why: str = ""
    opened_at_ms: int = Field(sa_type=BigInteger)
    ended_at_ms: int | None = Field(default=None, sa_type=BigInteger)


class EventRow(SQLModel, table=True):
    """One fact of a session's log. `hash` covers the row and the hash before it; `by` is a person or empty: the server."""

    __tablename__ = "session_event"

    session_id: str = Field(primary_key=True, foreign_key="session.id")
    number: int = Field(primary_key=True)
    kind: str = Field(max_length=40)
    payload: str = Field(sa_type=Text)
    by: str
    at_ms: int = Field(sa_type=BigInteger)
    boot_id: str
    monotonic_ms: int = Field(sa_type=BigInteger)
    hash: str = Field(max_length=64)


class FileRow(SQLModel, table=True):
    """A file from its sharing to its unsharing. `first_text` is what the learner shared, `last_text` how it was left.

    A file shared again is a new row. `last_text` is empty (NULL) while it lives in the document alone.
    """

    __tablename__ = "session_file"

    session_id: str = Field(primary_key=True, foreign_key="session.id")
    number: int = Field(primary_key=True)
    path: str
    first_path: str
    language_id: str
    shared: bool = True
    first_text: str = Field(sa_type=Text)
    first_sha256: str = Field(max_length=64)
    last_text: str | None = Field(default=None, sa_type=Text)
    last_sha256: str | None = Field(default=None, max_length=64)


class UpdateRow(SQLModel, table=True):
    """One Yjs update of the document, in the order it was applied."""

    __tablename__ = "session_update"
    __table_args__ = ({"sqlite_with_rowid": False},)

    session_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class SnapshotRow(SQLModel, table=True):
    """The whole document as it was after update `number`."""

    __tablename__ = "session_snapshot"

    session_id: str = Field(primary_key=True)
    number: int = Field(primary_key=True, sa_type=BigInteger)
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    sha256: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


class YjsClientRow(SQLModel, table=True):
    """Whose a Yjs client id is, for good: an id is never given to two people, nor to two connections at once."""

    __tablename__ = "session_client"

    session_id: str = Field(primary_key=True)
    client_id: int = Field(primary_key=True, sa_type=BigInteger)
    person: str


class ChatRow(SQLModel, table=True):
    """`number` counts from 1 in each session."""

    __tablename__ = "session_chat"

    session_id: str = Field(primary_key=True, foreign_key="session.id")
    number: int = Field(primary_key=True)
    author: str
    text: str = Field(sa_type=Text)
    at_ms: int = Field(sa_type=BigInteger)


class RatingRow(SQLModel, table=True):
    """One person's rating of the other; who may see it when is `lifecycle`'s to say. `told` that its subject has it."""

    __tablename__ = "session_rating"
    __table_args__ = (CheckConstraint("stars BETWEEN 1 AND 5", name="stars_range"),)

    session_id: str = Field(primary_key=True, foreign_key="session.id")
    author: str = Field(primary_key=True)
    about: str = Field(index=True)
    stars: int
    solved: bool | None = None
    told: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    comment: str = Field(sa_type=Text)
    at_ms: int = Field(sa_type=BigInteger)
