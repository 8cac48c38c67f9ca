"""Nobody is there: each way out taken in an editor without a plugin, with the real language server and the real server."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cm_server.clock import SystemClock
from tests.support import fake_editor, world
from tests.support.fake_editor import FakeEditor

BROKEN = "import asyncio\n\n\nasync def main():\n    print('hello')\n\n\nasyncio.run(main)\n"


def agreeable(text: str, titles: Sequence[str]) -> str | None:
    return titles[1]


@pytest.mark.parametrize(
    ("way", "price"),
    [("Leave it open", 1000), ("Ring nobody, but tell me", 1000), ("Raise the limit to", 4000)],
)
async def test_each_way_out_leads_to_a_mentor(tmp_path: Path, way: str, price: int) -> None:
    def chooses(text: str, titles: Sequence[str]) -> str | None:
        if "nobody who fits" in text:
            return next(title for title in titles if title.startswith(way))
        return "Ask now" if "Ask now" in titles else agreeable(text, titles)

    async with world.running(tmp_path / "data", SystemClock()) as here:
        lea, mo = await here.learner(), await here.mentor(price=price)
        url = f"http://127.0.0.1:{here.port}"
        async with (
            fake_editor.running(url, lea.token, tmp_path / "lea", answers=chooses) as learner,
            fake_editor.running(url, mo.token, tmp_path / "mo", answers=agreeable) as mentor,
        ):
            if way.startswith("Raise"):
                await mentor.command("goOnline")
            await _ask(learner, (tmp_path / "lea" / "app.py").as_uri())
            await learner.until(
                lambda: any("nobody who fits" in text for text, _ in learner.questions),
                "the question what to do",
            )
            if not way.startswith("Raise"):
                await mentor.command("goOnline")
            await mentor.until(
                lambda: any("asks about" in text for text, _ in mentor.questions), "the offer"
            )


async def _ask(learner: FakeEditor, uri: str) -> None:
    learner.open(uri, BROKEN)
    (action, *_) = await learner.actions(uri, (7, 0), (7, 17))
    await learner.choose(action)
