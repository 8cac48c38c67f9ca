"""A session between two real language servers and the real server: plain LSP on one side, a plugin's claims on the other."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from cm_server.clock import SystemClock
from tests.support import fake_editor, world
from tests.support.fake_editor import ALL_CLAIMS, FakeEditor

BROKEN = "import asyncio\n\n\nasync def main():\n    print('hello')\n\n\nasyncio.run(main)\n"
FIXED = BROKEN.replace("run(main)", "run(main())")


def agreeable(text: str, titles: Sequence[str]) -> str | None:
    """A user who says yes to everything, and decides on the meter and the rating by command."""
    return None if "Start the meter" in text or "How was it" in text else titles[1]


async def ask_and_accept(learner: FakeEditor, mentor: FakeEditor, uri: str) -> str:
    """From the code action to the session; the learner's document is shared and the mentor may type."""
    await mentor.command("goOnline")
    (action, *_) = await learner.actions(uri, (7, 0), (7, 17))
    assert action.title == "Ask a mentor"
    await learner.choose(action)
    await mentor.until(lambda: mentor.last("session") is not None, "the mentor's session")
    await mentor.until(
        lambda: bool(mentor.last("session").files) and mentor.last("session").mode == "live",
        "the shared file, in live mode",
    )
    return str(mentor.last("session").sessionId)


@pytest.mark.parametrize("claims", [{}, ALL_CLAIMS], ids=["plain", "plugin"])
async def test_a_session_from_the_code_action_to_the_receipt(
    tmp_path: Path, claims: Mapping[str, bool]
) -> None:
    async with world.running(tmp_path / "data", SystemClock()) as here:
        lea, mo = await here.learner(), await here.mentor()
        url = f"http://127.0.0.1:{here.port}"
        async with (
            fake_editor.running(
                url, lea.token, tmp_path / "lea", answers=agreeable, claims=claims
            ) as learner,
            fake_editor.running(
                url,
                mo.token,
                tmp_path / "mo",
                answers=agreeable,
                claims={"sharedBuffers": True, "rebase": True},
            ) as mentor,
        ):
            await _play(learner, mentor, tmp_path)


async def _play(learner: FakeEditor, mentor: FakeEditor, folder: Path) -> None:
    uri = (folder / "lea" / "app.py").as_uri()
    learner.open(uri, BROKEN)
    session_id = await ask_and_accept(learner, mentor, uri)
    shared = f"codementor://{session_id}/app.py"
    text = await mentor.request("codementor/openShared", {"uri": shared})
    assert text.text == BROKEN
    mentor.open(shared, text.text)

    mentor.type_at(shared, BROKEN.index("main)") + 4, "()")
    await learner.until_text(uri, FIXED)
    learner.type_at(uri, 0, "# 🌴 mine\n")
    await mentor.until_text(shared, "# 🌴 mine\n" + FIXED)
    for word in ("one", "two", "three"):
        learner.append(uri, f"# {word}\n")
        mentor.type_at(shared, 0, f"# {word}'s answer\n")
    await learner.until(
        lambda: learner.text(uri) == mentor.text(shared) and learner.text(uri).count("#") == 7,
        "the same text on both sides",
    )

    await mentor.command("diagnose", text="main is never called", minutes=5)
    await learner.command("startMeter")
    await mentor.until(lambda: mentor.last("session").state == "live", "the meter to start")
    await learner.command("chat", text="that was it")
    await mentor.until(lambda: mentor.last("chat") is not None, "the chat line")
    await learner.command("end")
    await mentor.until(lambda: mentor.last("session").state == "ended", "the end")
    assert await learner.command("rate", sessionId=session_id, stars=5, solved=True) == {}
    receipt = await learner.command("receipt", sessionId=session_id)
    assert session_id in receipt["text"]
    assert receipt["uri"] in learner.shown()


async def test_the_learner_is_asked_what_the_mentor_may_do_and_no_answer_leaves_propose(
    tmp_path: Path,
) -> None:
    def only_sends(text: str, titles: Sequence[str]) -> str | None:
        return None if text.startswith("May ") else titles[1]

    async with world.running(tmp_path / "data", SystemClock()) as here:
        lea, mo = await here.learner(), await here.mentor()
        url = f"http://127.0.0.1:{here.port}"
        async with (
            fake_editor.running(url, lea.token, tmp_path / "lea", answers=only_sends) as learner,
            fake_editor.running(url, mo.token, tmp_path / "mo", answers=agreeable) as mentor,
        ):
            uri = (tmp_path / "lea" / "app.py").as_uri()
            learner.open(uri, BROKEN)
            await mentor.command("goOnline")
            (action, *_) = await learner.actions(uri, (7, 0), (7, 17))
            await learner.choose(action)
            await learner.until(
                lambda: any(text.startswith("May Mo type") for text, _ in learner.questions),
                "the question",
            )
            (titles,) = [titles for text, titles in learner.questions if text.startswith("May ")]
            assert titles[0].startswith("Propose")
            twins = [action.title for action in await learner.actions(uri)]
            assert "Codementor: let the mentor type" in twins
