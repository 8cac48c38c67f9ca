"""Tables of the ask stage: the ask as it stands, and every step that brought it there.

Times are UTC milliseconds since 1970: they order and expire, and are never money.
"""

from sqlalchemy import BigInteger, Column, LargeBinary, false
from sqlmodel import Field, Index, SQLModel


class Ask(SQLModel, table=True):
    """`context` and `terms` are the wire's JSON, kept as sent: what a mentor is shown is what the learner saw.

    An ask that is `tell_only` rings nobody; `told` that its learner knows of somebody who fits.
    """

    __tablename__ = "ask"
    __table_args__ = (Index("ask_by_learner", "learner", "posted_at_ms"),)

    id: str = Field(primary_key=True)
    learner: str
    learner_name: str
    state: str = Field(index=True)
    why: str = ""
    context: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    terms: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    wanted_mentor: str | None = None
    attempt: int = 1
    funded: bool = False
    tell_only: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    told: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    posted_at_ms: int = Field(sa_type=BigInteger)
    expires_at_ms: int = Field(sa_type=BigInteger)


class AskEvent(SQLModel, table=True):
    """One transition. `cause` is what happened, in the words of `states.Event`."""

    __tablename__ = "ask_event"

    id: int | None = Field(default=None, primary_key=True)
    ask: str = Field(foreign_key="ask.id", index=True)
    at_ms: int = Field(sa_type=BigInteger)
    cause: str
    before: str
    after: str
    why: str = ""
