"""Where it works beside the usual: a workspace that is on no disk, one that is not trusted, high contrast, and a mentor
whose name would like to be a link.
"""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import FrameLocator

from cm_server.demo import stage
from tests.e2e.vscode import code_server, peer, scenes
from tests.e2e.vscode.code_server import VisualStudioCode
from tests.e2e.vscode.conftest import Server, StartCode
from tests.e2e.vscode.peer import Peer, wait
from tests.e2e.vscode.window import Window

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

HOSTILE = "[Go](command:codementor.end)$(bug)<b>"
PROGRAM = f"{code_server.VIRTUAL_FOLDER}/{scenes.PROGRAM}"
OpenWindow = Callable[[VisualStudioCode], Window]

CANARY = """#!/bin/sh
echo run >> "{canary}"
exec cm-lsp
"""


@pytest.fixture(scope="module")
def mentor(tmp_path_factory: pytest.TempPathFactory, shared_server: Server) -> Iterator[Peer]:
    home = tmp_path_factory.mktemp("mentor")
    with peer.mentor_online(home, shared_server.new_mentor(HOSTILE)) as editor:
        yield editor


@pytest.fixture(scope="module")
def learner(
    shared_server: Server, start_code: StartCode, open_window: OpenWindow, mentor: Peer
) -> Iterator[Window]:
    """In a session with that mentor, about a file that is on no disk."""
    code = start_code("virtual", shared_server.variables("lena@example.org"))
    code.open_virtual_workspace()
    opened = open_window(code)
    code.write(PROGRAM, (stage.HERE / "weather.py.txt").read_text())
    code.open(PROGRAM)
    scenes.start_session(opened, mentor, HOSTILE)
    yield opened
    scenes.end_session(opened, mentor)


def test_a_file_that_is_on_no_disk_is_worked_on_together(learner: Window, mentor: Peer) -> None:
    code = learner.code
    mentor.press("ggOimport statistics<Esc>")
    wait(lambda: code.text().startswith("import statistics\n"), "the mentor's line")
    code.select(1, 999, 1, 999)
    learner.focus_editor()
    learner.type_text("  # ours")
    wait(lambda: "# ours" in mentor.text(), "the learner's words")
    wait(lambda: mentor.text() == code.text(), "the same text in both editors")
    assert code.js("return vscode.window.activeTextEditor.document.uri.scheme") == "memory"


def test_a_hostile_name_is_a_name_wherever_it_is_drawn(learner: Window, mentor: Peer) -> None:
    learner.clear_notifications()
    mentor.press("5Gzz")
    wait(lambda: HOSTILE in learner.labels_in_text(), "the name at the cursor")
    mentor.command("Codementor chat hello")
    shown = learner.notification("hello")
    assert shown.locator(".notification-list-item-message a, .codicon-bug, b").count() == 0
    assert "<b>" in shown.inner_text()
    shown.get_by_role("button", name="Open Chat", exact=True).click()
    said = chat(learner).locator("li.theirs", has_text="hello")
    said.get_by_text(HOSTILE, exact=True).wait_for()
    assert said.locator("a, b").count() == 0
    row = learner.page.locator(".monaco-list-row", has_text="mentor").filter(has_text="[Go]")
    row.first.wait_for()
    assert row.locator(".codicon-bug, a:text-is('Go'), b").count() == 0
    learner.clear_notifications()
    meter = learner.status("<b> is looking at it")
    assert meter.locator(".codicon-bug").count() == 0
    meter.hover()
    hover = learner.page.locator(".monaco-hover:visible", has_text="<b>")
    hover.first.wait_for()
    assert hover.locator("a, .codicon-bug, b").count() == 0


def test_what_is_drawn_has_words_for_who_hears_it(learner: Window) -> None:
    meter = learner.status("is looking at it").locator("a").first
    spoken = meter.get_attribute("aria-label") or ""
    assert spoken.startswith("Codementor. ")
    assert "is looking at it, free" in spoken
    learner.run("View: Show Codementor")
    files = learner.page.locator(".monaco-list-row", has_text="weather.py")
    wait(lambda: "weather.py" in (files.first.get_attribute("aria-label") or ""), "a spoken row")
    learner.run("Codementor: Say Something")
    learner.fill("for who hears it", "Say something to the other")
    log = chat(learner).get_by_role("log", name="Chat")
    log.get_by_text("for who hears it").wait_for()
    assert log.get_attribute("aria-live") == "polite"
    assert chat(learner).get_by_role("textbox", name="Say something; Enter sends").is_visible()


def test_in_high_contrast_what_the_other_selected_has_a_border(
    learner: Window, mentor: Peer
) -> None:
    borders = """() => [...document.querySelectorAll('.cdr[class*=ced-]')]
        .map((element) => getComputedStyle(element))
        .filter((style) => parseFloat(style.width) > 4)
        .map((style) => style.borderTopColor)"""
    learner.code.select(0, 0, 0, 0)
    mentor.press("<Esc>11Gzz0v$")
    drawn = wait(lambda: learner.page.evaluate(borders), "what the mentor selected")
    assert set(drawn) == {"rgba(0, 0, 0, 0)"}
    learner.code.set("workbench.colorTheme", "Default High Contrast")
    learner.page.locator(".monaco-workbench.hc-black").wait_for()
    wait(
        lambda: set(learner.page.evaluate(borders)) not in (set(), {"rgba(0, 0, 0, 0)"}),
        "the border in high contrast",
    )
    learner.clear_notifications()
    learner.photograph("vscode-high-contrast")
    learner.code.set("workbench.colorTheme", "Dark Modern")
    mentor.press("<Esc>")


@pytest.mark.parametrize("trusts", [True, False], ids=["trusted", "not trusted"])
def test_only_a_trusted_workspace_may_say_which_program_is_started(
    shared_server: Server,
    start_code: StartCode,
    open_window: OpenWindow,
    tmp_path: Path,
    *,
    trusts: bool,
) -> None:
    canary = tmp_path / "canary"
    own = tmp_path / "cm-lsp"
    own.write_text(CANARY.format(canary=canary))
    own.chmod(0o755)
    code = start_code("trust", shared_server.variables("jonas@example.org"), trusts=trusts)
    settings = code.work / ".vscode" / "settings.json"
    settings.parent.mkdir()
    settings.write_text(json.dumps({"codementor.server.command": [str(own)]}))
    window = open_window(code)
    wait(lambda: scenes.is_connected(window, "Jonas Weber"), "a connection")
    assert canary.exists() == trusts
    window.run("Codementor: Doctor")
    said = re.compile("workspace: trusted" if trusts else "workspace: not trusted")
    wait(lambda: said.search(code.text()), "the doctor's word on it")


def chat(learner: Window) -> FrameLocator:
    return learner.page.frame_locator("iframe.webview").frame_locator("iframe")
