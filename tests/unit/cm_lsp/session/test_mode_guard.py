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
    return ModeGuard(0).is_uncalled_for(view, now, is_other_window=is_other_window)


@pytest.mark.parametrize(
    ("mode", "expected"), [("live", False), ("propose", True), ("readOnly", True)]
)
def test_the_mode_decides(mode: Mode, expected: bool) -> None:
    assert is_uncalled_for(LATER, view=msgspec.structs.replace(VIEW, mode=mode)) is expected


def test_what_was_typed_before_the_mode_changed_may_still_arrive() -> None:
    guard = ModeGuard(0)
    guard.mode_changed(10)
    assert not guard.is_uncalled_for(VIEW, 10 + GRACE_SECONDS, is_other_window=False)
    assert guard.is_uncalled_for(VIEW, 10 + LATER, is_other_window=False)


def test_the_learners_other_window_is_no_stranger() -> None:
    assert not is_uncalled_for(LATER, is_other_window=True)


def test_the_mentor_and_a_session_that_is_over_have_nothing_to_guard() -> None:
    assert not is_uncalled_for(LATER, view=msgspec.structs.replace(VIEW, you="mentor"))
    assert not is_uncalled_for(LATER, view=msgspec.structs.replace(VIEW, state="ended"))


def test_it_is_said_now_and_then() -> None:
    guard = ModeGuard(0)
    said = [guard.words(VIEW, at) for at in (0, 1, SAID_EVERY_SECONDS)]
    assert [bool(words) for words in said] == [True, False, True]
    assert "Mo's" in said[0]
