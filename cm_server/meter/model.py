"""The meter's tables: who owns a live meter, how far its open stretch is proved, and which owners are alive.

Everything that is billed stands in the session's event log. This row only saves the seconds since the last fact from a
crash, and its epoch keeps a process that lost a session from writing about it.
"""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class MeterMark(SQLModel, table=True):
    """`owner` is the boot of the process that took it last. `proved_ms` is monotonic in `boot_id`; `paused_by` lists the roles whose own pause holds, joined by a space."""

    __tablename__ = "meter_mark"

    session_id: str = Field(primary_key=True, max_length=31)
    epoch: int
    owner: str = Field(default="", max_length=32)
    boot_id: str = ""
    proved_ms: int = Field(default=0, sa_type=BigInteger)
    proved_utc_ms: int = Field(default=0, sa_type=BigInteger)
    paused_by: str = ""
    ended: bool = Field(default=False, index=True)


class MeterOwner(SQLModel, table=True):
    """A process that owns meters, and until when it is taken to be alive; one row for all of them, so renewing is cheap."""

    __tablename__ = "meter_owner"

    boot_id: str = Field(primary_key=True, max_length=32)
    alive_until_ms: int = Field(sa_type=BigInteger)
