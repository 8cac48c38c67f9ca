"""The learning note keeps what people wrote and lets none of it be more than text."""

import re
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st
from sqlmodel import Session

from cm_server.session import lifecycle, note
from cm_server.session.files import FileTexts
from cm_server.session.standing import Standing
from cm_wire.ids import AskId, FilePath
from cm_wire.money import Money
from tests.unit.cm_server.session.conftest import LEARNER, MENTOR, SESSION, moment, opening

STANDING = Standing(
    SESSION, AskId("ask_one"), LEARNER, "Lea", MENTOR, "Mo", "ended", "live", Money(1000, "USD"), 30, "Why?", 0,
    diagnosis="A shadowed name",
)  # fmt: skip


def file(first: str, last: str) -> FileTexts:
    return FileTexts(FilePath("src/a.py"), FilePath("src/a.py"), "python", first, last)


def test_a_note_tells_the_session(db: Session) -> None:
    standing = lifecycle.open_session(db, opening(), moment())
    said = [note.Said(LEARNER, "so?"), note.Said(MENTOR, "two\nlines")]
    assert note.markdown(standing, [file("x = 1\n", "x = 2\n")], said) == (
        "# What Lea learned with Mo\n\n## Question\n\nWhy is it None?\n\n## What changed\n\n"
        "- src/a\\.py: 1 lines added, 1 lines removed\n\n"
        "```diff\ndiff --git a/src/a.py b/src/a.py\n--- a/src/a.py\n+++ b/src/a.py\n"
        "@@ -1 +1 @@\n-x = 1\n+x = 2\n```\n\n"
        "## What was said\n\n- **Lea**: so?\n- **Mo**: two<br>lines\n"
    )


def test_nothing_changed_says_so() -> None:
    assert "Nothing: the files are as they were." in note.markdown(STANDING, [file("x", "x")], [])


def test_foreign_text_is_no_markup() -> None:
    hostile = "[click](http://evil) <img src=x> **b** \x1b[31m \u202e"
    standing = replace(STANDING, learner_name=hostile, question=hostile, diagnosis=hostile)
    text = note.markdown(standing, [], [note.Said(MENTOR, hostile)])
    assert not re.search(r"(?<!\\)\]\(|(?<!\\)<img|\x1b|\u202e", text)
    assert "⟨U" in text


@given(st.text(alphabet="`~ax\n-+", max_size=60), st.text(alphabet="`~ax\n-+", max_size=60))
def test_code_cannot_leave_its_fence(first: str, last: str) -> None:
    text = note.markdown(STANDING, [file(first, last)], [])
    fences = [line for line in text.split("\n") if re.fullmatch("`{3,}(diff)?", line)]
    longest = max((len(run) for run in re.findall("`+", text)), default=0)
    if first == last:
        assert not fences
    else:
        opening_fence = next(line for line in fences if line.endswith("diff"))
        assert len(opening_fence) - len("diff") == longest
        assert fences[-1] == opening_fence.removesuffix("diff")
