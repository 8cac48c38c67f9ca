"""What goes wrong, in a real VS Code: no cm-lsp, one that crashes, one that is too old, a window that is closed in
mid-session, a stranger's text that would like to be a link.
"""

import os
import re
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.vscode import peer, scenes
from tests.e2e.vscode.code_server import VisualStudioCode
from tests.e2e.vscode.conftest import Server, StartCode
from tests.e2e.vscode.peer import wait
from tests.e2e.vscode.window import Window

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OpenWindow = Callable[[VisualStudioCode], Window]

COMMAND = "codementor.server.command"
HOSTILE = "[Accept](command:workbench.action.quit) <b>$(error)</b> [x](https://example.org)"

BROKEN = """#!/bin/sh
echo run >> "{count}"
exit 7
"""

SHORT_LIVED = """#!{python}
import os, sys, threading
from cm_lsp import app, cli
open("{count}", "a").write("run\\n")
begin = app.Codementor.start
def begin_and_die(here, on_fact):
    begin(here, on_fact)
    threading.Timer(1, os._exit, [7]).start()
app.Codementor.start = begin_and_die
sys.exit(cli.main())
"""

OLD = """#!{python}
import sys
from cm_lsp import cli
cli.version = lambda: "0.0.1"
sys.exit(cli.main())
"""


@pytest.fixture(scope="module")
def code(shared_server: Server, start_code: StartCode) -> VisualStudioCode:
    return start_code("hardships", shared_server.variables("lena@example.org"))


@pytest.fixture(scope="module")
def window(code: VisualStudioCode, open_window: OpenWindow) -> Window:
    opened = open_window(code)
    scenes.open_program(opened)
    return opened


@pytest.fixture(autouse=True)
def own_server_again(window: Window) -> Iterator[None]:
    yield
    window.code.set(COMMAND, None)
    window.clear_notifications()


def test_without_cm_lsp_it_says_so_with_ways_out(window: Window) -> None:
    window.code.set(COMMAND, ["/nowhere/cm-lsp"])
    window.run("Codementor: Show Connection and Session")
    window.notification("/nowhere/cm-lsp does not start.")
    window.answer("/nowhere/cm-lsp does not start.", "Doctor")
    wait(lambda: "/nowhere/cm-lsp (setting)" in window.code.text(), "the doctor's text")
    assert "workspace: trusted" in window.code.text()


def test_a_cm_lsp_that_ends_at_once_is_tried_once(window: Window, tmp_path: Path) -> None:
    count = tmp_path / "count"
    window.code.set(COMMAND, [script(tmp_path / "cm-lsp", BROKEN.format(count=count))])
    window.run("Codementor: Show Connection and Session")
    window.notification("does not start.")
    assert count.read_text() == "run\n"


def test_a_cm_lsp_that_keeps_crashing_is_started_five_times(window: Window, tmp_path: Path) -> None:
    count = tmp_path / "count"
    window.code.set(
        COMMAND,
        [script(tmp_path / "cm-lsp", SHORT_LIVED.format(python=sys.executable, count=count))],
    )
    window.run("Codementor: Show Connection and Session")
    window.notification("cm-lsp stopped five times within three minutes")
    assert count.read_text() == "run\n" * 5


def test_a_cm_lsp_that_is_killed_comes_back_and_goes_on(window: Window) -> None:
    wait(lambda: scenes.is_connected(window), "a connection")
    [before] = servers(window.code)
    os.kill(before, signal.SIGKILL)
    wait(lambda: [one for one in servers(window.code) if one != before], "a new cm-lsp")
    wait(lambda: scenes.is_connected(window), "a connection again")


def test_a_cm_lsp_that_is_too_old_is_named(window: Window, tmp_path: Path) -> None:
    old = script(tmp_path / "cm-lsp", OLD.format(python=sys.executable))
    window.code.set(COMMAND, [old])
    window.run("Codementor: Restart the Language Server")
    window.notification("This cm-lsp is too old: it is 0.0.1, needed is 0.1.0 or later.")


def test_a_window_closed_in_mid_session_comes_back_into_it(
    window: Window, shared_server: Server, tmp_path: Path
) -> None:
    code = window.code
    with peer.mentor_online(
        tmp_path / "mentor", shared_server.variables("mira@example.org")
    ) as mentor:
        code.open(code.work / scenes.PROGRAM)
        scenes.start_session(window, mentor)
        window.clear_notifications()
        mentor.command(f"Codementor chat {HOSTILE}")
        shown = window.notification("<b>$(error)</b>")
        assert shown.locator(".notification-list-item-message a").count() == 0
        assert shown.locator("b, .codicon-error.codicon-modifier").count() == 0
        [before] = servers(code)
        window.close_and_open_again()
        wait(lambda: servers(code) not in ([], [before]), "a cm-lsp of the new window")
        code.open(code.work / "weather.py")
        window.status(re.compile("looking at it, free|free until"))
        wait(lambda: mentor.text() == code.text(), "the same text in both editors")
        mentor.press("Goafter the window came back<Esc>")
        wait(lambda: "after the window came back" in code.text(), "the mentor's line")
        scenes.end_session(window, mentor)


def script(place: Path, text: str) -> str:
    place.write_text(text)
    place.chmod(0o755)
    return str(place)


def servers(code: VisualStudioCode) -> list[int]:
    """The processes of cm-lsp that belong to this VS Code, by its home."""
    home = f"HOME={code.folder / 'home'}".encode()
    found = []
    for process in Path("/proc").iterdir():
        if not process.name.isdigit():
            continue
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
            variables = (process / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if any(word.endswith(b"/cm-lsp") for word in words) and home in variables:
            found.append(int(process.name))
    return found
