"""Markdown of a stranger's: code stays code, nothing else of it is Markdown any more."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_lsp import foreign_markdown

FENCE = re.compile(r"^ *(`{3,})")


@pytest.mark.parametrize(
    "hostile",
    [
        "[run](command:workbench.action.terminal.sendSequence)",
        "![x](http://127.0.0.1/x.png)",
        "<img src=x onerror=alert(1)>",
        "<a href='command:x'>x</a>",
        "$(trash) **bold** `code`",
        "[ref]: http://127.0.0.1/",
        "# heading",
        "http://127.0.0.1/",
    ],
)
def test_what_is_not_code_is_shown_as_it_was_written(hostile: str) -> None:
    shown = foreign_markdown.markdown(hostile)
    assert not re.search(r"(?<!\\)[\[\]()<>!`*#:]", shown)
    assert shown.replace("\\", "").strip() == hostile


def test_a_code_block_keeps_its_language_and_its_lines() -> None:
    shown = foreign_markdown.markdown("```python\ndef f(a: int) -> None\n```\nruns *it*")
    assert shown == "```python\ndef f(a: int) -> None\n```\n\nruns \\*it\\*  "


def test_a_block_cannot_be_left_from_within() -> None:
    text = "~~~~\n```\n[x](command:y)\n~~~\n~~~~\n"
    assert foreign_markdown.markdown(text) == "````\n```\n[x](command:y)\n~~~\n````"


def test_a_block_that_never_ends_ends_with_the_text() -> None:
    assert foreign_markdown.markdown("```\na") == "```\na\n```"


def test_what_cannot_be_seen_is_shown() -> None:
    assert "\u202e" not in foreign_markdown.markdown("```\n\u202eabc\x1b[31m\n```\n\u202ex")
    assert "\x1b" not in foreign_markdown.plain("\x1b[31mred")


def test_without_markdown_the_code_stands_alone() -> None:
    assert foreign_markdown.plain("```python\nx = 1\n```\nOne.") == "x = 1\nOne."


@given(st.text(alphabet="`~ab\n [](:)<>\\", max_size=60))
def test_outside_of_its_blocks_nothing_is_left_unescaped(text: str) -> None:
    fence = ""
    for line in foreign_markdown.markdown(text).split("\n"):
        mark = FENCE.match(line)
        if fence:
            fence = "" if line == fence else fence
        elif mark:
            fence = mark.group(1)
        else:
            assert not re.search(r"(?<!\\)(?:\\\\)*[\[\]()<>`]", line), line
    assert not fence
