"""Undo in a session, between two real Neovims: one's own typing goes, the other's work stays."""

from contextlib import ExitStack
from pathlib import Path

import pytest

from cm_server.demo import stage
from tests.e2e.plain.actors import wait
from tests.e2e.plain.casting import Casting
from tests.e2e.plain.play import end_and_rate, meet, start_the_meter, told_by
from tests.e2e.plain.plugin_neovim import PluginNeovim

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]


def test_u_takes_back_ones_own_typing_on_either_side_and_keeps_the_others(tmp_path: Path) -> None:
    with ExitStack() as exits:
        server = exits.enter_context(stage.serving(tmp_path / "data", 1))
        casting = Casting(exits, server, tmp_path)
        learner, mentor = casting.cast("plugin", "learner"), casting.cast("plugin", "mentor")
        assert isinstance(learner, PluginNeovim)
        assert isinstance(mentor, PluginNeovim)
        with told_by(learner, mentor):
            meet(learner, mentor, tmp_path)
            before = learner.text()
            learner.insert_line(0, "# the learner's")
            _both(learner, mentor, "# the learner's\n" + before)
            mentor.insert_line(0, "# the mentor's")
            _both(learner, mentor, "# the mentor's\n# the learner's\n" + before)

            learner.editor.press("u")
            _both(learner, mentor, "# the mentor's\n" + before)
            learner.editor.press("<C-r>")
            _both(learner, mentor, "# the mentor's\n# the learner's\n" + before)
            mentor.editor.press("u")
            _both(learner, mentor, "# the learner's\n" + before)
            mentor.editor.press("u")
            wait(lambda: "nothing of yours to undo" in mentor.said(), "a word about it")
            assert mentor.text() == "# the learner's\n" + before

            start_the_meter(learner, mentor, (1, 1))
            end_and_rate(learner, mentor)
            mapping = "return vim.fn.maparg('u', 'n')"
            learner.move_to(0)
            wait(lambda: learner.editor.lua(mapping) == "", "Neovim's own undo to be back")


def _both(learner: PluginNeovim, mentor: PluginNeovim, text: str) -> None:
    wait(lambda: learner.text() == text, f"at the learner's: {text!r}")
    wait(lambda: mentor.text() == text, f"at the mentor's: {text!r}")
