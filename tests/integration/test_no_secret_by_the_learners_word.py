"""What looks like a secret and is none: said in the question or by its code action, seen in the preview, read by the mentor."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from cm_server.clock import SystemClock
from tests.support import fake_editor, world
from tests.support.fake_editor import FakeEditor

EXAMPLE, REAL = "ghp_" + "a1B2" * 9, "ghp_" + "Z9y8" * 9
TEXT = f"example = '{EXAMPLE}'\nreal = '{REAL}'\n"
SAY_SO = "Codementor: no secret: github-token in line 1"


def mentors_answer(_: str, titles: Sequence[str]) -> str | None:
    return titles[1]


@pytest.mark.parametrize("by", ["question", "code action"])
async def test_one_finding_is_sent_as_it_is_after_another_preview(tmp_path: Path, by: str) -> None:
    previews: list[str] = []

    def learners_answer(text: str, titles: Sequence[str]) -> str | None:
        if "Which of these is no secret?" in text:
            return "github-token in line 1"
        if text.startswith("Ask a mentor about"):
            previews.append(_shown(tmp_path / "lea", "codementor-ask.md"))
            if by == "code action":
                return None
            return "One is no secret" if len(previews) == 1 else "Send it"
        return None

    async with world.running(tmp_path / "data", SystemClock()) as here:
        lea, mo = await here.learner(), await here.mentor()
        url = f"http://127.0.0.1:{here.port}"
        async with (
            fake_editor.running(
                url, lea.token, tmp_path / "lea", answers=learners_answer
            ) as learner,
            fake_editor.running(url, mo.token, tmp_path / "mo", answers=mentors_answer) as mentor,
        ):
            await mentor.command("goOnline")
            uri = (tmp_path / "lea" / "app.py").as_uri()
            learner.open(uri, TEXT)
            await _act(learner, uri, "Ask a mentor")
            if by == "code action":
                await learner.until(lambda: len(previews) == 1, "the preview")
                await _act(learner, uri, SAY_SO)
                await learner.until(lambda: len(previews) == 2, "the preview, anew")
                await _act(learner, uri, "Codementor: send the ask as previewed")
            await mentor.until(
                lambda: any("asks about" in text for text, _ in mentor.questions), "the offer"
            )
            before, after = previews
            assert EXAMPLE not in before
            assert "github-token in line 1, github-token in line 2" in before
            offered = _shown(tmp_path / "mo", "codementor-offer-*.md")
            for text in (after, offered):
                assert EXAMPLE in text
                assert REAL not in text
                assert "⟨secret:github-token⟩" in text


async def _act(editor: FakeEditor, uri: str, title: str) -> None:
    (action,) = [one for one in await editor.actions(uri, (0, 0), (1, 5)) if one.title == title]
    await editor.choose(action)


def _shown(workspace: Path, name: str) -> str:
    """The last of that name."""
    found = fake_editor.cache_of(workspace).rglob(name)
    return max(found, key=lambda one: one.stat().st_mtime_ns).read_text(encoding="utf-8")
