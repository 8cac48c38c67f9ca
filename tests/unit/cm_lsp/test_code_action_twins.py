"""Whatever is asked as a question can also be decided by a code action."""

import msgspec
from lsprotocol import types

from cm_lsp import code_actions, commands, lsp_ext
from cm_lsp.asking.not_secrets import Replaced
from cm_wire.asking import AskView, RankedMentor
from cm_wire.ids import AskId, PersonId, SessionId
from cm_wire.money import Money
from cm_wire.session import Participant, Role, SessionState, SessionView

HERE = lsp_ext.Range(
    start=lsp_ext.Position(line=1, character=0), end=lsp_ext.Position(line=1, character=4)
)
URI = "file:///w/app.py"
PENDING = commands.Ask(uri=URI, range=HERE, confirm="no")
MIRA = RankedMentor(
    mentor=PersonId("mira"),
    name="Mira",
    price_per_quarter=Money(1000, "USD"),
    reasons=(),
    eta_seconds=5,
)


def view(state: SessionState, you: Role = "learner", diagnosis: str = "") -> SessionView:
    lea = Participant(person=PersonId("lea"), name="Lea", role="learner", colour="#1f77b4")
    mo = Participant(person=PersonId("mo"), name="Mo\x1b[2J", role="mentor", colour="#d9630b")
    return SessionView(
        session_id=SessionId("ses_1"),
        state=state,
        you=you,
        learner=lea,
        mentor=mo,
        mode="readOnly",
        files=(),
        price_per_quarter=Money(1000, "USD"),
        cap_minutes=30,
        diagnosis=diagnosis,
    )


def offered(actions: list[types.CodeAction]) -> dict[str, object]:
    """The argument of each, by command; of several with one command the first."""
    found: dict[str, object] = {}
    for action in actions:
        assert action.command is not None
        (argument,) = action.command.arguments or [None]
        found.setdefault(action.command.command, argument)
    return found


def test_a_pending_ask_can_be_sent_sent_to_somebody_or_left() -> None:
    without_list = offered(code_actions.of_pending(PENDING, ()))
    assert set(without_list) == {commands.ASK, commands.MENTORS, commands.CANCEL_ASK}
    listed = code_actions.of_pending(PENDING, [MIRA])
    titles = [action.title for action in listed]
    assert "Codementor: ask Mira ($10.00)" in titles
    assert commands.MENTORS not in offered(listed), "the list is there already"
    assert code_actions.of_pending(None, [MIRA]) == []


def test_what_is_sent_by_the_action_is_not_asked_about_again() -> None:
    for action in code_actions.of_pending(PENDING, [MIRA]):
        assert action.command is not None
        if action.command.command == commands.ASK:
            parsed = commands.parse(commands.ASK, action.command.arguments)
            assert isinstance(parsed, commands.Ask)
            assert parsed.is_confirmed


def test_that_a_finding_is_no_secret_can_be_said_by_an_action_and_shows_the_preview_again() -> None:
    said = msgspec.structs.replace(PENDING, not_secrets=("m0",))
    listed = code_actions.of_pending(said, (), [Replaced("token", "line 3", "m1")])
    (action,) = [one for one in listed if "no secret" in one.title]
    assert action.title == "Codementor: no secret: token in line 3"
    assert action.command is not None
    parsed = commands.parse(commands.ASK, action.command.arguments)
    assert isinstance(parsed, commands.Ask)
    assert not parsed.is_confirmed
    assert parsed.not_secrets == ("m0", "m1")


def test_no_argument_is_lost_in_an_editor_that_cannot_tell_false_from_nothing() -> None:
    """lsp-mode hands `false` and `[]` of a code action back as null."""
    for action in code_actions.of_pending(PENDING, [MIRA]):
        assert action.command is not None
        given = action.command.arguments or []
        assert isinstance(given[0], dict)
        lossy = {name: None if value is False else value for name, value in given[0].items()}
        assert commands.parse(action.command.command, [lossy]) == commands.parse(
            action.command.command, given
        )


def test_an_open_ask_can_be_taken_back() -> None:
    assert offered(code_actions.of_waiting(AskId("ask_1"), None)) == {
        commands.CANCEL_ASK: {"askId": "ask_1"}
    }
    assert code_actions.of_waiting(None, None) == []


def test_where_nobody_fits_each_way_out_is_an_action() -> None:
    ask = AskId("ask_1")
    nobody = AskView(ask_id=ask, state="nobody", raise_to=Money(1200, "USD"))
    actions = code_actions.of_waiting(ask, nobody)
    assert [action.title for action in actions] == [
        "Codementor: leave it open: ring whoever comes",
        "Codementor: ring nobody, but tell me when someone comes",
        "Codementor: raise the limit to $12.00 per 15 min",
        "Codementor: take the ask back",
    ]
    assert offered(actions[1:])[commands.KEEP_ASK] == {"askId": ask, "tellOnly": True}
    there = AskView(ask_id=ask, state="nobody", tell_only=True, someone_fits=True)
    assert [action.title for action in code_actions.of_waiting(ask, there)] == [
        "Codementor: ask now",
        "Codementor: take the ask back",
    ]


def test_a_mentor_goes_on_and_off_the_list_and_nobody_else_does() -> None:
    presence = code_actions.of_presence
    assert set(offered(presence(is_mentor=True, online=False))) == {commands.GO_ONLINE}
    assert set(offered(presence(is_mentor=True, online=True))) == {commands.GO_OFFLINE}
    assert presence(is_mentor=False, online=False) == []


def test_every_decision_of_a_session_has_an_action() -> None:
    triage = offered(code_actions.of_session(view("triage", diagnosis="no brackets"), ""))
    assert {commands.START_METER, commands.MODE, commands.EXTEND, commands.END} <= set(triage)
    live = offered(code_actions.of_session(view("live"), "# thanks"))
    assert {commands.PAUSE, commands.CHAT} <= set(live)
    assert live[commands.CHAT] == {"sessionId": "ses_1", "text": "thanks"}
    assert commands.RESUME in offered(code_actions.of_session(view("paused"), ""))
    over = offered(code_actions.of_session(view("ended"), ""))
    wanted = {commands.RATE, commands.RECEIPT, commands.PATCH, commands.NOTE, commands.REFUND}
    assert wanted <= set(over)


def test_a_document_is_shared_or_not_and_pointed_at_only_when_it_is() -> None:
    shared = offered(code_actions.of_document(view("live"), URI, HERE, is_shared=True))
    assert set(shared) == {commands.POINT, commands.FOLLOW, commands.UNSHARE}
    other = offered(code_actions.of_document(view("live"), URI, HERE, is_shared=False))
    assert set(other) == {commands.FOLLOW, commands.SHARE}
    mentors = code_actions.of_document(view("live", "mentor"), URI, HERE, is_shared=True)
    assert set(offered(mentors)) == {commands.POINT, commands.FOLLOW}


def test_all_arguments_are_what_the_commands_take() -> None:
    actions = [
        *code_actions.of_pending(PENDING, [MIRA]),
        *code_actions.of_document(view("live"), URI, HERE, is_shared=True),
        *code_actions.of_session(view("live"), "# thanks"),
        *code_actions.of_session(view("ended"), ""),
    ]
    for action in actions:
        assert action.command is not None
        commands.parse(action.command.command, action.command.arguments)
        assert "\x1b" not in action.title
