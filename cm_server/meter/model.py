"""The meter's one table: who owns a live meter, and how far its open stretch is proved.

Everything that is billed stands in the session's event log. This row only saves the seconds since the last fact from a
crash, and its epoch keeps a process that lost a session from writing about it.
"""

from sqlalchemy import BigInteger
from sqlmodel import Field, SQLModel


class MeterMark(SQLModel, table=True):
    """`proved_ms` is monotonic in `boot_id`; `paused_by` lists the roles whose own pause holds, joined by a space."""

    __tablename__ = "meter_mark"

    session_id: str = Field(primary_key=True, max_length=31)
    epoch: int
    boot_id: str = ""
    proved_ms: int = Field(default=0, sa_type=BigInteger)
    proved_utc_ms: int = Field(default=0, sa_type=BigInteger)
    paused_by: str = ""
    ended: bool = Field(default=False, index=True)
