"""A mentor in a real VS Code and a learner in a real Neovim: the session from the mentor's chair."""

import re
import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cm_server.demo import stage
from tests.e2e.vscode import peer
from tests.e2e.vscode.code_server import VisualStudioCode
from tests.e2e.vscode.conftest import Server, StartCode
from tests.e2e.vscode.peer import Peer, wait
from tests.e2e.vscode.window import Window
from tests.support import words_language_server

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

TREE = Path(__file__).parents[3]
QUESTION = "Why is statistics undefined here?"
OpenWindow = Callable[[VisualStudioCode], Window]


@pytest.fixture
def learner(tmp_path: Path, server: Server) -> Iterator[Peer]:
    with Peer(tmp_path / "learner", server.variables("lena@example.org")) as editor:
        program = tmp_path / "weather.py"
        shutil.copy(stage.HERE / "weather.py.txt", program)
        peer.connect(editor, program)
        yield editor


@pytest.fixture
def mentor(server: Server, start_code: StartCode, open_window: OpenWindow) -> Window:
    return open_window(start_code("mentor", server.variables("mira@example.org")))


def test_a_whole_session_from_going_online_to_the_end(mentor: Window, learner: Peer) -> None:
    go_online(mentor)
    ask(learner)
    accept(mentor, learner)
    see_the_shared_file(mentor, learner)
    see_what_the_learners_tools_say(mentor, learner)
    diagnose(mentor, learner)
    type_and_point(mentor, learner)
    look_only(mentor, learner)
    end(mentor, learner)


def go_online(mentor: Window) -> None:
    mentor.page.locator(".statusbar-item", has_text="Codementor").first.click()
    mentor.pick("Go Online as a Mentor", "Codementor")
    mentor.status("Online")


def ask(learner: Peer) -> None:
    learner.command("13")
    learner.command(f"Codementor ask {QUESTION}")
    peer.answer(learner, "Send")


def accept(mentor: Window, learner: Peer) -> None:
    offer = mentor.notification("Lena Learner asks about weather.py")
    links = offer.locator(".notification-list-item-message a").all_inner_texts()
    assert links == ["Accept", "Preview"]
    offer.get_by_text("Preview", exact=True).click()
    wait(lambda: "statistics.mean(values)" in mentor.code.text(), "the preview")
    mentor.photograph("vscode-offer")
    offer.get_by_text("Accept", exact=True).click()
    wait(lambda: peer.session(learner, "state"), "the session in Neovim")
    learner.command("Codementor mode live")
    wait(lambda: peer.session(learner, "mode") == "live", "the mode to change")


def see_the_shared_file(mentor: Window, learner: Peer) -> None:
    code = mentor.code
    wait(lambda: shared(mentor) != "", "the shared file in VS Code")
    wait(lambda: code.text() == learner.text(), "the same text in both editors")
    assert shared(mentor).endswith("/weather.py")
    assert code.js("return vscode.window.activeTextEditor.document.languageId") == "python"
    learner.press("5G")
    wait(lambda: "Lena Learner" in mentor.labels_in_text(), "the learner's name at the cursor")
    code.select(12, 19, 12, 29)
    wait(lambda: (peer.remote_cursor(learner) or [0])[0] == 12, "the mentor's cursor in Neovim")


def see_what_the_learners_tools_say(mentor: Window, learner: Peer) -> None:
    """As a hover, and by F12 for where it is defined; the learner's other language server answers."""
    learner.lua(words_language_server.START_IN_NEOVIM, sys.executable, str(TREE))
    learner.command("Codementor lookups on")
    wait(lambda: peer.session(learner, "lookUps"), "the learner's word")
    mentor.code.select(18, 2, 18, 2)
    mentor.show_hover("(function) def report()")
    mentor.press("F12")
    line = "return vscode.window.activeTextEditor.selection.active.line"
    wait(lambda: mentor.code.js(line) == 9, "where it is defined")


def diagnose(mentor: Window, learner: Peer) -> None:
    mentor.run("Codementor: Give Diagnosis and Estimate")
    mentor.fill("statistics is never imported", "What is wrong, in one line?")
    mentor.fill("5", "How many minutes will it take?")
    said = "statistics is never imported"
    wait(lambda: peer.session(learner, "diagnosis") == said, "the diagnosis in Neovim")
    learner.command("Codementor start")
    mentor.status(re.compile(r"▶ \d+:\d\d · \$.* · yours \$"))


def type_and_point(mentor: Window, learner: Peer) -> None:
    code = mentor.code
    mentor.clear_notifications()
    code.select(0, 999, 0, 999)
    mentor.focus_editor()
    mentor.page.bring_to_front()
    mentor.press("Enter")
    mentor.press("Enter")
    learner.press("Go")
    ours, theirs = "import statistics", "# one line a city"
    for index in range(max(len(ours), len(theirs))):
        if key := ours[index : index + 1]:
            mentor.press("Space" if key == " " else key)
        learner.type_text(theirs[index : index + 1])
    learner.press("<Esc>")
    wanted = (f"{ours}\n", f"{theirs}\n")
    wait(lambda: all(text in code.text() for text in wanted), "both edits in VS Code")
    wait(lambda: code.text() == learner.text(), "the same text again")
    code.select(14, 19, 14, 29)
    mentor.run("Codementor: Point at the Selection")
    mentor.fill("it is used here", "A note for the other")
    seen = "return vim.inspect(vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, { details = true }))"
    wait(lambda: "it is used here" in learner.lua(seen), "the pointer in Neovim")
    mentor.run("Codementor: Follow the Other")
    mentor.run("View: Show Codementor")
    mentor.page.locator(".monaco-list-row", has_text="Shared files").first.wait_for()
    mentor.photograph("vscode-mentor")


def look_only(mentor: Window, learner: Peer) -> None:
    """The learner takes the right to type away; what the learner does is still seen."""
    before = learner.text()
    learner.command("Codementor mode readOnly")
    mentor.page.locator(".monaco-list-row", has_text="You may").get_by_text("look").wait_for()
    mentor.code.select(4, 0, 4, 0)
    mentor.focus_editor()
    mentor.type_text("x")
    learner.press("Goseen by the mentor<Esc>")
    wait(lambda: "seen by the mentor" in mentor.code.text(), "the learner's line")
    wait(
        lambda: mentor.code.text() == learner.text(), "the same text, without what was not allowed"
    )
    assert learner.text() == before + "seen by the mentor\n"


def end(mentor: Window, learner: Peer) -> None:
    mentor.run("Codementor: End the Session")
    mentor.answer_dialogue("End the Session")
    wait(lambda: peer.session(learner, "state") in {"ended", "closed"}, "the end at the learner's")
    mentor.notification("The session is over. How was it?")
    mentor.page.locator(".statusbar-item", has_text="Online").first.wait_for()


def shared(mentor: Window) -> str:
    """The address of the shared document that is open, if one is."""
    found: str = mentor.code.js(
        """
        const uri = vscode.window.activeTextEditor?.document.uri;
        return uri?.scheme === 'codementor' ? uri.toString() : '';
        """
    )
    return found
