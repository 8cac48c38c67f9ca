"""Emacs may lose what arrives while a question stands in its minibuffer, so it gets none: what is asked is said, and answered by code action."""

from pathlib import Path

import pytest

from cm_server.clock import SystemClock
from tests.support import fake_editor, planted_secrets, world

PROGRAM = "import asyncio\n\n\nasync def main():\n    print('hello')\n\n\nasyncio.run(main)\n"
PLANTED = next(planted_secrets.cases(7, 1))
LINE = next(line.strip() for line in PLANTED.text.split("\n") if PLANTED.secret in line)


@pytest.mark.parametrize("name", ["", "Eglot", "emacs"])
async def test_a_session_is_had_without_one_question(tmp_path: Path, name: str) -> None:
    async with world.running(tmp_path / "data", SystemClock()) as here:
        lea, mo = await here.learner(), await here.mentor()
        url = f"http://127.0.0.1:{here.port}"
        async with (
            fake_editor.running(url, lea.token, tmp_path / "lea", name=name) as learner,
            fake_editor.running(
                url, mo.token, tmp_path / "mo", claims=fake_editor.ALL_CLAIMS
            ) as mentor,
        ):
            uri = (tmp_path / "lea" / "app.py").as_uri()
            learner.open(uri, PROGRAM)

            async def take(title: str) -> None:
                actions = {one.title: one for one in await learner.actions(uri, (7, 0))}
                await learner.choose(actions[title])

            async def told(part: str) -> None:
                await learner.until(lambda: any(part in text for text in learner.said()), part)

            await mentor.command("goOnline")
            await take("Ask a mentor")
            await told("Answer by code action.")
            await take("Codementor: send the ask as previewed")
            await mentor.until(lambda: bool(mentor.last("offer")), "the offer")
            await mentor.command("accept", offerId=mentor.last("offer").offerId)
            await told("or only propose changes")
            await take("Codementor: let the mentor type")
            await mentor.until(lambda: mentor.last("session").mode == "live", "the mode")
            assert await learner.command("chat", text=f"try this: {LINE}") == {"held": True}
            await told("It was not sent; say it without.")
            await take("Codementor: end the session")
            await told("How was it")
            assert learner.questions == []
