"""Who may do what when, and what is written of it."""

import pytest
from sqlmodel import Session

from cm_server.session import events, lifecycle, store
from cm_server.session.standing import view
from cm_wire import faults
from cm_wire.ids import PersonId
from tests.unit.cm_server.session.conftest import LEARNER, MENTOR, SESSION, moment, opening


def refused(code: str) -> "pytest.RaisesExc[faults.Refused]":
    return pytest.raises(faults.Refused, check=lambda refusal: refusal.fault.code == code)


def live(db: Session) -> None:
    lifecycle.open_session(db, opening(), moment())
    lifecycle.diagnose(db, SESSION, MENTOR, "The name is shadowed", 10, moment(1))
    lifecycle.go_live(db, SESSION, LEARNER, moment(2))


def test_a_session_goes_from_free_part_to_settled(db: Session) -> None:
    live(db)
    lifecycle.pause(db, SESSION, "mentor-away", moment(3))
    lifecycle.resume(db, SESSION, moment(4))
    lifecycle.extend_cap(db, SESSION, LEARNER, 15, moment(5))
    lifecycle.end(db, SESSION, "learner-ended", moment(6), by=LEARNER)
    lifecycle.rate(db, SESSION, LEARNER, lifecycle.Rating(5, solved=True), moment(7))
    closed = lifecycle.close(db, SESSION, moment(8))
    assert (closed.state, closed.cap_minutes, closed.ended_why) == ("closed", 45, "learner-ended")
    assert store.find(db, SESSION) == closed
    assert [fact.kind for fact in events.read(db, SESSION)] == [
        "opened", "diagnosed", "went-live", "paused", "resumed", "cap-extended", "ended", "rated", "closed",
    ]  # fmt: skip


def test_meter_needs_a_diagnosis_first(db: Session) -> None:
    lifecycle.open_session(db, opening(), moment())
    with refused("wrong-state"):
        lifecycle.go_live(db, SESSION, LEARNER, moment(1))
    assert [fact.kind for fact in events.read(db, SESSION)] == ["opened"]


def test_only_the_learner_starts_extends_and_changes_the_mode(db: Session) -> None:
    live(db)
    with refused("not-allowed"):
        lifecycle.set_mode(db, SESSION, MENTOR, "live", moment(3))
    with refused("not-allowed"):
        lifecycle.extend_cap(db, SESSION, MENTOR, 5, moment(3))
    with refused("not-allowed"):
        lifecycle.go_live(db, SESSION, MENTOR, moment(3))
    with refused("not-allowed"):
        lifecycle.diagnose(db, SESSION, LEARNER, "mine", 5, moment(3))


def test_stranger_and_missing_session_look_the_same(db: Session) -> None:
    live(db)
    with refused("no-such-session") as stranger:
        lifecycle.pause(db, SESSION, "learner-paused", moment(3), by=PersonId("per_other"))
    db.rollback()
    with refused("no-such-session") as missing:
        lifecycle.pause(db, SESSION, "learner-paused", moment(3), by=PersonId("per_other"))
    assert stranger.value.fault == missing.value.fault


@pytest.mark.parametrize("minutes", [0, -1, 211, 10**9])
def test_cap_stays_within_its_limit(db: Session, minutes: int) -> None:
    live(db)
    with refused("bad-value"):
        lifecycle.extend_cap(db, SESSION, LEARNER, minutes, moment(3))


@pytest.mark.parametrize(
    ("text", "code"),
    [("  \n ", "bad-value"), ("x" * 2_001, "too-large"), ("a\n" * 20 + "b", "too-large")],
)
def test_chat_has_bounds(db: Session, text: str, code: str) -> None:
    live(db)
    with refused(code):
        lifecycle.say(db, SESSION, LEARNER, text, moment(3))


def test_chat_is_numbered_and_kept_out_of_the_log(db: Session) -> None:
    live(db)
    first = lifecycle.say(db, SESSION, LEARNER, " hello ", moment(3))
    second = lifecycle.say(db, SESSION, MENTOR, "hi", moment(4))
    assert (first.number, first.text, second.number) == (1, "hello", 2)
    assert first.at == "2027-01-15T08:00:00.003+00:00"
    assert len(events.read(db, SESSION)) == 3


def test_each_rates_once_and_only_after_the_end(db: Session) -> None:
    live(db)
    with refused("wrong-state"):
        lifecycle.rate(db, SESSION, LEARNER, lifecycle.Rating(5), moment(3))
    lifecycle.end(db, SESSION, "mentor-ended", moment(4), by=MENTOR)
    lifecycle.rate(db, SESSION, MENTOR, lifecycle.Rating(4), moment(5))
    with refused("wrong-state"):
        lifecycle.rate(db, SESSION, MENTOR, lifecycle.Rating(1), moment(6))
    with refused("bad-value"):
        lifecycle.rate(db, SESSION, LEARNER, lifecycle.Rating(6), moment(6))
    assert [rating.stars for rating in store.ratings(db, SESSION)] == [4]


def test_restart_pauses_what_was_running_and_only_that(db: Session) -> None:
    live(db)
    assert [s.paused_why for s in lifecycle.pause_after_restart(db, moment(9))] == [
        "server-restarted"
    ]
    assert lifecycle.pause_after_restart(db, moment(10)) == []


def test_each_sees_themselves_and_who_is_connected(db: Session) -> None:
    standing = lifecycle.open_session(db, opening(), moment())
    seen = view(standing, MENTOR, {LEARNER})
    assert (seen.you, seen.learner.connected, seen.mentor.connected) == ("mentor", True, False)
    assert seen.learner.colour != seen.mentor.colour
