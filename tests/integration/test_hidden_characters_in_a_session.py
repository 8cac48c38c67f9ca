"""What one side types and the other cannot see: the bytes stay, the other is warned until they are gone."""

from pathlib import Path

import pytest
from lsprotocol import types

from cm_lsp.session import hidden_characters
from tests.support import fake_editor, live_pair
from tests.support.fake_editor import FakeEditor
from tests.support.live_pair import TEXT, Pair

LINE = "if is_\u202eadmin:  # \x1b[2J\n"


def _marks(editor: FakeEditor, uri: str) -> list[types.Diagnostic]:
    shown = editor.client.diagnostics.get(uri, [])
    return [one for one in shown if one.code == hidden_characters.CODE]


def _warnings(editor: FakeEditor) -> list[str]:
    return [text for text in editor.said() if "cannot be seen" in text]


@pytest.mark.parametrize("from_mentor", [True, False])
async def test_hidden_characters_of_the_other_side_are_marked_and_said_until_they_are_gone(
    tmp_path: Path, *, from_mentor: bool
) -> None:
    async with live_pair.running(tmp_path) as pair:
        ends = (pair.mentor, pair.shared), (pair.learner, pair.uri)
        (sender, there), (receiver, here) = ends if from_mentor else ends[::-1]
        sender.append(there, LINE)
        await pair.until_both(TEXT + LINE)
        said = await pair.until_said(receiver, "cannot be seen")
        assert "line 9 of app.py (U+202E, U+001B)" in said
        assert "delete them" in said
        assert said.isprintable()
        await receiver.until(lambda: bool(_marks(receiver, here)), "the mark")
        (mark,) = _marks(receiver, here)
        assert mark.severity == types.DiagnosticSeverity.Warning
        assert (mark.range.start.line, mark.range.start.character) == (8, LINE.index("\u202e"))
        assert mark.range.end.character == LINE.index("\x1b") + 1
        assert "U+202E" in mark.message

        receiver.type_at(here, len(TEXT), "", deleted=len(LINE))
        await receiver.until(lambda: not _marks(receiver, here), "the mark to go")
        await pair.until_both(TEXT)
        assert len(_warnings(receiver)) == 1
        assert not _warnings(sender)
        assert not _marks(sender, there)


async def test_ones_own_and_those_that_belong_to_the_writing_are_not_warned_of(
    tmp_path: Path,
) -> None:
    own = "mine = '\u202e'\n"
    async with live_pair.running(tmp_path, text=TEXT + own) as pair:
        pair.mentor.append(pair.shared, "# می\u200cخواهم \U0001f468\u200d\U0001f469\n")
        await _until_marked(pair, "his = '\u2066'\n", line=10)
        assert len(_warnings(pair.learner)) == 1


async def test_of_very_many_lines_the_first_are_marked_and_one_notice_is_given(
    tmp_path: Path,
) -> None:
    async with live_pair.running(tmp_path) as pair:
        lines = "".join(f"x{n} = '\u200b'\n" for n in range(3 * hidden_characters.MARKS_MAX))
        pair.mentor.append(pair.shared, lines)
        await pair.learner.until(lambda: bool(_marks(pair.learner, pair.uri)), "the marks")
        assert len(_marks(pair.learner, pair.uri)) == hidden_characters.MARKS_MAX
        assert len(_warnings(pair.learner)) == 1


async def test_what_came_while_the_learners_editor_was_gone_is_marked_when_it_is_back(
    tmp_path: Path,
) -> None:
    async with live_pair.with_rogue(tmp_path) as (pair, rogue):
        pair.cable.cut()
        rogue.text("app.py").insert(len(TEXT), LINE)
        await rogue.waiting_for(lambda c: c.read("app.py") == TEXT + LINE)
        url = f"http://127.0.0.1:{pair.here.port}"
        async with fake_editor.running(url, pair.accounts[0].token, pair.home) as back:
            back.open(pair.uri, TEXT)
            await back.until_text(pair.uri, TEXT + LINE)
            await back.until(lambda: bool(_marks(back, pair.uri)), "the mark")
            (mark,) = _marks(back, pair.uri)
            assert mark.range.start.line == 8


async def test_an_accepted_proposal_is_looked_at_like_an_edit_of_the_mentors(
    tmp_path: Path,
) -> None:
    async with live_pair.running(tmp_path) as pair:
        await pair.learner.command("mode", mode="propose")
        await pair.mentor.until(lambda: pair.mentor.last("session").mode == "propose", "the mode")
        pair.mentor.append(pair.shared, LINE)
        await pair.until_said(pair.learner, "proposes a change")
        await pair.learner.command("acceptProposal", uri=pair.uri)
        await pair.learner.until_text(pair.uri, TEXT + LINE)
        await pair.until_said(pair.learner, "cannot be seen")


async def _until_marked(pair: Pair, text: str, *, line: int) -> None:
    pair.mentor.append(pair.shared, text)
    await pair.learner.until(lambda: bool(_marks(pair.learner, pair.uri)), "the mark")
    (mark,) = _marks(pair.learner, pair.uri)
    assert mark.range.start.line == line
