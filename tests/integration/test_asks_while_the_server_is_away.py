"""An ask and a connection that breaks: before it, in its middle, and with the server killed. One ask, or a clear no."""

import asyncio
import contextlib
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

from cm_server.clock import SystemClock
from tests.integration.test_running_server import token_of
from tests.support import cuttable_wire, fake_editor, server_process, world
from tests.support.fake_editor import FakeEditor

BROKEN = "import asyncio\n\n\nasync def main():\n    print('hello')\n\n\nasyncio.run(main)\n"
TAKE_BACK = "Codementor: take the ask back"


def sends(_: str, titles: Sequence[str]) -> str | None:
    """Sends the ask; as a mentor, lets the offer ring."""
    return "Send it" if "Send it" in titles else None


async def test_an_ask_made_while_the_server_is_away_is_sent_once_it_is_back(tmp_path: Path) -> None:
    async with (
        world.running(tmp_path / "data", SystemClock()) as here,
        cuttable_wire.to(here.port, is_cut=True) as wire,
    ):
        lea, mo = await here.learner(), await here.mentor()
        async with (
            fake_editor.running(wire.url, lea.token, tmp_path / "lea", answers=sends) as learner,
            fake_editor.running(_direct(here.port), mo.token, tmp_path / "mo") as mentor,
        ):
            await mentor.command("goOnline")
            await learner.until(lambda: bool(learner.said()), "a word about the server")
            assert "cannot be reached; trying again" in learner.said()[0]
            await _ask(learner, _uri(tmp_path))
            await learner.until(lambda: len(learner.questions) == 1, "the preview's question")
            wire.mend()
            await mentor.until(lambda: bool(_offers(mentor)), "the offer")
            assert len(_offers(mentor)) == 1


async def test_an_ask_whose_answer_is_lost_is_sent_again_and_rings_once(tmp_path: Path) -> None:
    async with (
        world.running(tmp_path / "data", SystemClock()) as here,
        cuttable_wire.to(here.port) as wire,
    ):
        lea, mo = await here.learner(), await here.mentor()
        async with (
            fake_editor.running(wire.url, lea.token, tmp_path / "lea", answers=sends) as learner,
            fake_editor.running(
                _direct(here.port), mo.token, tmp_path / "mo", answers=sends
            ) as mentor,
        ):
            await mentor.command("goOnline")
            await learner.command("status")
            wire.deafen()
            await _ask(learner, _uri(tmp_path))
            await mentor.until(lambda: bool(_offers(mentor)), "the offer")
            assert learner.progress() == [], "the answer was lost"
            wire.cut()
            wire.mend()
            await learner.until(lambda: bool(learner.progress()), "the wait to be shown")
            assert len(_offers(mentor)) == 1
            assert len(await asyncio.to_thread(_asks, tmp_path / "data")) == 1


async def test_a_server_killed_before_its_answer_has_one_ask_when_it_is_back(
    tmp_path: Path,
) -> None:
    """What it knew of answered commands is gone with it; the same ask is the same ask all the same."""
    data, uri = tmp_path / "data", _uri(tmp_path)
    with server_process.running(data, ["--demo"]) as first:
        tokens = [token_of(first.printed, name) for name in ("Lena Learner", "Mira Okafor")]
        async with (
            cuttable_wire.to(_port(first.address)) as wire,
            fake_editor.running(wire.url, tokens[0], tmp_path / "lea", answers=sends) as learner,
        ):
            async with fake_editor.running(
                first.address, tokens[1], tmp_path / "mo", answers=sends
            ) as mentor:
                await mentor.command("goOnline")
                wire.deafen()
                await _ask(learner, uri)
                await mentor.until(lambda: bool(_offers(mentor)), "the offer")
                first.kill()
                wire.cut()
            with server_process.running(data, ["--demo"]) as second:
                wire.lead_to(_port(second.address))
                wire.mend()
                await learner.until(lambda: bool(learner.progress()), "the wait to be shown")
                ((ask, state),) = await asyncio.to_thread(_asks, data)
                assert ask.startswith("ask_")
                assert state in {"searching", "offered", "nobody"}
                (back,) = [one for one in await learner.actions(uri) if one.title == TAKE_BACK]
                await learner.choose(back)
                assert await asyncio.to_thread(_asks, data) == [(ask, "cancelled")]


def _direct(port: int) -> str:
    return f"http://127.0.0.1:{port}"


def _port(address: str) -> int:
    port = urlsplit(address).port
    assert port is not None
    return port


def _uri(folder: Path) -> str:
    return (folder / "lea" / "app.py").as_uri()


def _offers(mentor: FakeEditor) -> list[str]:
    return [text for text, _ in mentor.questions if "asks about" in text]


async def _ask(learner: FakeEditor, uri: str) -> None:
    learner.open(uri, BROKEN)
    (action, *_) = await learner.actions(uri, (7, 0), (7, 17))
    await learner.choose(action)


def _asks(data: Path) -> list[tuple[str, str]]:
    with contextlib.closing(sqlite3.connect(data / "codementor.sqlite3")) as shell:
        return list(shell.execute("SELECT id, state FROM ask"))
