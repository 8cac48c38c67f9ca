"""A learner in a real VS Code and a mentor in a real Neovim: one whole session, seen from the learner's chair."""

import os
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cm_server.demo import stage
from tests.e2e.vscode import peer
from tests.e2e.vscode.code_server import VisualStudioCode
from tests.e2e.vscode.conftest import Server, StartCode
from tests.e2e.vscode.peer import Peer, wait
from tests.e2e.vscode.window import Window

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

PHOTOGRAPHS = "CODEMENTOR_SCREENSHOTS" in os.environ
"""Then a minute is waited for, so that there is an amount to see."""

DIAGNOSIS = "statistics is never imported, and an empty city prints a stale mean"
OpenWindow = Callable[[VisualStudioCode], Window]


@pytest.fixture
def mentor(tmp_path: Path, server: Server) -> Iterator[Peer]:
    with peer.mentor_online(tmp_path / "mentor", server.variables("mira@example.org")) as editor:
        yield editor


@pytest.fixture
def learner(server: Server, start_code: StartCode, open_window: OpenWindow) -> Window:
    return open_window(start_code("learner", server.variables("lena@example.org")))


def test_a_whole_session_from_the_light_bulb_to_the_receipt(learner: Window, mentor: Peer) -> None:
    program = learner.code.work / "weather.py"
    shutil.copy(stage.HERE / "weather.py.txt", program)
    ask_from_the_light_bulb(learner, program)
    peer.accept(mentor)
    meet(learner, mentor)
    decide_on_proposals(learner, mentor)
    talk(learner, mentor)
    start_the_meter(learner, mentor)
    type_at_once(learner, mentor)
    end_and_rate(learner, mentor)


def ask_from_the_light_bulb(learner: Window, program: Path) -> None:
    code = learner.code
    code.open(program)
    complaint, *_ = code.complain_with_ruff(program)
    line, column = complaint["location"]["row"] - 1, complaint["location"]["column"] - 1
    learner.take_from_light_bulb("Ask a mentor", (line, column, line, column))
    learner.photograph("vscode-light-bulb")
    learner.click_action("Ask a mentor")
    learner.fill("Why is statistics undefined here?", "What do you want to know?")
    learner.pick("At most 30 minutes", "The first look is free")
    learner.picker("Before anything is sent")
    learner.page.locator(".quick-input-list .monaco-list-row", has_text="Mira").wait_for()
    learner.photograph("vscode-choose-mentor")
    learner.pick("Mira Okafor", "Before anything is sent")
    learner.notification("Ask a mentor about weather.py?")
    wait(lambda: "What a mentor will see" in code.text(), "the preview")
    assert "Why is statistics undefined here?" in code.text()
    assert "F821" in code.text()
    learner.photograph("vscode-preview")
    learner.answer("Ask a mentor about weather.py?", "Send it")
    learner.notification("looking for a mentor")


def meet(learner: Window, mentor: Peer) -> None:
    code = learner.code
    code.open(code.work / "weather.py")
    wait(lambda: mentor.text() == code.text(), "the same text in both editors")
    mentor.press("14Gzz")
    wait(lambda: "Mira Okafor" in learner.labels_in_text(), "the mentor's name at the cursor")
    code.select(10, 4, 10, 4)
    wait(lambda: (peer.remote_cursor(mentor) or [0])[0] == 10, "the learner's cursor in Neovim")


def decide_on_proposals(learner: Window, mentor: Peer) -> None:
    """As a session begins: the mentor's changes are the learner's to accept or refuse, in place."""
    code = learner.code
    assert peer.session(mentor, "mode") == "propose"
    learner.clear_notifications()
    before = code.text()
    mentor.press("2Goimport statistics<CR><Esc>")
    accept = learner.page.locator(".codelens-decoration a", has_text="accept")
    accept.first.wait_for()
    assert code.text() == before, "a proposal is not in the text"
    wait(lambda: "Mira Okafor" not in learner.labels_in_text(), "the name to leave the view free")
    learner.clear_notifications()
    learner.photograph("vscode-proposal")
    accept.first.click()
    wait(lambda: "\nimport statistics\n" in code.text(), "the accepted line")
    wait(lambda: mentor.text() == code.text(), "the same text in both editors")
    before = code.text()
    mentor.press("Goprint('a line nobody wants')<Esc>")
    learner.page.locator(".codelens-decoration", has_text="nobody wants").wait_for()
    learner.page.locator(".codelens-decoration a", has_text="refuse").first.click()
    wait(lambda: mentor.text() == before, "the refused line to go at the mentor's")
    assert code.text() == before
    learner.run("Codementor: Choose What the Mentor May Do")
    learner.pick("The mentor may type", "You can change this at any moment")
    wait(lambda: peer.session(mentor, "mode") == "live", "the mode to change")


def talk(learner: Window, mentor: Peer) -> None:
    learner.clear_notifications()
    mentor.command("Codementor chat Hello! Look at line 13: what is imported?")
    learner.answer("Mira Okafor: Hello!", "Open Chat")
    chat = learner.page.frame_locator("iframe.webview").frame_locator("iframe")
    chat.locator("li.theirs", has_text="Look at line 13").wait_for()
    chat.locator("textarea").fill("Thanks, I see it")
    chat.locator("textarea").press("Enter")
    chat.locator("li.mine", has_text="Thanks, I see it").wait_for()


def start_the_meter(learner: Window, mentor: Peer) -> None:
    mentor.command(f"Codementor diagnose 5 {DIAGNOSIS}")
    learner.notification(DIAGNOSIS)
    learner.photograph("vscode-diagnosis")
    learner.answer(DIAGNOSIS, "Go: Start the Meter")
    wait(lambda: peer.session(mentor, "state") == "live", "the meter to start")
    learner.status(re.compile(r"▶ \d+:\d\d · \$"))


def type_at_once(learner: Window, mentor: Peer) -> None:
    code = learner.code
    learner.clear_notifications()
    mentor.command("/no readings")
    mentor.press("A")
    code.select(0, 999, 0, 999)
    learner.focus_editor()
    learner.page.bring_to_front()
    ours, theirs = "\n# degrees are Celsius", "\ncontinue"  # Neovim indents as the line above
    for index in range(max(len(ours), len(theirs))):
        if key := ours[index : index + 1]:
            learner.press("Enter" if key == "\n" else "Space" if key == " " else key)
        mentor.type_text(theirs[index : index + 1])
    mentor.press("<Esc>")
    wanted = ("# degrees are Celsius\n", "\n            continue\n")
    wait(lambda: all(text in code.text() for text in wanted), "both edits in VS Code")
    wait(lambda: mentor.text() == code.text(), "the same text again")
    assert code.js("return vscode.window.activeTextEditor.document.isDirty"), "we save nothing"
    code.complain_with_ruff(code.work / "weather.py")
    if PHOTOGRAPHS:
        learner.page.locator(".statusbar-item", has_text=re.compile(r"\$0\.[1-9]")).wait_for(
            timeout=90_000
        )
    code.select(10, 4, 10, 4)
    mentor.press("k^v$")
    wait(lambda: "Mira Okafor" in learner.labels_in_text(), "the mentor's name")
    learner.photograph("vscode-session")


def end_and_rate(learner: Window, mentor: Peer) -> None:
    learner.run("Codementor: End the Session")
    learner.answer_dialogue("End the Session")
    wait(lambda: peer.session(mentor, "state") in {"ended", "closed"}, "the end at the mentor's")
    learner.answer("The session is over. How was it?", "Rate")
    learner.pick("★★★★★", "How was it?")
    learner.pick("Solved", "Is the problem solved?")
    learner.fill("Found both at once.", "A word to the other")
    wait(lambda: "Rate the Session" not in menu(learner), "the rating to be taken")
    learner.run("Codementor: Show What Changed")
    wait(lambda: "+import statistics" in learner.code.text(), "the patch")
    learner.run("Codementor: Show the Receipt")
    wait(lambda: "eceipt" in learner.code.text(), "the receipt")
    learner.clear_notifications()
    learner.photograph("vscode-receipt")


def menu(learner: Window) -> str:
    """What the menu behind the status bar offers."""
    learner.run("Codementor: Show What Can Be Done Now")
    rows = learner.page.locator(".quick-input-list .monaco-list-row", has_text="Doctor")
    rows.first.wait_for()
    offered = learner.page.locator(".quick-input-list").inner_text()
    learner.press("Escape")
    return offered
