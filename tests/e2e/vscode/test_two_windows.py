"""Two windows of one user: the session is in both, neither takes it from the other, and no other project's file of the same
name is touched.
"""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.e2e.vscode import peer, scenes
from tests.e2e.vscode.code_server import VisualStudioCode
from tests.e2e.vscode.conftest import Server, StartCode
from tests.e2e.vscode.peer import Peer, wait
from tests.e2e.vscode.window import Window

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

OTHER_PROJECT = "print('this is another project')\n"
OpenWindow = Callable[[VisualStudioCode], Window]


@pytest.fixture
def mentor(tmp_path: Path, server: Server) -> Iterator[Peer]:
    with peer.mentor_online(tmp_path / "mentor", server.variables("mira@example.org")) as editor:
        yield editor


def test_a_second_window_shows_the_session_and_leaves_it_where_it_is(
    mentor: Peer, server: Server, start_code: StartCode, open_window: OpenWindow, tmp_path: Path
) -> None:
    home = {**server.variables("lena@example.org"), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    first = open_window(start_code("first", home))
    scenes.open_program(first)
    scenes.start_session(first, mentor)

    second = open_window(start_code("second", home))
    namesake = second.code.work / scenes.PROGRAM
    namesake.write_text(OTHER_PROJECT)
    second.run("Codementor: Show Connection and Session")
    said = second.notification("You are in a session with Mira Okafor about weather.py.")
    assert "The meter, the chat and the end are here, too" in said.inner_text()
    second.code.open(namesake)

    mentor.press("Goseen in both windows<Esc>")
    wait(lambda: "seen in both windows" in first.code.text(), "the mentor's line in the first")
    assert second.code.text() == OTHER_PROJECT, "another project's file is not the session's"
    second.answer("You are in a session with Mira Okafor about weather.py.", "Open It Here")
    wait(lambda: "seen in both windows" in second.code.text(), "the mentor's line in the second")
    second.focus_editor()
    second.code.select(0, 999, 0, 999)
    second.type_text("  # from the second")
    wait(lambda: "# from the second" in first.code.text(), "what the second typed in the first")
    wait(lambda: mentor.text() == first.code.text() == second.code.text(), "the same text in all")

    scenes.end_session(second, mentor)
    first.notification("The session is over. How was it?")
