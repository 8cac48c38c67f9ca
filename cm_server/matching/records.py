"""Mentors' track records: what is measured feeds back into who is asked next. Each works in the caller's transaction."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Any, Final

from sqlalchemy import Row
from sqlmodel import Session

from cm_server.matching import store
from cm_server.matching.candidate import TrackRecord
from cm_wire.ids import PersonId

ANSWERS_KEPT: Final = 25
_NOTHING_YET: Final = TrackRecord()


def offer_ended(session: Session, mentor: PersonId, answered_in_ms: int | None) -> None:
    """`None` when the mentor let it pass. Declining is an answer: who says no at once wastes nobody's time."""
    row = store.record(session, mentor)
    row.offers += 1
    if answered_in_ms is not None:
        row.offers_answered += 1
        kept = [*row.answer_ms_recent.split(), str(answered_in_ms)][-ANSWERS_KEPT:]
        row.answer_ms_recent = " ".join(kept)
    session.add(row)


def session_ended(session: Session, mentor: PersonId) -> None:
    row = store.record(session, mentor)
    row.sessions += 1
    session.add(row)


def session_rated(
    session: Session,
    mentor: PersonId,
    stars: int,
    solved: bool | None,  # noqa: FBT001 - the learner's own answer, of three
    complaints: Iterable[str],
) -> None:
    row = store.record(session, mentor)
    row.stars += stars
    row.ratings += 1
    if solved is not None:
        row.sessions_judged += 1
        row.sessions_solved += solved
    session.add(row)
    for complaint in complaints if solved else ():
        store.count_solved(session, mentor, complaint)


def of(
    session: Session, people: Sequence[PersonId]
) -> dict[PersonId, tuple[TrackRecord, dict[str, int]]]:
    """For each of `people`, the record and how often each complaint was solved."""
    records = {row.person: _record(row) for row in store.records(session, people)}
    solved: defaultdict[str, dict[str, int]] = defaultdict(dict)
    for person, complaint, times in store.solved(session, people):
        solved[person][complaint] = times
    return {person: (records.get(person, _NOTHING_YET), solved[person]) for person in people}


def _record(row: Row[Any]) -> TrackRecord:
    return TrackRecord(
        offers=row.offers,
        offers_answered=row.offers_answered,
        answer_ms_recent=tuple(map(int, row.answer_ms_recent.split())),
        sessions=row.sessions,
        sessions_judged=row.sessions_judged,
        sessions_solved=row.sessions_solved,
        stars=row.stars,
        ratings=row.ratings,
    )
