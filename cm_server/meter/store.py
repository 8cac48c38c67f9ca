"""All SQL of the meter: facts in the session's log, and marks guarded by their epoch.

Every function works inside the caller's transaction. A write under an epoch that is no longer the newest raises
`Fenced` and thereby takes the whole transaction back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Table, bindparam, select, update
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


class Fenced(Exception):  # noqa: N818 - reads as what happened
    """Another process owns this meter now; whoever gets this must let go of it."""

    def __init__(self, session_id: SessionId, epoch: int) -> None:
        super().__init__(f"epoch {epoch} of meter {session_id} is over")
        self.session_id = session_id


def open_meter(session: Session, session_id: SessionId, terms: MeterOpened, at: Moment) -> None:
    """In the transaction that opens the session, so that no session is without its terms."""
    session.add(MeterMark(session_id=session_id, epoch=0))
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
    """Become the owner: a new epoch, and an open stretch closed where it was last proved. `None`: it has ended.

    The time since then is never billed: nobody can prove it.
    """
    mark = session.exec(
        select_rows(MeterMark).where(col(MeterMark.session_id) == session_id).with_for_update()
    ).one_or_none()
    if mark is None or mark.ended:
        return None
    mark.epoch += 1
    session.flush()
    so_far = minutes.fold(read_facts(session, session_id))
    stopped = None
    if so_far.running is not None:
        stopped = _stopped_by_restart(so_far.running, mark)
        write_facts(session, session_id, mark.epoch, [stopped], at=at)
        so_far = minutes.advanced(so_far, stopped)
    return Taken(so_far, mark.epoch, mark.paused_by, stopped)


def unfinished(session: Session) -> list[SessionId]:
    """The meters somebody must own: after a start, all of them are this process's to take over."""
    rows = session.exec(
        select_rows(MeterMark.session_id)
        .where(col(MeterMark.ended).is_(False))
        .order_by(col(MeterMark.session_id))
    )
    return [SessionId(row) for row in rows]


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
