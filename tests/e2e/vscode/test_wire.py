"""The network goes away in mid-session, and comes back: what a learner in a real VS Code sees, and what becomes of the text."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.plans import typing
from tests.e2e.plans.neovim_typist import NeovimTypist
from tests.e2e.plans.typing import Typist
from tests.e2e.vscode import peer, scenes, wire
from tests.e2e.vscode.code_server import VisualStudioCode
from tests.e2e.vscode.conftest import Server, StartCode
from tests.e2e.vscode.peer import Peer, wait
from tests.e2e.vscode.typist import CodeTypist
from tests.e2e.vscode.window import Window
from tests.e2e.vscode.wire import Wire

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

RUNS = int(os.environ.get("CODEMENTOR_PLANS", "3"))
FIRST_SEED = int(os.environ.get("CODEMENTOR_PLANS_SEED", "0"))
OpenWindow = Callable[[VisualStudioCode], Window]


@pytest.fixture
def cable(server: Server) -> Iterator[Wire]:
    with wire.to(server.running.address) as opened:
        yield opened


@pytest.fixture
def learner(cable: Wire, server: Server, start_code: StartCode, open_window: OpenWindow) -> Window:
    variables = {**server.variables("lena@example.org"), "CM_SERVER_URL": cable.address}
    return open_window(start_code("wire", variables))


@pytest.fixture
def mentor(tmp_path: Path, server: Server) -> Iterator[Peer]:
    with peer.mentor_online(tmp_path / "mentor", server.variables("mira@example.org")) as editor:
        yield editor


def test_a_network_that_goes_away_is_shown_and_what_was_typed_meanwhile_is_merged(
    learner: Window, mentor: Peer, cable: Wire, tmp_path: Path
) -> None:
    code = learner.code
    scenes.open_program(learner)
    scenes.start_session(learner, mentor)
    learner.run("View: Show Codementor")
    learner.clear_notifications()

    cable.cut()
    learner.status("offline")
    learner.notification("cannot be reached; trying again")
    shared = learner.page.locator(".monaco-list-row", has_text="weather.py")
    shared.get_by_text("offline").wait_for()
    code.select(0, 999, 0, 999)
    learner.focus_editor()
    learner.type_text("  # typed while offline")
    mentor.press("Gotyped by the mentor meanwhile<Esc>")
    assert "mentor meanwhile" not in code.text()
    learner.clear_notifications()
    assert "# typed while offline" in code.text()

    cable.mend()
    wait(lambda: "# typed while offline" in mentor.text(), "the learner's words at the mentor's")
    wait(lambda: "typed by the mentor meanwhile" in code.text(), "the mentor's words")
    wait(lambda: mentor.text() == code.text(), "the same text in both editors")
    learner.page.locator(".statusbar-item", has_text="offline").wait_for(state="detached")
    type_plans_at_once(learner, mentor, cable, tmp_path)
    scenes.end_session(learner, mentor)


def type_plans_at_once(learner: Window, mentor: Peer, cable: Wire, folder: Path) -> None:
    """The plans of the property tests, letters alone: one text in VS Code and Neovim, none lost or doubled."""
    learner.focus_editor()
    people: list[Typist] = [CodeTypist(learner.code), NeovimTypist(mentor)]
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        typing.check(typing.made(seed, letters_alone=True), people, cable, folder)
