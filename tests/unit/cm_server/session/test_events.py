"""The hash chain finds what was changed behind the server's back."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from cm_server.session import events, lifecycle
from cm_server.session.events import Moment, Recorded
from cm_wire.ids import PersonId
from tests.unit.cm_server.session.conftest import LEARNER, SESSION, moment, opening


def chain(db: Session, facts: int = 4) -> list[Recorded]:
    lifecycle.open_session(db, opening(), moment())
    for number in range(facts - 1):
        events.append(db, SESSION, "noted", b'{"n":%d}' % number, at=moment(number), by=LEARNER)
    return events.read(db, SESSION)


def test_a_log_as_written_holds(db: Session) -> None:
    log = chain(db)
    assert [fact.number for fact in log] == [1, 2, 3, 4]
    assert events.broken_at(log) is None
    assert events.broken_at([]) is None
    assert events.read(db, SESSION, after=3) == log[3:]


CHANGES: dict[str, Any] = {
    "kind": "forged",
    "payload": '{"n":9}',
    "by": PersonId("per_other"),
    "moment": Moment(1, "boot", 2),
    "hash": "0" * 64,
}


@pytest.mark.parametrize("member", CHANGES)
@pytest.mark.parametrize("index", range(4))
def test_any_change_is_found_where_it_was_made(db: Session, member: str, index: int) -> None:
    log = chain(db)
    log[index] = replace(log[index], **{member: CHANGES[member]})
    broken = events.broken_at(log)
    assert broken is not None
    assert broken.number == index + 1


def test_removed_repeated_and_swapped_facts_are_found(db: Session) -> None:
    log = chain(db)
    assert events.broken_at(log[1:]) is not None
    assert events.broken_at([log[0], *log[2:]]) is not None
    assert events.broken_at([log[0], log[0], *log[1:]]) is not None
    assert events.broken_at([log[0], log[2], log[1], log[3]]) is not None


@given(st.text(max_size=8), st.text(max_size=8), st.text(max_size=8), st.text(max_size=8))
def test_fields_cannot_borrow_from_their_neighbours(a: str, b: str, c: str, d: str) -> None:
    def sealed(kind: str, payload: str) -> str:
        fact = Recorded(SESSION, 1, kind, payload, LEARNER, moment(), "")
        return events._seal("", fact)

    assert (sealed(a, b) == sealed(c, d)) == ((a, b) == (c, d))


@pytest.mark.parametrize(
    ("kind", "payload"),
    [("", b"{}"), ("Upper", b"{}"), ("a b", b"{}"), ("ok", b"[]"), ("ok", b'{"a":"%s"}' % (b"x" * 17_000))],
)  # fmt: skip
def test_what_is_no_fact_is_not_written(db: Session, kind: str, payload: bytes) -> None:
    chain(db, 1)
    with pytest.raises(ValueError, match=r"kind|payload"):
        events.append(db, SESSION, kind, payload, at=moment())
    assert len(events.read(db, SESSION)) == 1
