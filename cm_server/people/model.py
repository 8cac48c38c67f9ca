"""Tables of people. A token's row holds only its hash: whoever reads the database cannot sign in with it."""

from datetime import datetime

from sqlalchemy import CheckConstraint
from sqlmodel import Field, SQLModel

from cm_server.db import UtcDateTime


class PersonRow(SQLModel, table=True):
    __tablename__ = "person"

    id: str = Field(primary_key=True, max_length=31)
    email: str = Field(unique=True, max_length=254)
    name: str = Field(max_length=160)
    joined_at: datetime = Field(sa_type=UtcDateTime)


class MentorRow(SQLModel, table=True):
    """`spoken_languages` are tags joined by a space; they are only ever read whole."""

    __tablename__ = "mentor"
    __table_args__ = (CheckConstraint("price_minor_per_quarter >= 0", name="price_not_negative"),)

    person_id: str = Field(primary_key=True, foreign_key="person.id")
    price_minor_per_quarter: int
    currency: str = Field(max_length=3)
    spoken_languages: str
    years: int
    headline: str = Field(max_length=160)
    hours: str = Field(default="", max_length=200, sa_column_kwargs={"server_default": ""})
    time_zone: str = Field(default="UTC", max_length=64, sa_column_kwargs={"server_default": "UTC"})
    vetting: str = Field(
        default="not-vetted", max_length=20, sa_column_kwargs={"server_default": "not-vetted"}
    )


class MentorSkillRow(SQLModel, table=True):
    __tablename__ = "mentor_skill"
    __table_args__ = (CheckConstraint("level BETWEEN 1 AND 5", name="level_range"),)

    person_id: str = Field(primary_key=True, foreign_key="mentor.person_id")
    name: str = Field(primary_key=True, max_length=40, index=True)
    level: int
    years: int = Field(default=0, sa_column_kwargs={"server_default": "0"})


class TokenRow(SQLModel, table=True):
    """`single_use` ones are deleted by the sign-in that takes them."""

    __tablename__ = "token"

    digest: str = Field(primary_key=True, max_length=64)
    person_id: str = Field(foreign_key="person.id", index=True)
    made_at: datetime = Field(sa_type=UtcDateTime)
    expires_at: datetime = Field(sa_type=UtcDateTime)
    single_use: bool
