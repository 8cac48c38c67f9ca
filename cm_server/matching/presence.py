"""Who is on the list. Each function works in the caller's transaction.

A guess that would be wrong: a broken connection does not make a mentor go offline for good. They are off the list within
seconds, and on it again when they are back soon, unless they said so themselves or stopped answering.
"""

from typing import Final

from sqlmodel import Session

from cm_server.matching import store
from cm_server.matching.model import PresenceRow
from cm_wire.ids import PersonId

BACK_WITHIN_MS: Final = 10 * 60_000


def go_online(session: Session, person: PersonId, now_ms: int) -> None:
    _put(session, person, now_ms, online=True)


def go_offline(session: Session, person: PersonId, now_ms: int) -> None:
    _put(session, person, now_ms, online=False)


def lose(session: Session, person: PersonId, now_ms: int) -> bool:
    """The last connection of a mentor is gone; says whether they were on the list."""
    row = store.presence(session, person)
    if row is None or not row.online:
        return False
    row.online, row.lost, row.changed_at_ms = False, True, now_ms
    session.add(row)
    return True


def come_back(session: Session, person: PersonId, now_ms: int) -> bool:
    """A mentor connected; says whether that puts them on the list again."""
    row = store.presence(session, person)
    if row is None or not row.lost or now_ms - row.changed_at_ms > BACK_WITHIN_MS:
        return False
    row.online, row.lost, row.changed_at_ms = True, False, now_ms
    session.add(row)
    return True


def is_online(session: Session, person: PersonId) -> bool:
    row = store.presence(session, person)
    return row is not None and row.online


def answered(session: Session, person: PersonId) -> None:
    row = store.presence(session, person)
    if row is not None:
        row.missed_in_row = 0
        session.add(row)


def missed(session: Session, person: PersonId, now_ms: int, missed_in_row_max: int) -> bool:
    """The mentor let an offer pass; says whether that took them off the list."""
    row = store.presence(session, person)
    if row is None:
        return False
    row.missed_in_row += 1
    off = row.online and row.missed_in_row >= missed_in_row_max
    if off:
        row.online, row.missed_in_row, row.changed_at_ms = False, 0, now_ms
    session.add(row)
    return off


def server_started(session: Session, now_ms: int) -> int:
    """After a restart nobody is connected; says how many may come back to the list."""
    return store.all_lost(session, now_ms)


def _put(session: Session, person: PersonId, now_ms: int, *, online: bool) -> None:
    row = PresenceRow(person=person, online=online, changed_at_ms=now_ms)
    store.put_presence(session, row)
