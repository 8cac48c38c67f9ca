"""Every kind of editor as the learner with every kind as the mentor, and each with a Yjs client in a browser.

Whole sessions: each step is read back from the editors, and the texts are equal at the end. Of Emacs' two clients, eglot meets
everybody; lsp-mode meets our plugin and the browser.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest

from cm_server.demo import stage
from tests.e2e.plain.casting import EDITORS, WAYS, Casting, Kind
from tests.e2e.plain.play import play

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

MEETING_ALL: tuple[Kind, ...] = ("plugin", "neovim", "eglot", "vim")

PAIRS: list[tuple[Kind, Kind]] = [
    *((learner, mentor) for learner in MEETING_ALL for mentor in MEETING_ALL),
    *(("browser", editor) for editor in EDITORS),
    *((editor, "browser") for editor in EDITORS),
    ("plugin", "lsp-mode"),
    ("lsp-mode", "plugin"),
]


@pytest.mark.parametrize(("learner", "mentor"), PAIRS)
def test_a_whole_session(learner: Kind, mentor: Kind, server: stage.Server, tmp_path: Path) -> None:
    with ExitStack() as exits:
        casting = Casting(exits, server, tmp_path)
        people = casting.cast(learner, "learner"), casting.cast(mentor, "mentor")
        play(*people, tmp_path, ways=(WAYS[learner], WAYS[mentor]))
