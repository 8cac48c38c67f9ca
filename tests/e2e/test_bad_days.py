"""What goes wrong around two real Neovims: the server is not there yet, or an editor is killed."""

import os
import signal
import sys
from collections.abc import Iterator

import pytest

from cm_server.demo import screenplay, stage
from cm_server.demo.neovim import Neovim, wait_until

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

CLOCK_FACTOR = 20


@pytest.fixture
def scene() -> Iterator[stage.Stage]:
    with stage.set_up(CLOCK_FACTOR, watch=False) as set_up:
        yield set_up


def say(who: str, what: str) -> None:
    sys.stdout.write(f"{who:<9}{what}\n")


def connection(editor: Neovim) -> object:
    return editor.lua("return (require('codementor.session').status() or {}).connection")


def said(editor: Neovim) -> str:
    text: str = editor.lua("return table.concat(require('codementor.client').said(), '\\n')")
    return text


def newcomer(scene: stage.Stage, role: str, email: str) -> Neovim:
    variables = {"CM_SERVER_URL": scene.server.address, "CM_TOKEN": scene.server.tokens()[email]}
    return Neovim.headless(scene.folder / f"{role}-again", variables)


def killed(editor: Neovim) -> None:
    """As the kernel does when memory runs out: no goodbye to anybody."""
    os.kill(editor.lua("return vim.fn.getpid()"), signal.SIGKILL)


def test_a_server_that_is_down_at_start_is_named_and_typing_goes_on(scene: stage.Stage) -> None:
    scene.server.kill()
    with newcomer(scene, "mentor", stage.MENTOR) as editor:
        editor.command(f"edit {scene.program}")
        wait_until(lambda: "cannot be reached" in said(editor), "a word about it")
        assert scene.server.address in said(editor)
        editor.press("ggO# typed without a server<Esc>")
        assert editor.lines()[0] == "# typed without a server"
        scene.server.start()
        wait_until(lambda: connection(editor) == "connected", "the server to be found")
        editor.command("Codementor online")
        wait_until(
            lambda: "You are offered asks" in editor.messages(), "the mentor to be on the list"
        )


def test_a_mentor_whose_editor_is_killed_costs_nothing_and_comes_back_to_the_same_text(
    scene: stage.Stage,
) -> None:
    begin(scene)
    learner = scene.learner
    killed(scene.mentor)
    wait_until(lambda: screenplay.session_of(learner, "state") == "paused", "the meter to pause")
    billed = "return require('codementor.meter').last().billedSeconds"
    before = learner.lua(billed)
    learner.press("ggO# typed alone<Esc>")
    with newcomer(scene, "mentor", stage.MENTOR) as mentor:
        mentor.command("Codementor start_server")
        mentor.command("enew")
        wait_until(lambda: mentor.text() == learner.text(), "the same text at the mentor's again")
        wait_until(lambda: screenplay.session_of(learner, "state") == "live", "the meter to go on")
        assert learner.lua(billed) <= before + 60, "the time away is billed"


def test_a_learner_whose_editor_is_killed_finds_the_unsaved_text_again(scene: stage.Stage) -> None:
    begin(scene)
    mentor = scene.mentor
    scene.learner.press("ggO# never saved<Esc>")
    wait_until(lambda: "# never saved" in mentor.text(), "the edit at the mentor's")
    killed(scene.learner)
    wait_until(lambda: screenplay.session_of(mentor, "state") == "paused", "the meter to pause")
    assert "# never saved" in mentor.text()
    assert "# never saved" not in scene.program.read_text()
    with newcomer(scene, "learner", stage.LEARNER) as learner:
        learner.command(f"edit {scene.program}")
        wait_until(lambda: screenplay.session_of(mentor, "state") == "live", "the meter to go on")
        wait_until(lambda: learner.text() == mentor.text(), "the same text in both editors again")
        assert "# never saved" in learner.text()


def begin(scene: stage.Stage) -> None:
    for step in (
        screenplay.meet,
        screenplay.ask,
        screenplay.accept,
        screenplay.see_each_other,
        screenplay.start_the_meter,
    ):
        step(scene, say)
