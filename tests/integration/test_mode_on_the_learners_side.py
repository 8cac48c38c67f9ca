"""A server that lets through what the mode forbids: the learner's own language server does not leave it standing."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from cm_server.flow import meeting
from tests.support import fake_editor, live_pair
from tests.support.live_pair import TEXT, Pair
from tests.support.yjs_client import YjsClient

APP = "app.py"


async def test_what_the_server_should_not_have_let_through_is_taken_back_for_everybody(
    tmp_path: Path,
) -> None:
    async with live_pair.with_rogue(tmp_path) as (pair, rogue):
        await _only_the_learner_holds_the_mode(pair, rogue)
        pair.learner.append(pair.uri, "# mine\n")
        rogue.text(APP).insert(0, "evil ")
        end = len(rogue.read(APP) or "")
        del rogue.text(APP)[end - 3 : end - 1]
        await rogue.waiting_for(lambda c: _is_as_allowed(c, pair.learner.text(pair.uri)))
        text = pair.learner.text(pair.uri)
        assert text.lstrip("#") == TEXT + "# mine\n"
        await pair.mentor.until_text(pair.shared, text)


async def test_what_it_let_through_while_the_learner_was_away_is_taken_back_as_well(
    tmp_path: Path,
) -> None:
    async with live_pair.with_rogue(tmp_path) as (pair, rogue):
        await _only_the_learner_holds_the_mode(pair, rogue)
        pair.cable.cut()
        await pair.until_said(pair.learner, "cannot be reached")
        pair.learner.append(pair.uri, "# mine\n")
        rogue.text(APP).insert(0, "evil ")
        await rogue.waiting_for(lambda c: "evil" in (c.read(APP) or ""))
        pair.cable.mend()
        await rogue.waiting_for(lambda c: _is_as_allowed(c, pair.learner.text(pair.uri)))
        text = pair.learner.text(pair.uri)
        assert text.lstrip("#") == TEXT + "# mine\n"
        await pair.mentor.until_text(pair.shared, text)


async def test_what_comes_in_the_mode_just_chosen_before_the_word_of_it_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Facts and edits come on two sockets; the learner has waited longer than an edit may be late."""
    async with live_pair.with_rogue(tmp_path) as (pair, rogue):
        await _only_the_learner_holds_the_mode(pair, rogue)
        asked, told = asyncio.Event(), asyncio.Event()
        set_mode = meeting.set_mode

        async def told_late(*given: Any) -> None:
            asked.set()
            await told.wait()
            await set_mode(*given)

        monkeypatch.setattr(meeting, "set_mode", told_late)
        choosing = asyncio.create_task(pair.learner.command("mode", mode="live"))
        await asked.wait()
        rogue.text(APP).insert(0, "help ")
        text = rogue.read(APP) or ""
        await pair.learner.until_text(pair.uri, text)
        told.set()
        await choosing
        pair.learner.append(pair.uri, "# mine\n")
        await rogue.waiting_for(lambda c: c.read(APP) == text + "# mine\n")


async def _only_the_learner_holds_the_mode(pair: Pair, rogue: YjsClient) -> None:
    """The mentor may only look; the server has forgotten it, and the learner's side has seen that."""
    await pair.learner.command("mode", mode="readOnly")
    await pair.mentor.until(lambda: pair.mentor.last("session").mode == "readOnly", "the mode")
    pair.here.works.rooms.set_mode(pair.session_id, "live")
    async with asyncio.timeout(fake_editor.PATIENCE_SECONDS):
        while not any("was taken back" in text for text in pair.learner.said()):
            rogue.text(APP).insert(0, "#")
            await asyncio.sleep(0.1)


def _is_as_allowed(client: YjsClient, text: str) -> bool:
    now = client.read(APP) or ""
    return now == text and "evil" not in now and "# mine" in now
