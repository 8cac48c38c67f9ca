"""What the mentor looks up in a shared buffer, answered by a real second language server in the learner's Neovim."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from cm_server.demo import screenplay, stage
from cm_server.demo.neovim import Neovim, wait_until
from tests.support import words_language_server

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(300)]

CLOCK_FACTOR = 20
TREE = Path(__file__).parents[2]

FLOATING_TEXT = """
for _, window in ipairs(vim.api.nvim_list_wins()) do
  if vim.api.nvim_win_get_config(window).relative ~= '' then
    local buf = vim.api.nvim_win_get_buf(window)
    return table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, false), '\\n')
  end
end
return ''
"""


@pytest.fixture
def scene() -> Iterator[stage.Stage]:
    with stage.set_up(CLOCK_FACTOR, watch=False) as set_up:
        set_up.learner.lua(words_language_server.START_IN_NEOVIM, sys.executable, str(TREE))
        yield set_up


def say(who: str, what: str) -> None:
    sys.stdout.write(f"{who:<9}{what}\n")


def said(editor: Neovim) -> str:
    text: str = editor.lua("return table.concat(require('codementor.client').said(), '\\n')")
    return text


def hovered(mentor: Neovim) -> str:
    """Tried until there is something: the time for an answer may be over on a busy machine."""
    mentor.lua("vim.lsp.buf.hover({ silent = true })")
    found: str = wait_until(lambda: mentor.lua(FLOATING_TEXT), "the hover", 20)
    return found


def test_hover_and_definition_are_answered_by_the_learners_language_server(
    scene: stage.Stage,
) -> None:
    learner, mentor = scene.learner, scene.mentor
    for step in (
        screenplay.meet,
        screenplay.ask,
        screenplay.accept,
        screenplay.let_them_type,
        screenplay.see_each_other,
    ):
        step(scene, say)
    learner.press("ggO# 🌴 above<Esc>")
    wait_until(lambda: mentor.text() == learner.text(), "the same text")
    mentor.command("/^report(READINGS)")

    mentor.lua("asked = nil; vim.lsp.buf.hover({ silent = true })")
    question = "return asked and asked.options.prompt:match('language servers') ~= nil"
    wait_until(lambda: learner.lua(question), "the question to the learner")
    wait_until(lambda: "has not allowed you" in said(mentor), "the reason")
    assert mentor.lua(FLOATING_TEXT) == ""
    learner.lua("asked.choose(asked.items[2], 2)")
    wait_until(lambda: screenplay.session_of(learner, "lookUps"), "the learner's word")

    shown = hovered(mentor)
    assert "(function) def report()" in shown
    assert "Known to the" in shown
    mentor.lua("vim.lsp.buf.definition()")
    wait_until(
        lambda: mentor.lua("return vim.api.nvim_get_current_line()") == "def report(readings):",
        "the definition",
    )
    assert mentor.lua("return vim.api.nvim_win_get_cursor(0)[2]") == len("def ")

    mentor.lua("vim.fn.search('statistics.mean')")
    mentor.lua("vim.lsp.buf.definition()")
    wait_until(lambda: "outside what is shared: statistics.py" in said(mentor), "the name")
    learner.command("Codementor lookups off")
    wait_until(lambda: not screenplay.session_of(learner, "lookUps"), "the word taken back")
