"""Reads mentors from the tables as the ranking sees them, one who comes or thousands at once.

The tables are the truth of which the roster is a copy. Works in the caller's transaction. Does not own who is on the list
(`presence`): nobody is when a server starts, and each is read when they are back.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from sqlmodel import Session

from cm_server.matching import candidate, records
from cm_server.matching.candidate import Candidate
from cm_server.people import store as people
from cm_wire.ids import PersonId

READ_AT_ONCE: Final = 500
_YEAR_MS: Final = 31_557_600_000


def of(session: Session, mentors: Sequence[PersonId], now_ms: int) -> Iterator[Candidate]:
    """Those of `mentors` who have a profile, on the list or not; a few hundred for each query."""
    for first in range(0, len(mentors), READ_AT_ONCE):
        some = mentors[first : first + READ_AT_ONCE]
        measured = records.of(session, some)
        for mentor in people.mentors(session, some):
            record, solved = measured[mentor.person.id]
            joined_ms = int(mentor.person.joined_at.timestamp() * 1000)
            years_here = max(0, now_ms - joined_ms) // _YEAR_MS
            yield candidate.candidate(mentor, record, solved, years_here)
