"""What a mentor only proposes, between two real Neovims: drawn in the learner's buffer, accepted, refused, gone."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from cm_server.demo import stage
from tests.e2e.plain.actors import wait
from tests.e2e.plain.casting import Casting
from tests.e2e.plain.play import told_by
from tests.e2e.plain.plugin_neovim import PluginNeovim

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

PROGRAM = "one = 1\ntwo = 2\nthree = 3\n"


@pytest.fixture
def people(tmp_path: Path) -> Iterator[tuple[PluginNeovim, PluginNeovim]]:
    with ExitStack() as exits:
        server = exits.enter_context(stage.serving(tmp_path / "data", 1))
        casting = Casting(exits, server, tmp_path)
        learner, mentor = casting.cast("plugin", "learner"), casting.cast("plugin", "mentor")
        assert isinstance(learner, PluginNeovim)
        assert isinstance(mentor, PluginNeovim)
        (tmp_path / ".git").mkdir()
        (tmp_path / "app.py").write_text(PROGRAM)
        (tmp_path / "desk.py").write_text("\n")
        learner.open(tmp_path / "app.py")
        mentor.open(tmp_path / "desk.py")
        mentor.go_online()
        learner.ask(1)
        mentor.accept()
        wait(lambda: mentor.text() == PROGRAM, "the learner's text")
        learner.run("mode propose")
        wait(lambda: mentor.session("mode") == "propose", "the mode")
        with told_by(learner, mentor):
            yield learner, mentor


def hunks(person: PluginNeovim) -> list[list[Any]]:
    """Line and details of what is drawn of proposals."""
    found = person.marks("codementor.hunks")
    return [[row, details] for _, row, _, details in found]


def test_a_proposal_is_drawn_in_place_and_becomes_text_when_it_is_accepted(
    people: tuple[PluginNeovim, PluginNeovim],
) -> None:
    learner, mentor = people
    mentor.insert_line(1, "# a new line")
    drawn = wait(lambda: hunks(learner), "the proposal")
    assert any("# a new line" in str(details) for _, details in drawn)
    assert any(details.get("sign_text", "").strip() == "±" for _, details in drawn)
    assert learner.text() == PROGRAM, "a proposal is no text"
    wanted = PROGRAM.replace("two = 2", "# a new line\ntwo = 2")
    learner.run("hunk next")
    learner.run("hunk accept")
    wait(lambda: learner.text() == wanted, "the accepted line at the learner's")
    wait(lambda: mentor.text() == wanted, "and at the mentor's")
    wait(lambda: hunks(learner) == [], "the drawing to go")


def test_a_refused_proposal_goes_at_both_sides(
    people: tuple[PluginNeovim, PluginNeovim],
) -> None:
    learner, mentor = people
    mentor.move_to(2)
    mentor.editor.press("C# instead<Esc>")
    wait(lambda: hunks(learner), "the proposal")
    learner.move_to(2)
    learner.run("hunk refuse")
    wait(lambda: hunks(learner) == [], "the drawing to go")
    wait(lambda: mentor.text() == PROGRAM, "the mentor's text to be the shared one again")
    assert learner.text() == PROGRAM


def test_all_are_shown_as_a_diff_and_decided_at_once(
    people: tuple[PluginNeovim, PluginNeovim],
) -> None:
    learner, mentor = people
    mentor.insert_line(0, "# above")
    mentor.move_to(3)
    mentor.editor.press("C# below<Esc>")
    wait(
        lambda: "# above" in str(hunks(learner)) and "# below" in str(hunks(learner)),
        "both proposals",
    )
    learner.run("hunk show")
    diff = learner.shown("proposals")
    assert "+# above" in diff
    assert "+# below" in diff
    learner.move_to(0)
    learner.run("hunk accept all")
    wanted = "# above\none = 1\ntwo = 2\n# below\n"
    wait(lambda: learner.text() == wanted, "both at the learner's")
    wait(lambda: mentor.text() == wanted, "both at the mentor's")
