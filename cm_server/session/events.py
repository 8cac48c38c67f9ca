"""A session's event log: numbered facts, each sealed with the hash of all before it.

Owns: numbers, times, the hash chain, its verification. Does not own what a fact means: this stage and the meter write
their own kinds of JSON. Sealing shows a change made behind the server's back; it does not hide or prevent one. A guess
that would be wrong: `at_ms` is not for billing. It is the wall's time for people; `monotonic_ms` within `boot_id` is.
"""

import hashlib
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row, Table, insert, select
from sqlmodel import Session

from cm_server.clock import Clock
from cm_server.session.model import EventRow
from cm_wire.ids import PersonId, SessionId

KIND_PATTERN: Final = re.compile(r"[a-z][a-z0-9-]{0,39}")
PAYLOAD_CHARACTERS_MAX: Final = 16_384
_EVENTS: Final[Table] = EventRow.__table__  # type: ignore[attr-defined]
SERVER: Final = PersonId("")
"""The author of facts that no person caused."""


@dataclass(frozen=True, slots=True)
class Moment:
    """One reading of both clocks: the wall's UTC milliseconds since 1970, and the monotonic ones of this boot."""

    at_ms: int
    boot_id: str
    monotonic_ms: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """A fact of the log as it was sealed; `payload` is a JSON object."""

    session_id: SessionId
    number: int
    kind: str
    payload: str
    by: PersonId
    moment: Moment
    hash: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The first fact at which the chain does not hold, and what is wrong with it."""

    number: int
    problem: str


def moment(clock: Clock) -> Moment:
    return Moment(int(clock.now().timestamp() * 1000), clock.boot_id, clock.monotonic_ms())


def utc_text(at: Moment) -> str:
    """The wall's time in RFC 3339, for people and the wire."""
    return datetime.fromtimestamp(at.at_ms / 1000, UTC).isoformat(timespec="milliseconds")


def append(
    session: Session,
    session_id: SessionId,
    kind: str,
    payload: bytes,
    *,
    at: Moment,
    by: PersonId = SERVER,
) -> Recorded:
    """Write a fact behind the last one. `payload` is one JSON object in UTF-8; the caller's transaction decides."""
    if not KIND_PATTERN.fullmatch(kind):
        raise ValueError(f"{kind!r} cannot name a kind of event")
    text = payload.decode()
    if len(text) > PAYLOAD_CHARACTERS_MAX or not isinstance(json.loads(text), dict):
        raise ValueError(f"the payload of {kind!r} is no JSON object of a size for the log")
    connection = session.connection()
    last = connection.execute(
        select(_EVENTS.c.number, _EVENTS.c.hash)
        .where(_EVENTS.c.session_id == session_id)
        .order_by(_EVENTS.c.number.desc())
        .limit(1)
    ).first()
    number, previous = (1, "") if last is None else (last.number + 1, last.hash)
    seal = _seal(previous, Recorded(session_id, number, kind, text, by, at, ""))
    recorded = Recorded(session_id, number, kind, text, by, at, seal)
    connection.execute(insert(_EVENTS), _row(recorded))
    return recorded


def read(session: Session, session_id: SessionId, *, after: int = 0) -> list[Recorded]:
    """The facts with a number above `after`, in order."""
    rows = session.connection().execute(
        select(_EVENTS)
        .where(_EVENTS.c.session_id == session_id, _EVENTS.c.number > after)
        .order_by(_EVENTS.c.number)
    )
    return [_recorded(row) for row in rows]


def read_all(session: Session, session_ids: Sequence[SessionId]) -> dict[SessionId, list[Recorded]]:
    """The whole logs of some sessions."""
    logs: dict[SessionId, list[Recorded]] = {session_id: [] for session_id in session_ids}
    rows = session.connection().execute(
        select(_EVENTS)
        .where(_EVENTS.c.session_id.in_(session_ids))
        .order_by(_EVENTS.c.session_id, _EVENTS.c.number)
    )
    for row in rows:
        logs[row.session_id].append(_recorded(row))
    return logs


def broken_at(log: Sequence[Recorded]) -> Broken | None:
    """Where a whole log (from number 1 on) was changed, cut or reordered; `None` when it is as written.

    A log cut at its end verifies: compare the last hash with the one on a receipt.
    """
    previous = ""
    for expected, fact in enumerate(log, start=1):
        if fact.number != expected:
            return Broken(expected, f"number {fact.number} stands where {expected} belongs")
        if fact.session_id != log[0].session_id:
            return Broken(expected, "it belongs to another session")
        if _seal(previous, fact) != fact.hash:
            return Broken(expected, "its seal does not fit its content and what comes before it")
        previous = fact.hash
    return None


def _seal(previous: str, fact: Recorded) -> str:
    """SHA-256 of one JSON array, so that no two different facts are the same bytes."""
    moment_ = fact.moment
    parts = [previous, fact.session_id, fact.number, fact.kind, fact.payload, fact.by]
    parts += [moment_.at_ms, moment_.boot_id, moment_.monotonic_ms]
    return hashlib.sha256(json.dumps(parts, separators=(",", ":")).encode()).hexdigest()


def _row(fact: Recorded) -> dict[str, str | int]:
    return {
        "session_id": fact.session_id,
        "number": fact.number,
        "kind": fact.kind,
        "payload": fact.payload,
        "by": fact.by,
        "at_ms": fact.moment.at_ms,
        "boot_id": fact.moment.boot_id,
        "monotonic_ms": fact.moment.monotonic_ms,
        "hash": fact.hash,
    }


def _recorded(row: Row[Any]) -> Recorded:
    return Recorded(
        session_id=SessionId(row.session_id),
        number=row.number,
        kind=row.kind,
        payload=row.payload,
        by=PersonId(row.by),
        moment=Moment(row.at_ms, row.boot_id, row.monotonic_ms),
        hash=row.hash,
    )
