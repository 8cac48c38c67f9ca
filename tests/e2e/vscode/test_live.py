"""What a learner does while a session is live, in a real VS Code, each by what it changes on the screen of one or the other:
pointing, coming, following, taking the mentor's changes back, and the meter behind its place in the status bar.

The server's clock runs ten times as fast, so that four fifths of a cap come within a test.
"""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cm_lsp.sharing import undo
from tests.e2e.vscode import peer, scenes
from tests.e2e.vscode.code_server import VisualStudioCode
from tests.e2e.vscode.conftest import Server, StartCode, serving
from tests.e2e.vscode.peer import Peer, wait
from tests.e2e.vscode.window import Window

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]

CLOCK_FACTOR = 10
LINES = 200
"""Of the shared file, so that most of it is out of sight."""
OpenWindow = Callable[[VisualStudioCode], Window]

LOOK_UP = """
local here = vim.lsp.util.make_position_params(0, 'utf-16')
local said = vim.lsp.buf_request_sync(0, 'textDocument/hover', here, 4000) or {}
return vim.iter(pairs(said)):map(function(_, one) return vim.tbl_get(one, 'result', 'contents', 'value') end):join('')
"""
"""The hover in Neovim at its cursor, or nothing."""


@pytest.fixture
def quick_server(tmp_path: Path) -> Iterator[Server]:
    with serving(tmp_path / "server", clock_factor=CLOCK_FACTOR) as running:
        yield running


@pytest.fixture
def mentor(tmp_path: Path, quick_server: Server) -> Iterator[Peer]:
    variables = quick_server.variables("mira@example.org")
    with peer.mentor_online(tmp_path / "mentor", variables) as editor:
        yield editor


@pytest.fixture
def learner(quick_server: Server, start_code: StartCode, open_window: OpenWindow) -> Window:
    return open_window(start_code("learner", quick_server.variables("lena@example.org")))


def test_everything_a_learner_can_do_in_a_live_session(learner: Window, mentor: Peer) -> None:
    scenes.open_program(learner, "".join(f"# line {number}\n" for number in range(LINES)))
    ask_with_a_cap_of_ones_own(learner)
    peer.accept(mentor)
    learner.code.open(learner.code.work / scenes.PROGRAM)
    wait(lambda: mentor.text() == learner.code.text(), "the same text in both editors")
    be_pointed_at(learner, mentor)
    point_and_call(learner, mentor)
    follow(learner, mentor)
    lend_tools(learner, mentor)
    take_back(learner, mentor)
    share_another_file(learner, mentor)
    work_the_meter(learner, mentor)
    afterwards(learner, mentor)


def ask_with_a_cap_of_ones_own(learner: Window) -> None:
    learner.code.select(12, 19, 12, 29)
    learner.run("Codementor: Ask a Mentor")
    learner.fill("", "What do you want to know?")
    learner.pick("Another cap", "The first look is free")
    learner.fill("5", "The cap in minutes")
    learner.pick("Whoever is there first", "Before anything is sent")
    learner.answer("Ask a mentor about weather.py?", "Send it")


def be_pointed_at(learner: Window, mentor: Peer) -> None:
    """In sight, the note stands at the place; out of sight, a notification leads there."""
    code = learner.code
    code.open(code.work / "weather.py")
    code.select(0, 0, 0, 0)
    mentor.command("11Codementor point why try?")
    wait(lambda: "Mira Okafor: why try?" in learner.labels_in_text(), "the note at its place")
    learner.clear_notifications()
    mentor.command("150Codementor point and this?")
    learner.answer("Mira Okafor: and this?", "Go There")
    wait(lambda: caret(code) == 149, "the caret where the mentor pointed")
    wait(lambda: 149 in visible(code), "the place in view")


def point_and_call(learner: Window, mentor: Peer) -> None:
    code = learner.code
    code.select(12, 19, 12, 29)
    learner.run("Codementor: Point at the Selection")
    learner.fill("where from?", "A note for the other")
    wait(lambda: "where from?" in marks(mentor), "the note in Neovim")
    code.select(3, 0, 3, 0)
    learner.run("Codementor: Come Here")
    wait(lambda: "come here" in marks(mentor), "the call in Neovim")


def follow(learner: Window, mentor: Peer) -> None:
    """The view goes where the mentor goes, until it is told not to, or the learner goes elsewhere by hand."""
    code = learner.code
    mentor.press("gg")
    wait(lambda: 3 in visible(code), "the beginning in view")
    learner.run("Codementor: Follow the Other")
    mentor.press("180G")
    wait(lambda: 179 in visible(code), "the mentor's line in view")
    assert caret(code) == 3, "the learner's own caret stays"
    learner.run("Codementor: Follow No More")
    wait(lambda: "Follow No More" not in offered(learner, "Follow"), "following to be over")
    learner.run("Codementor: Follow the Other")
    mentor.press("100G")
    wait(lambda: 99 in visible(code), "the mentor's line in view again")
    learner.focus_editor()
    learner.page.bring_to_front()
    learner.press("ArrowDown")
    wait(lambda: 4 in visible(code), "the learner's own line in view")
    wait(lambda: "Follow No More" not in offered(learner, "Follow"), "following to be over")


def lend_tools(learner: Window, mentor: Peer) -> None:
    """What the learner's other extensions say of a place, the mentor sees once the learner allows it."""
    learner.code.js(
        """
        const said = (document, position) => document.getText(document.getWordRangeAtPosition(position));
        vscode.languages.registerHoverProvider('python', {
          provideHover: (document, position) => new vscode.Hover(`known of ${said(document, position)}`),
        });
        vscode.languages.registerDefinitionProvider('python', {
          provideDefinition: (document) => new vscode.Location(document.uri, new vscode.Position(9, 4)),
        });
        """
    )
    mentor.command("/^report(READINGS)")
    mentor.lua(LOOK_UP)
    learner.answer("ask your language servers", "Yes, in this session")
    found = wait(lambda: mentor.lua(LOOK_UP), "what the learner's tools say")
    assert "known of report" in found
    mentor.lua("vim.lsp.buf.definition()")
    wait(
        lambda: mentor.lua("return vim.fn.getline('.')") == "def report(readings):",
        "the definition",
    )
    learner.run("Codementor: Choose Whether the Mentor May Ask")
    learner.pick("The mentor may not ask", "About shared files")
    wait(lambda: not mentor.lua(LOOK_UP), "the word taken back")


def take_back(learner: Window, mentor: Peer) -> None:
    code = learner.code
    learner.run("Codementor: Choose What the Mentor May Do")
    learner.pick("The mentor may type", "You can change this at any moment")
    wait(lambda: peer.session(mentor, "mode") == "live", "the mode to change")
    before = code.text()
    mentor.press("ggOimport statistics<Esc>")
    wait(lambda: "import statistics\n" in code.text(), "the mentor's first change")
    next_change_ms = time.monotonic() * 1_000 + undo.BURST_PAUSE_MS
    code.select(5, 999, 5, 999)
    learner.focus_editor()
    learner.type_text("  # mine")
    wait(lambda: "# mine" in mentor.text(), "the learner's change in Neovim")
    wait(lambda: time.monotonic() * 1_000 > next_change_ms, "the pause that parts two changes")
    mentor.press("Goprint('the end')<Esc>")
    wait(lambda: "the end" in code.text(), "the mentor's second change")
    learner.run("Codementor: Take the Mentor's Last Change Back")
    wait(lambda: "the end" not in code.text(), "the second change to go")
    assert "import statistics\n" in code.text()
    assert "  # mine\n" in code.text()
    learner.run("Codementor: Take All of the Mentor's Changes Back")
    learner.answer_dialogue("Take Them Back")
    wait(lambda: "import statistics\n" not in code.text(), "the first change to go")
    wait(lambda: mentor.text() == code.text(), "the same text in both editors")
    assert code.text().replace("  # mine", "") == before


def share_another_file(learner: Window, mentor: Peer) -> None:
    code = learner.code
    other = code.work / "cities.py"
    other.write_text("CITIES = ['Lisbon']\n")
    code.open(other)
    learner.run("Codementor: Share This File Too")
    wait(lambda: "cities.py" in paths(mentor), "the second file at the mentor's")
    learner.run("View: Show Codementor")
    row = learner.page.locator(".monaco-list-row", has_text="cities.py")
    row.first.wait_for()
    learner.run("Codementor: Share This File No More")
    wait(lambda: "cities.py" not in paths(mentor), "the second file to go")
    code.open(code.work / "weather.py")


def work_the_meter(learner: Window, mentor: Peer) -> None:
    mentor.command("Codementor diagnose 5 statistics is never imported")
    learner.answer("statistics is never imported", "Go: Start the Meter")
    learner.status(re.compile(r"▶ \d+:\d\d · \$"))
    click_and_choose(learner, "Pause the Meter")
    learner.status("⏸")
    wait(lambda: peer.session(mentor, "state") == "paused", "the pause at the mentor's")
    click_and_choose(learner, "Let the Meter Run Again")
    learner.status("▶")
    learner.answer("Four fifths of the cap are used", "Raise the Cap")
    learner.fill("40", "Raise the cap by how many minutes?")
    wait(lambda: peer.session(mentor, "capMinutes") == 45, "the cap to be raised")
    click_and_choose(learner, "End the Session")
    learner.answer_dialogue("End the Session")
    wait(lambda: peer.session(mentor, "state") in {"ended", "closed"}, "the end at the mentor's")


def afterwards(learner: Window, mentor: Peer) -> None:
    code = learner.code
    learner.clear_notifications()
    learner.page.bring_to_front()
    learner.run("Codementor: Copy What Changed as a Patch")
    learner.status("The patch is on the clipboard")
    copied = code.js("return vscode.env.clipboard.readText()")
    assert '+    "Oslo": [],  # mine' in copied
    apply_the_patch(learner)
    learner.run("Codementor: Show the Learning Note")
    wait(lambda: "statistics is never imported" in code.text(), "the learning note")
    learner.run("Codementor: Money Back")
    learner.fill("It did not help.", "Why did it not help?")
    learner.notification("goes back to your card")


def apply_the_patch(learner: Window) -> None:
    """What was never saved, and is gone from the editor, is put in again; a second time nothing is."""
    code = learner.code
    code.open(code.work / scenes.PROGRAM)
    code.js("await vscode.commands.executeCommand('workbench.action.files.revert')")
    wait(lambda: "# mine" not in code.text(), "the file as it is on the disk")
    learner.run("Codementor: Apply What Changed")
    learner.notification("weather.py is changed, and not saved.")
    wait(lambda: '    "Oslo": [],  # mine\n' in code.text(), "the change")
    learner.run("Codementor: Apply What Changed")
    learner.notification("weather.py has the changes already.")


def click_and_choose(learner: Window, title: str) -> None:
    """By a click on the meter."""
    learner.status(re.compile("▶|⏸")).click()
    learner.page.locator(".quick-input-list .monaco-list-row", has_text=title).first.click()


def offered(learner: Window, typed: str) -> str:
    """What the palette offers for what is typed."""
    learner.press("F1")
    box = learner.page.locator(".quick-input-widget input.input")
    box.wait_for(state="visible")
    box.fill(f">{typed}")
    learner.page.locator(".quick-input-list .monaco-list-row").first.wait_for()
    found = learner.page.locator(".quick-input-list").inner_text()
    learner.press("Escape")
    return found


def caret(code: VisualStudioCode) -> int:
    line: int = code.js("return vscode.window.activeTextEditor.selection.active.line")
    return line


def visible(code: VisualStudioCode) -> range:
    first, last = code.js(
        """
        const [{ start, end }] = vscode.window.activeTextEditor.visibleRanges;
        return [start.line, end.line];
        """
    )
    return range(first, last + 1)


def marks(editor: Peer) -> str:
    """Everything drawn in Neovim's text."""
    seen = "return vim.inspect(vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, { details = true }))"
    return str(editor.lua(seen))


def paths(editor: Peer) -> list[str]:
    return [file["path"] for file in peer.session(editor, "files") or []]
