from typing import Any

import msgspec

from cm_lsp import code_actions, commands
from cm_lsp.session import meter_view, views
from cm_lsp.sharing.bridge_messages import Typing
from cm_wire.ids import FilePath, PersonId, SessionId
from cm_wire.money import Money
from cm_wire.session import MeterView, Participant, Role, SessionView, SharedFile

SESSION = SessionId("ses_x")


def view(you: Role = "learner", **changes: Any) -> SessionView:
    lea = Participant(person=PersonId("per_l"), name="Lea", role="learner", colour="#1f77b4")
    mo = Participant(
        person=PersonId("per_m"), name="Mo\u202e %{x}", role="mentor", colour="#d9630b"
    )
    made = SessionView(
        session_id=SESSION,
        state="triage",
        you=you,
        learner=lea,
        mentor=mo,
        mode="live",
        files=(SharedFile(path=FilePath("a.py"), language_id="python", read_only=True),),
        price_per_quarter=Money(1_000, "USD"),
        cap_minutes=30,
    )
    return msgspec.structs.replace(made, **changes)


def meter(**changes: Any) -> MeterView:
    made = MeterView(
        session_id=SESSION,
        state="running",
        counted_seconds=245,
        billed_seconds=240,
        amount=Money(267, "USD"),
        cap_amount=Money(2_000, "USD"),
        cap_seconds=1_800,
    )
    return msgspec.structs.replace(made, **changes)


def test_the_meter_reads_as_time_and_money_with_the_reason_of_a_pause() -> None:
    assert meter_view.text(meter()) == "▶ 4:05 · $2.67 of $20.00"
    paused = meter(state="paused", paused_why="mentor-away", mentor_share=Money(214, "USD"))
    assert "the mentor's connection is lost" in meter_view.text(paused)
    assert "yours $2.14" in meter_view.text(paused)
    assert "free" in meter_view.text(meter(state="triage"))
    shape = meter_view.shape(meter())
    assert (shape.amount, shape.currency, shape.cap_amount) == (267, "USD", 2_000)


def test_a_learner_can_start_only_after_a_diagnosis() -> None:
    assert commands.START_METER not in views.possible_commands(view())
    assert commands.START_METER in views.possible_commands(view(diagnosis="a typo"))


def test_after_the_end_there_is_rating_once_and_money_back_for_the_learner() -> None:
    over = view(state="ended")
    assert commands.RATE in views.possible_commands(over)
    assert commands.REFUND in views.possible_commands(over)
    assert commands.RATE not in views.possible_commands(view(state="ended", rated=True))
    assert commands.REFUND not in views.possible_commands(view("mentor", state="ended"))


def test_what_is_typed_is_shared_proposed_or_taken_back() -> None:
    assert views.typing(view("learner"), read_only_file=True) is Typing.SHARED
    assert views.typing(view("mentor"), read_only_file=False) is Typing.SHARED
    assert views.typing(view("mentor"), read_only_file=True) is Typing.TAKEN_BACK
    proposing = view("mentor", mode="propose")
    assert views.typing(proposing, read_only_file=False) is Typing.PROPOSED
    assert views.typing(proposing, read_only_file=True) is Typing.TAKEN_BACK
    assert views.typing(view("mentor", mode="readOnly"), read_only_file=False) is Typing.TAKEN_BACK
    assert views.typing(view("learner", state="ended"), read_only_file=False) is Typing.TAKEN_BACK


def test_what_a_plugin_is_told_has_no_hidden_characters_and_only_files_it_has() -> None:
    shape = views.shape(view("mentor"), {FilePath("a.py"): "codementor://ses_x/a.py"})
    assert shape.files[0].read_only
    assert "\u202e" not in views.shape(view(), {}).partner.name
    assert views.shape(view(), {}).files == ()


def test_without_a_plugin_a_line_of_the_text_becomes_chat_or_diagnosis() -> None:
    actions = code_actions.of_session(view("mentor"), "    # main is never called")
    by_title = {action.title: action.command for action in actions}
    command = by_title["Codementor: send this line as the diagnosis"]
    assert command is not None
    assert command.arguments == [{"sessionId": SESSION, "text": "main is never called"}]
    assert "Codementor: send this line as chat" in by_title
    assert code_actions.of_session(None, "x") == []
