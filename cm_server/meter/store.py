"""All SQL of the meter: facts in the session's log, and marks guarded by their epoch.

Every function works inside the caller's transaction. A write under an epoch that is no longer the newest raises
`Fenced` and thereby takes the whole transaction back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Table, bindparam, select, text, update
from sqlmodel import Session, col
from sqlmodel import select as select_rows

from cm_server.meter import minutes
from cm_server.meter.facts import (
    KINDS,
    CountingStarted,
    CountingStopped,
    MeterEnded,
    MeterFact,
    MeterOpened,
    from_payload,
    kind_of,
    payload_of,
)
from cm_server.meter.minutes import Minutes
from cm_server.meter.model import MeterMark
from cm_server.session import events
from cm_server.session.events import Moment
from cm_wire.ids import PersonId, SessionId

_MARKS: Table = MeterMark.__table__  # type: ignore[attr-defined]

FORGOTTEN_AFTER_MS: Final = 86_400_000
_DATABASE_NOW: Final = text("SELECT CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)")
_ALIVE_UNTIL: Final = text("SELECT alive_until_ms FROM meter_owner WHERE boot_id = :boot")
_STAY_ALIVE: Final = text(
    "INSERT INTO meter_owner (boot_id, alive_until_ms) VALUES (:boot, :until) "
    "ON CONFLICT (boot_id) DO UPDATE SET alive_until_ms = excluded.alive_until_ms"
)
_FORGET: Final = text("DELETE FROM meter_owner WHERE alive_until_ms < :before")


class Fenced(Exception):  # noqa: N818 - reads as what happened
    """Another process owns this meter now; whoever gets this must let go of it."""

    def __init__(self, session_id: SessionId, epoch: int) -> None:
        super().__init__(f"epoch {epoch} of meter {session_id} is over")
        self.session_id = session_id


def open_meter(session: Session, session_id: SessionId, terms: MeterOpened, at: Moment) -> None:
    """In the transaction that opens the session, so that no session is without its terms."""
    session.add(MeterMark(session_id=session_id, epoch=0, owner=at.boot_id))
    session.flush()
    events.append(session, session_id, kind_of(terms), payload_of(terms), at=at)


def read_facts(session: Session, session_id: SessionId) -> list[MeterFact]:
    return facts_in(events.read(session, session_id))


def facts_in(log: Sequence[events.Recorded]) -> list[MeterFact]:
    return [from_payload(entry.payload) for entry in log if entry.kind in KINDS]


def write_facts(
    session: Session,
    session_id: SessionId,
    epoch: int,
    facts: Sequence[MeterFact],
    *,
    at: Moment,
    by: PersonId = events.SERVER,
) -> None:
    """Append under the fence; a started stretch is proved up to its own start, an ended meter is closed for good."""
    values: dict[str, Any] = {"epoch": epoch}
    for fact in facts:
        if isinstance(fact, CountingStarted):
            values |= {
                "boot_id": fact.boot,
                "proved_ms": fact.from_ms,
                "proved_utc_ms": fact.from_utc_ms,
            }
        if isinstance(fact, MeterEnded):
            values |= {"ended": True}
    _update_mark(session, session_id, epoch, values)
    for fact in facts:
        events.append(session, session_id, kind_of(fact), payload_of(fact), at=at, by=by)


def write_pauses(session: Session, session_id: SessionId, epoch: int, paused_by: str) -> None:
    _update_mark(session, session_id, epoch, {"paused_by": paused_by})


@dataclass(frozen=True, slots=True)
class Taken:
    """`stopped` is the fact that closed a stretch left open; `paused_by` as in the mark."""

    minutes: Minutes
    epoch: int
    paused_by: str
    stopped: CountingStopped | None


def take_over(session: Session, session_id: SessionId, at: Moment) -> Taken | None:
    """Become the owner: a new epoch, and an open stretch closed where it was last proved.

    The time since then is never billed: nobody can prove it. `None`: it has ended, or its owner is another process that is
    alive. Should one be taken from the living all the same, since clocks err, the epoch keeps both from metering.
    """
    mark = session.exec(
        select_rows(MeterMark).where(col(MeterMark.session_id) == session_id).with_for_update()
    ).one_or_none()
    if mark is None or mark.ended or _is_alive(session, mark.owner, at):
        return None
    mark.epoch += 1
    mark.owner = at.boot_id
    session.flush()
    so_far = minutes.fold(read_facts(session, session_id))
    stopped = None
    if so_far.running is not None:
        stopped = _stopped_by_restart(so_far.running, mark)
        write_facts(session, session_id, mark.epoch, [stopped], at=at)
        so_far = minutes.advanced(so_far, stopped)
    return Taken(so_far, mark.epoch, mark.paused_by, stopped)


def stay_alive(session: Session, at: Moment, lease_ms: int) -> None:
    """What this process owns stays its own for `lease_ms` more; those who died long ago are forgotten."""
    connection = session.connection()
    now_ms = _now_ms(connection, at)
    alive = {"boot": at.boot_id, "until": now_ms + lease_ms}
    connection.execute(_STAY_ALIVE, alive)
    connection.execute(_FORGET, {"before": now_ms - FORGOTTEN_AFTER_MS})


def unfinished(session: Session, *, not_of: str = "") -> list[SessionId]:
    """The meters somebody must own, but those of the process `not_of`; whether an owner is alive, `take_over` asks."""
    rows = select_rows(MeterMark.session_id).where(col(MeterMark.ended).is_(False))
    if not_of:
        rows = rows.where(MeterMark.owner != not_of)
    return [SessionId(row) for row in session.exec(rows.order_by(col(MeterMark.session_id)))]


def checkpoint(connection: Connection, proofs: Sequence[dict[str, Any]]) -> set[SessionId]:
    """Keep how far each open stretch is proved, all in one statement; returns the meters that are no longer ours.

    A proof has the keys `session`, `held_epoch`, `boot`, `proved`, `proved_utc`.
    """
    statement = (
        update(_MARKS)
        .where(
            _MARKS.c.session_id == bindparam("session"), _MARKS.c.epoch == bindparam("held_epoch")
        )
        .values(
            boot_id=bindparam("boot"),
            proved_ms=bindparam("proved"),
            proved_utc_ms=bindparam("proved_utc"),
        )
    )
    if connection.execute(statement, list(proofs)).rowcount == len(proofs):
        return set()
    return _not_ours(connection, proofs)


def _is_alive(session: Session, owner: str, at: Moment) -> bool:
    connection = session.connection()
    if owner in ("", at.boot_id) or connection.dialect.name == "sqlite":
        return False  # a data folder is used by one process, so whoever else owned it is gone
    until_ms = connection.execute(_ALIVE_UNTIL, {"boot": owner}).scalar()
    return until_ms is not None and until_ms > _now_ms(connection, at)


def _now_ms(connection: Connection, at: Moment) -> int:
    """By the database's clock where processes of several machines compare it."""
    if connection.dialect.name == "sqlite":
        return at.at_ms
    return int(connection.execute(_DATABASE_NOW).scalar_one())


def _not_ours(connection: Connection, proofs: Sequence[dict[str, Any]]) -> set[SessionId]:
    rows = connection.execute(
        select(_MARKS.c.session_id, _MARKS.c.epoch).where(_MARKS.c.ended.is_(False))
    ).all()
    epochs = {row.session_id: row.epoch for row in rows}
    return {
        SessionId(proof["session"])
        for proof in proofs
        if epochs.get(proof["session"]) != proof["held_epoch"]
    }


def _update_mark(
    session: Session, session_id: SessionId, epoch: int, values: dict[str, Any]
) -> None:
    statement = (
        update(_MARKS)
        .where(
            _MARKS.c.session_id == session_id, _MARKS.c.epoch == epoch, _MARKS.c.ended.is_(False)
        )
        .values(**values)
    )
    if session.connection().execute(statement).rowcount != 1:
        raise Fenced(session_id, epoch)


def _stopped_by_restart(running: CountingStarted, mark: MeterMark) -> CountingStopped:
    proved_here = mark.boot_id == running.boot and mark.proved_ms >= running.from_ms
    return CountingStopped(
        boot=running.boot,
        epoch=mark.epoch,
        until_ms=mark.proved_ms if proved_here else running.from_ms,
        until_utc_ms=mark.proved_utc_ms if proved_here else running.from_utc_ms,
        why="server-restarted",
    )
