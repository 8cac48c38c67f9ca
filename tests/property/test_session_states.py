"""Any order of what people and the server may try: the table holds, the log tells the same story as the row."""

from collections.abc import Callable
from typing import cast

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from sqlmodel import Session, SQLModel, create_engine

from cm_server.session import events, lifecycle, states, store
from cm_server.session.events import Moment
from cm_server.session.lifecycle import Opening, Rating
from cm_server.session.standing import Standing
from cm_wire import faults
from cm_wire.ids import AskId, PersonId, SessionId
from cm_wire.money import Money
from cm_wire.session import Mode, PausedWhy, SessionState

LEARNER, MENTOR, STRANGER = PersonId("per_l"), PersonId("per_m"), PersonId("per_s")
SESSION = SessionId("ses_one")
PEOPLE = st.sampled_from([LEARNER, MENTOR, STRANGER])
WHYS = st.sampled_from(["learner-paused", "mentor-away", "idle", "out-of-sync"])
MODES = st.sampled_from(["live", "propose", "readOnly", "nonsense"])
MINUTES = st.integers(-1, 250)


class SessionMachine(RuleBasedStateMachine):
    """The model is small on purpose: the state by the table, who has rated, what was accepted."""

    def __init__(self) -> None:
        super().__init__()
        self.engine = create_engine("sqlite://")
        SQLModel.metadata.create_all(self.engine)
        self.db = Session(self.engine)
        self.now = 0
        self.state: SessionState = "triage"
        self.accepted = ["opened"]
        self.diagnosed = False
        self.rated: set[PersonId] = set()

    @initialize()
    def open(self) -> None:
        lifecycle.open_session(
            self.db,
            Opening(
                SESSION, AskId("ask_one"), LEARNER, "Lea", MENTOR, "Mo", Money(1000, "USD"), 30
            ),
            self.moment(),
        )

    def teardown(self) -> None:
        self.db.close()
        self.engine.dispose()

    def moment(self) -> Moment:
        self.now += 1
        return Moment(self.now, "boot", self.now)

    def attempt(self, event: states.Event, allowed: bool, act: Callable[[], object]) -> None:
        """What the model allows happens; what it does not is refused and leaves the database as it was."""
        expected = states.TRANSITIONS.get((self.state, event))
        before = (store.find(self.db, SESSION), len(events.read(self.db, SESSION)))
        savepoint = self.db.begin_nested()
        try:
            act()
        except faults.Refused:
            assert not (allowed and expected)
            savepoint.rollback()
            self.db.expire_all()
            assert (store.find(self.db, SESSION), len(events.read(self.db, SESSION))) == before
            return
        savepoint.commit()
        assert allowed
        assert expected is not None
        self.state = expected
        self.accepted.append(event)

    @rule(person=PEOPLE, minutes=MINUTES)
    def diagnose(self, person: PersonId, minutes: int) -> None:
        allowed = person == MENTOR and 1 <= minutes <= 240
        before = len(self.accepted)
        self.attempt(
            "diagnosed",
            allowed,
            lambda: lifecycle.diagnose(
                self.db, SESSION, person, "It is None", minutes, self.moment()
            ),
        )
        self.diagnosed |= len(self.accepted) > before

    @rule(person=PEOPLE)
    def go_live(self, person: PersonId) -> None:
        allowed = person == LEARNER and (self.diagnosed or self.state != "triage")
        self.attempt(
            "went-live", allowed, lambda: lifecycle.go_live(self.db, SESSION, person, self.moment())
        )

    @rule(person=PEOPLE, why=WHYS)
    def pause(self, person: PersonId, why: PausedWhy) -> None:
        self.attempt(
            "paused",
            person != STRANGER,
            lambda: lifecycle.pause(self.db, SESSION, why, self.moment(), person),
        )

    @rule(person=PEOPLE)
    def resume(self, person: PersonId) -> None:
        self.attempt(
            "resumed",
            person != STRANGER,
            lambda: lifecycle.resume(self.db, SESSION, self.moment(), person),
        )

    @rule(person=PEOPLE, minutes=MINUTES)
    def extend(self, person: PersonId, minutes: int) -> None:
        cap = self.standing.cap_minutes
        allowed = person == LEARNER and 1 <= minutes <= 240 - cap
        self.attempt(
            "cap-extended",
            allowed,
            lambda: lifecycle.extend_cap(self.db, SESSION, person, minutes, self.moment()),
        )

    @rule(person=PEOPLE, mode=MODES)
    def set_mode(self, person: PersonId, mode: str) -> None:
        allowed = person == LEARNER and mode != "nonsense"
        self.attempt(
            "mode-set",
            allowed,
            lambda: lifecycle.set_mode(self.db, SESSION, person, cast("Mode", mode), self.moment()),
        )

    @rule(person=PEOPLE)
    def end(self, person: PersonId) -> None:
        self.attempt(
            "ended",
            person != STRANGER,
            lambda: lifecycle.end(self.db, SESSION, "learner-ended", self.moment(), person),
        )

    @rule(person=PEOPLE, stars=st.integers(0, 6))
    def rate(self, person: PersonId, stars: int) -> None:
        allowed = person != STRANGER and 1 <= stars <= 5 and person not in self.rated
        before = len(self.accepted)
        self.attempt(
            "rated",
            allowed,
            lambda: lifecycle.rate(self.db, SESSION, person, Rating(stars), self.moment()),
        )
        if len(self.accepted) > before:
            self.rated.add(person)

    @rule()
    def close(self) -> None:
        self.attempt("closed", True, lambda: lifecycle.close(self.db, SESSION, self.moment()))

    @property
    def standing(self) -> Standing:
        standing = store.find(self.db, SESSION)
        assert standing is not None
        return standing

    @invariant()
    def row_and_log_agree(self) -> None:
        standing, log = store.find(self.db, SESSION), events.read(self.db, SESSION)
        if standing is None:
            return
        assert standing.state == self.state
        assert [fact.kind for fact in log] == self.accepted
        assert events.broken_at(log) is None
        assert bool(standing.paused_why) == (standing.state == "paused")
        assert (standing.ended_at_ms is not None) == (standing.state in {"ended", "closed"})
        assert standing.rated_by == self.rated


TestSessionMachine = SessionMachine.TestCase
TestSessionMachine.settings = settings(max_examples=60, stateful_step_count=30, deadline=None)


def test_every_open_state_can_end_and_no_ended_one_can_open_again() -> None:
    for (state, event), following in states.TRANSITIONS.items():
        if state not in states.OPEN:
            assert following not in states.OPEN, (state, event)
    for state in states.OPEN:
        assert states.TRANSITIONS[state, "ended"] == "ended"


@pytest.mark.parametrize("state", ["ended", "closed"])
def test_what_is_over_is_said_to_be_over(state: SessionState) -> None:
    with pytest.raises(faults.Refused) as refused:
        states.after(state, "paused")
    assert refused.value.fault.code == "session-over"
