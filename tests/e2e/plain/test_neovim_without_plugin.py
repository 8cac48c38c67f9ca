"""Neovim by its own LSP client, configured as our page says, on either side of a whole session."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cm_server.demo import stage
from cm_server.demo.neovim import Neovim
from tests.e2e.plain.actors import Channel, PlainNeovim, PluginNeovim
from tests.e2e.plain.play import play

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[stage.Server]:
    with stage.serving(tmp_path / "data", 1) as running:
        yield running


def variables(server: stage.Server, email: str) -> dict[str, str]:
    return {"CM_SERVER_URL": server.address, "CM_TOKEN": server.tokens()[email]}


@pytest.mark.parametrize("channel", ["question", "action"])
def test_a_learner_holds_a_whole_session(
    server: stage.Server, tmp_path: Path, channel: Channel
) -> None:
    with (
        Neovim.headless(
            tmp_path / "lena", variables(server, stage.LEARNER), plugin=False
        ) as learner,
        Neovim.headless(tmp_path / "mira", variables(server, stage.MENTOR)) as mentor,
    ):
        play(
            PlainNeovim("Lena", learner, "learner", channel),
            PluginNeovim("Mira", mentor),
            tmp_path,
            ways=(2, 1),
        )


def test_two_people_without_plugins_hold_a_whole_session(
    server: stage.Server, tmp_path: Path
) -> None:
    with (
        Neovim.headless(
            tmp_path / "lena", variables(server, stage.LEARNER), plugin=False
        ) as learner,
        Neovim.headless(tmp_path / "mira", variables(server, stage.MENTOR), plugin=False) as mentor,
    ):
        play(
            PlainNeovim("Lena", learner, "learner", "action"),
            PlainNeovim("Mira", mentor, "mentor", "question"),
            tmp_path,
            ways=(2, 2),
        )


@pytest.mark.parametrize("channel", ["question", "action"])
def test_a_mentor_holds_a_whole_session_in_mirrored_files(
    server: stage.Server, tmp_path: Path, channel: Channel
) -> None:
    with (
        Neovim.headless(tmp_path / "lena", variables(server, stage.LEARNER)) as learner,
        Neovim.headless(tmp_path / "mira", variables(server, stage.MENTOR), plugin=False) as mentor,
    ):
        play(
            PluginNeovim("Lena", learner),
            PlainNeovim("Mira", mentor, "mentor", channel),
            tmp_path,
            ways=(1, 2),
        )
