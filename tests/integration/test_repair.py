"""Texts that have come to differ: found within seconds, made equal again, and nobody's text is only gone."""

from pathlib import Path
from typing import Any

import pytest
from pycrdt import Map

from tests.support import live_pair
from tests.support.fake_editor import FakeEditor
from tests.support.live_pair import TEXT, Pair

pytestmark = [pytest.mark.slow]

LOST = len("import asyncio\n")


def corrupt_the_servers_copy(pair: Pair) -> None:
    """As memory gone bad would: text is gone there and nowhere else, which no state vector shows."""
    room = pair.here.works.rooms._rooms[pair.session_id]
    document: Any = room.document._doc
    del document.get("files", type=Map)["app.py"][0:LOST]


async def kept_by(pair: Pair, editor: FakeEditor) -> str:
    said = await pair.until_said(editor, "is kept in")
    assert "read anew from the server" in said
    return Path(said.partition("file://")[2].rstrip(".")).read_text()


async def test_texts_that_differ_are_read_anew_both_are_kept_and_work_goes_on(
    tmp_path: Path,
) -> None:
    async with live_pair.running(tmp_path) as pair:
        pair.learner.append(pair.uri, "# learner's\n")
        pair.mentor.append(pair.shared, "# mentor's\n")
        await pair.mentor.until(
            lambda: "learner's" in pair.mentor.text(pair.shared), "the learner's line"
        )
        await pair.learner.until_text(pair.uri, pair.mentor.text(pair.shared))
        before = pair.learner.text(pair.uri)
        corrupt_the_servers_copy(pair)
        assert await kept_by(pair, pair.learner) == before
        assert await kept_by(pair, pair.mentor) == before
        await pair.until_both(before[LOST:])
        pair.learner.type_at(pair.uri, 0, "import asyncio  # again\n")
        pair.mentor.append(pair.shared, "# on\n")
        await pair.until_both("import asyncio  # again\n" + before[LOST:] + "# on\n")
        assert TEXT[LOST:] in pair.learner.text(pair.uri)
