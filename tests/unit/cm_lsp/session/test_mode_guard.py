"""When a change of somebody else's goes against the mode the learner chose."""

import msgspec
import pytest

from cm_lsp.session.mode_guard import GRACE_SECONDS, SAID_EVERY_SECONDS, ModeGuard
from cm_wire.ids import PersonId, SessionId
from cm_wire.money import Money
from cm_wire.session import Mode, Participant, SessionView

VIEW = SessionView(
    session_id=SessionId("ses_1"),
    state="live",
    you="learner",
    learner=Participant(person=PersonId("p1"), name="Lea", role="learner", colour="#000000"),
    mentor=Participant(person=PersonId("p2"), name="Mo", role="mentor", colour="#000000"),
    mode="readOnly",
    files=(),
    price_per_quarter=Money(1000, "USD"),
    cap_minutes=30,
)
LATER = GRACE_SECONDS + 1


def is_uncalled_for(now: float, *, is_other_window: bool = False, view: SessionView = VIEW) -> bool:
    guard = ModeGuard(0, lambda: is_other_window)
    return guard.is_uncalled_for(view, now, was_missed=False)


def alone() -> bool:
    return False


@pytest.mark.parametrize(
    ("mode", "expected"), [("live", False), ("propose", True), ("readOnly", True)]
)
def test_the_mode_decides(mode: Mode, expected: bool) -> None:
    assert is_uncalled_for(LATER, view=msgspec.structs.replace(VIEW, mode=mode)) is expected


def test_what_was_typed_before_the_mode_changed_may_still_arrive() -> None:
    guard = ModeGuard(0, alone)
    guard.mode_changed(10)
    assert not guard.is_uncalled_for(VIEW, 10 + GRACE_SECONDS, was_missed=False)
    assert guard.is_uncalled_for(VIEW, 10 + LATER, was_missed=False)


def test_what_was_missed_is_held_to_the_mode_there_was_when_the_line_was_lost() -> None:
    guard = ModeGuard(0, alone)
    assert not guard.is_uncalled_for(VIEW, 100, was_missed=True), "the first text of all"
    guard.line_lost(LATER)
    assert guard.is_uncalled_for(VIEW, 100, was_missed=True)
    guard.mode_changed(LATER - 1)
    assert not guard.is_uncalled_for(VIEW, 100, was_missed=True), "it may be from before the change"
    guard.mode_changed(50)
    assert not guard.is_uncalled_for(VIEW, 100, was_missed=True), "it may be from before the change"


def test_the_learners_other_window_is_no_stranger_because_the_line_was_lost() -> None:
    here = [True]
    guard = ModeGuard(0, lambda: here[0])
    guard.line_lost(LATER)
    here[0] = False  # nobody's cursor is known when the line is new
    assert not guard.is_uncalled_for(VIEW, 100, was_missed=True)


def test_the_learners_other_window_is_no_stranger() -> None:
    assert not is_uncalled_for(LATER, is_other_window=True)


def test_the_mentor_and_a_session_that_is_over_have_nothing_to_guard() -> None:
    assert not is_uncalled_for(LATER, view=msgspec.structs.replace(VIEW, you="mentor"))
    assert not is_uncalled_for(LATER, view=msgspec.structs.replace(VIEW, state="ended"))


def test_it_is_said_now_and_then() -> None:
    guard = ModeGuard(0, alone)
    said = [guard.words(VIEW, at) for at in (0, 1, SAID_EVERY_SECONDS)]
    assert [bool(words) for words in said] == [True, False, True]
    assert "Mo's" in said[0]
