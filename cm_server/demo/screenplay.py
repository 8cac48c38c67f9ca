"""The play: what the learner and the mentor do, step by step, and what each must see before the next.

A step that does not come about within a minute ends the play by name (`neovim.NotSeen`); nothing is assumed.
"""

import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from cm_server.demo.neovim import Neovim, NotSeen, wait_until
from cm_server.demo.stage import Stage

KEY_SECONDS: Final = 0.03
"""A fast typist's pace, so that both really type at once."""

LEARNER_TYPES: Final = "import statistics\n\n"
MENTOR_TYPES: Final = "            continue\n"

Say = Callable[[str, str], None]
"""Takes who (learner, mentor, or empty for the narrator) and what."""


@dataclass(slots=True)
class Outcome:
    """What is left when the curtain falls; each text as the learner's editor shows it."""

    receipt: str = ""
    patch: str = ""
    program_output: str = ""
    session_id: str = ""
    texts: tuple[str, str] = field(default=("", ""))


def play(stage: Stage, say: Say) -> Outcome:
    outcome = Outcome()
    meet(stage, say)
    ask(stage, say)
    accept(stage, say)
    let_them_type(stage, say)
    see_each_other(stage, say)
    start_the_meter(stage, say)
    type_at_once(stage, say, outcome)
    run_the_program(stage, say, outcome)
    pay_for_some_minutes(stage, say)
    end_and_rate(stage, say, outcome)
    return outcome


def meet(stage: Stage, say: Say) -> None:
    say("learner", f"opens {stage.program.name}, which does not run:")
    failure = _run(stage)
    say("", failure.stderr.strip().splitlines()[-1])
    stage.learner.command(f"edit {stage.program}")
    wait_until(lambda: _diagnostics(stage.learner), "ruff's diagnostic")
    say("", "ruff says: " + _diagnostics(stage.learner)[0])
    stage.mentor.command("Codementor start_server")
    stage.mentor.command("enew")
    _both(stage, _is_connected, "cm-lsp to reach the server")
    stage.mentor.command("Codementor online")
    wait_until(lambda: _status(stage.mentor, "online"), "the mentor to be on the list")
    say("mentor", "goes online")


def ask(stage: Stage, say: Say) -> None:
    learner = stage.learner
    learner.lua(
        "vim.api.nvim_win_set_cursor(0, { vim.diagnostic.get(0)[1].lnum + 1,"
        " vim.diagnostic.get(0)[1].col })"
    )
    say("learner", 'takes the code action "Ask a mentor" on the diagnostic')
    learner.lua(
        """
        vim.lsp.buf.code_action({
          apply = true,
          filter = function(action) return action.title:match('^Ask a mentor') ~= nil end,
        })
        """
    )
    say("learner", "sees all that will be sent")
    _answer(learner, "Send", "the question before anything is sent", say)


def accept(stage: Stage, say: Say) -> None:
    mentor = stage.mentor
    offered = "return require('codementor.offers').latest() ~= nil"
    wait_until(lambda: mentor.lua(offered), "the offer on the mentor's screen")
    say("mentor", "is offered the ask, with its preview, and accepts")
    mentor.command("Codementor accept")
    wait_until(lambda: session_of(mentor, "state") == "triage", "the session to open")


def let_them_type(stage: Stage, say: Say) -> None:
    _answer(stage.learner, "Live", "the question what the mentor may do", say)
    wait_until(lambda: session_of(stage.mentor, "mode") == "live", "the mode to be live")


def see_each_other(stage: Stage, say: Say) -> None:
    learner, mentor = stage.learner, stage.mentor
    wait_until(lambda: session_of(learner, "state") == "triage", "the learner's session to open")
    wait_until(
        lambda: mentor.lua("return vim.api.nvim_buf_get_name(0):match('^codementor:') ~= nil"),
        "the shared buffer in the mentor's editor",
    )
    wait_until(lambda: mentor.text() == learner.text(), "the same text in both editors")
    say("", "both see the same buffer: " + str(mentor.lua("return vim.api.nvim_buf_get_name(0)")))
    mentor.press("gg")
    mentor.press("4j")
    wait_until(lambda: _remote_cursor_line(learner) == 4, "the mentor's cursor at the learner's")
    learner.press("12G")
    wait_until(lambda: _remote_cursor_line(mentor) == 11, "the learner's cursor at the mentor's")
    say("", "and each sees the other's cursor move")
    wait_until(lambda: _diagnostics(mentor), "the learner's diagnostic at the mentor's")
    say("", "the mentor sees what the learner's tools say: " + _diagnostics(mentor)[0])


def start_the_meter(stage: Stage, say: Say) -> None:
    learner, mentor = stage.learner, stage.mentor
    diagnosis = "statistics is never imported, and a city without readings prints a stale mean"
    mentor.command(f"Codementor diagnose 5 {diagnosis}")
    wait_until(lambda: session_of(learner, "diagnosis") == diagnosis, "the diagnosis")
    say("mentor", f"diagnoses, still free: {diagnosis}; 5 minutes")
    learner.command("Codementor start")
    wait_until(lambda: session_of(learner, "state") == "live", "the meter to start")
    say("learner", "says go: the meter runs, on both screens")
    _both(stage, _meter, "the meter in the statusline")
    say("", _meter(learner))


def type_at_once(stage: Stage, say: Say, outcome: Outcome) -> None:
    learner, mentor = stage.learner, stage.mentor
    say("", "both type at once: the learner the import, the mentor the missing continue")
    learner.lua("vim.api.nvim_win_set_cursor(0, { 2, 0 })")
    mentor.command("/no readings")
    mentor.press("A")
    learner.press("o")
    mentor_keys = "\n" + MENTOR_TYPES.strip()
    for index in range(max(len(LEARNER_TYPES), len(mentor_keys))):
        learner.type_text(LEARNER_TYPES.rstrip()[index : index + 1])
        mentor.type_text(mentor_keys[index : index + 1])
        time.sleep(KEY_SECONDS)
    for editor in (learner, mentor):
        editor.press("<Esc>")
    wanted = ("import statistics", "continue")
    wait_until(
        lambda: mentor.text() == learner.text() and all(w in mentor.text() for w in wanted),
        "both edits in both editors",
    )
    outcome.texts = (learner.text(), mentor.text())
    say("", "both buffers are equal again")


def run_the_program(stage: Stage, say: Say, outcome: Outcome) -> None:
    stage.learner.command("silent write")
    finished = _run(stage)
    if finished.returncode:
        raise NotSeen(f"the program still fails:\n{finished.stderr}")
    outcome.program_output = finished.stdout
    say("learner", "saves (nothing was saved before that) and runs it:")
    for line in finished.stdout.splitlines():
        say("", "  " + line)


def pay_for_some_minutes(stage: Stage, say: Say) -> None:
    learner = stage.learner
    wait_until(
        lambda: (
            learner.lua("return (require('codementor.meter').last() or {}).billedSeconds or 0")
            >= 120
        ),
        "two minutes on the meter",
    )
    say("", _meter(learner))


def end_and_rate(stage: Stage, say: Say, outcome: Outcome) -> None:
    learner, mentor = stage.learner, stage.mentor
    learner.command("Codementor end")
    _both(stage, _has_ended, "the end")
    say("learner", "ends the session and rates it")
    learner.command("Codementor rate 5 solved Found both bugs at once.")
    mentor.command("Codementor rate 5 solved")
    wait_until(lambda: session_of(learner, "rated"), "the rating to be taken")
    outcome.session_id = session_of(learner, "sessionId")
    learner.command("Codementor receipt")
    outcome.receipt = _shown(learner, "receipt", "receipt", say)
    learner.command("Codementor patch")
    outcome.patch = _shown(learner, "patch", ".diff", say)


def _shown(editor: Neovim, what: str, name: str, say: Say) -> str:
    """The text of the newest buffer whose name has `name` in it."""
    find = """
    for _, buf in ipairs(vim.fn.reverse(vim.api.nvim_list_bufs())) do
      local path = vim.api.nvim_buf_get_name(buf)
      if vim.fs.basename(path):find(..., 1, true) and vim.api.nvim_buf_is_loaded(buf) then
        local text = table.concat(vim.api.nvim_buf_get_lines(buf, 0, -1, true), '\\n')
        if text ~= '' then return text end
      end
    end
    """
    text: str = wait_until(lambda: editor.lua(find, name), f"the {what} in the editor")
    say("", f"the {what}:")
    for line in text.splitlines():
        say("", "  " + line)
    return text


def _both(stage: Stage, condition: Callable[[Neovim], object], what: str) -> None:
    wait_until(lambda: condition(stage.learner) and condition(stage.mentor), what)


def _answer(editor: Neovim, label: str, question: str, say: Say) -> None:
    """Answer the question on screen with the choice that starts with `label`."""
    wait_until(lambda: editor.lua("return asked ~= nil"), question)
    choices = editor.lua(
        "return vim.tbl_map(asked.options.format_item or function(i) return i.title or i end, asked.items)"
    )
    say("learner", f"is asked, and of {choices} chooses {label}")
    chosen = next(n for n, choice in enumerate(choices, 1) if choice.startswith(label))
    editor.lua("local a = asked; asked = nil; a.choose(a.items[...], ...)", chosen)


def _run(stage: Stage) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, stage.program], capture_output=True, text=True, check=False
    )


def _diagnostics(editor: Neovim) -> list[str]:
    found: list[str] = editor.lua(
        "return vim.tbl_map(function(d) return d.message end, vim.diagnostic.get(0))"
    )
    return found


def _has_ended(editor: Neovim) -> bool:
    return session_of(editor, "state") in {"ended", "closed"}


def _is_connected(editor: Neovim) -> bool:
    return bool(_status(editor, "connection") == "connected")


def _status(editor: Neovim, member: str) -> object:
    return editor.lua("return (require('codementor.session').status() or {})[...]", member)


def session_of(editor: Neovim, member: str) -> str:
    value: str = editor.lua("return (require('codementor.session').get() or {})[...]", member)
    return value


def _meter(editor: Neovim) -> str:
    text: str = editor.lua("return require('codementor.meter').text()")
    return text


def _remote_cursor_line(editor: Neovim) -> int | None:
    marks = editor.lua(
        "return vim.api.nvim_buf_get_extmarks(0,"
        " vim.api.nvim_get_namespaces()['codementor.cursors'] or -1, 0, -1, {})"
    )
    return marks[0][1] if marks else None
