"""What really stands on the screen in a session: read from the terminal as a person sees it, and photographed for the pages.

`make screenshots` writes the pictures.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest

from cm_server.demo import stage
from cm_server.demo.neovim import Neovim
from tests.e2e.plain.actors import wait
from tests.e2e.plain.casting import WAYS, Casting, Kind
from tests.e2e.plain.emacs_actor import EmacsActor
from tests.e2e.plain.plain_neovim import PlainNeovim
from tests.e2e.plain.play import meet, start_the_meter, told_by, type_and_see
from tests.e2e.plain.plugin_neovim import PluginNeovim
from tests.e2e.plain.vim_actor import VimActor
from tests.support.tmux import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

PICTURES: dict[Kind, str | None] = {
    "plugin": "neovim",
    "neovim": "neovim-without-plugin",
    "eglot": "emacs",
    "lsp-mode": "emacs-lsp-mode",
    "vim": None,
}


@pytest.mark.parametrize("kind", PICTURES)
def test_a_session_as_it_stands_on_the_learners_screen(kind: Kind, tmp_path: Path) -> None:
    with ExitStack() as exits:
        server = exits.enter_context(stage.serving(tmp_path / "data", 1))
        casting = Casting(exits, server, tmp_path, are_on_screen=True)
        learner, mentor = casting.cast(kind, "learner"), casting.cast("plugin", "mentor")
        assert isinstance(mentor, PluginNeovim)
        screen = casting.screens["learner"]
        neovims = [one for one in (learner, mentor) if isinstance(one, PluginNeovim | PlainNeovim)]
        for person in neovims:
            _set_up(person.editor, tmp_path)
        with told_by(learner, mentor):
            meet(learner, mentor, tmp_path)
            type_and_see(learner, mentor, (WAYS[kind], 1))
            start_the_meter(learner, mentor, (WAYS[kind], 1))
            mentor.move_to(8)
            mentor.editor.press("6l")
            learner.move_to(2)
            for person in neovims:
                person.editor.command("only")
            if isinstance(learner, EmacsActor):
                learner.list_notes()
            _sees(screen, "Mira Okafor", "the mentor's name")
            _sees(screen, "▶", "the meter")
            if PICTURES[kind] is not None:
                screen.photograph(f"{PICTURES[kind]}-session")
            if isinstance(learner, EmacsActor | VimActor):
                _is_said_where_one_stands(learner, screen)
            if isinstance(learner, PluginNeovim):
                _hunk(learner, mentor, screen)
                _mentors_screen(casting.screens["mentor"])


def _is_said_where_one_stands(learner: EmacsActor | VimActor, screen: Screen) -> None:
    """Besides the notes in their own window: the last line says what the cursor's line has."""
    for line, text, what in ((8, "Mira Okafor is here", "name"), (0, "▶", "meter")):
        learner.move_to(line)
        wait(lambda text=text: text in _last_lines(screen), f"the {what} in the last line")


def _last_lines(screen: Screen) -> str:
    return "\n".join(screen.text().rstrip().splitlines()[-2:])


def _set_up(editor: Neovim, folder: Path) -> None:
    """What makes a picture readable; the name stands longer than a busy machine takes for it."""
    editor.command("set laststatus=2 number signcolumn=yes")
    editor.command(f"cd {folder}")
    if editor.lua("return vim.fn.exists(':Codementor')") == 2:
        editor.lua("require('codementor').setup({ cursor_name_seconds = 0 })")


def _hunk(learner: PluginNeovim, mentor: PluginNeovim, screen: Screen) -> None:
    learner.run("mode propose")
    wait(lambda: mentor.session("mode") == "propose", "the mode")
    mentor.insert_line(9, "asyncio.run(main())")
    _sees(screen, "asyncio.run(main())", "the proposal")
    screen.photograph("neovim-proposal")


def _mentors_screen(screen: Screen) -> None:
    _sees(screen, "Lena Learner", "the learner's name")
    screen.photograph("neovim-mentor")


def _sees(screen: Screen, text: str, what: str) -> None:
    wait(lambda: text in screen.text(), f"{what} on the screen")
