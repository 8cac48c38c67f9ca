"""Emacs with eglot, configured as our page says, on either side of a whole session with a Neovim."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cm_server.demo import stage
from cm_server.demo.neovim import Neovim
from tests.e2e.plain import doc_config
from tests.e2e.plain.actors import Channel, PlainNeovim, PluginNeovim
from tests.e2e.plain.emacs_actor import EmacsActor
from tests.e2e.plain.play import play
from tests.support import emacs

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(600)]


@pytest.fixture(scope="module", autouse=True)
def has_emacs() -> None:
    why_not = emacs.missing()
    if why_not:
        pytest.skip(why_not)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[stage.Server]:
    with stage.serving(tmp_path / "data", 1) as running:
        yield running


def variables(server: stage.Server, email: str) -> dict[str, str]:
    return {"CM_SERVER_URL": server.address, "CM_TOKEN": server.tokens()[email]}


@pytest.mark.parametrize("channel", ["question", "action"])
def test_a_learner_in_emacs_holds_a_whole_session(
    server: stage.Server, tmp_path: Path, channel: Channel
) -> None:
    with ExitStack() as exits:
        configuration = doc_config.block("emacs.md", "elisp")
        editor = exits.enter_context(
            emacs.running(tmp_path / "e", variables(server, stage.LEARNER), configuration)
        )
        mentor = exits.enter_context(
            Neovim.headless(tmp_path / "mira", variables(server, stage.MENTOR))
        )
        learner = EmacsActor("Lena", editor, "learner", channel)
        play(learner, PluginNeovim("Mira", mentor), tmp_path, ways=(1, 1))


def test_a_learner_in_emacs_and_a_mentor_in_a_neovim_without_plugin_hold_a_session(
    server: stage.Server, tmp_path: Path
) -> None:
    with ExitStack() as exits:
        configuration = doc_config.block("emacs.md", "elisp")
        editor = exits.enter_context(
            emacs.running(tmp_path / "e", variables(server, stage.LEARNER), configuration)
        )
        mentor = exits.enter_context(
            Neovim.headless(tmp_path / "mira", variables(server, stage.MENTOR), plugin=False)
        )
        play(
            EmacsActor("Lena", editor, "learner", "action"),
            PlainNeovim("Mira", mentor, "mentor", "action"),
            tmp_path,
            ways=(1, 2),
        )


def test_a_mentor_in_emacs_holds_a_whole_session_in_mirrored_files(
    server: stage.Server, tmp_path: Path
) -> None:
    with ExitStack() as exits:
        configuration = doc_config.block("emacs.md", "elisp")
        editor = exits.enter_context(
            emacs.running(tmp_path / "e", variables(server, stage.MENTOR), configuration)
        )
        learner = exits.enter_context(
            Neovim.headless(tmp_path / "lena", variables(server, stage.LEARNER))
        )
        mentor = EmacsActor("Mira", editor, "mentor", "action")
        play(PluginNeovim("Lena", learner), mentor, tmp_path, ways=(1, 1))
