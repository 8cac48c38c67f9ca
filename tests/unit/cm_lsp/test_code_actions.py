"""What the code-action menu offers in a session."""

from cm_lsp import code_actions
from cm_wire.ids import PersonId, SessionId
from cm_wire.money import Money
from cm_wire.session import MODES, Mode, Participant, Role, SessionView


def session(mode: Mode, you: Role = "learner") -> SessionView:
    lea = Participant(person=PersonId("lea"), name="Lea", role="learner", colour="#1f77b4")
    mo = Participant(person=PersonId("mo"), name="Mo", role="mentor", colour="#d9630b")
    return SessionView(
        session_id=SessionId("ses_1"),
        state="live",
        you=you,
        learner=lea,
        mentor=mo,
        mode=mode,
        files=(),
        price_per_quarter=Money(1000, "USD"),
        cap_minutes=30,
    )


def modes_offered(view: SessionView) -> set[str]:
    offered = set()
    for action in code_actions.of_session(view, ""):
        assert action.command is not None
        if action.command.command == "codementor.mode":
            (argument,) = action.command.arguments or []
            assert argument is not None
            offered.add(argument["mode"])
    return offered


def test_the_learner_may_go_to_every_other_mode_from_the_menu() -> None:
    for mode in MODES:
        assert modes_offered(session(mode)) == set(MODES) - {mode}


def test_the_mode_is_not_the_mentors_to_choose() -> None:
    assert modes_offered(session("propose", you="mentor")) == set()
