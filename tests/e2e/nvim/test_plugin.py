"""The plugin in a real Neovim of its own, without a server: what it draws, completes, refuses and leaves alone."""

import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pynvim
import pytest

from cm_server.demo.neovim import PLUGIN, Neovim, executable, wait_until

pytestmark = [pytest.mark.e2e]

HOSTILE = '%{system("touch owned")}%#Error# 100%'

STUB_CLIENT = """
local client = require('codementor.client')
executed = {}
client.execute = function(command, argument, done)
  table.insert(executed, { command = command, argument = argument })
  if done then done(answer) end
end
"""


@pytest.fixture
def neovim(tmp_path: Path) -> Iterator[Neovim]:
    with Neovim.headless(tmp_path / "home", {"CM_TOKEN": ""}) as editor:
        editor.lua("vim.g.codementor_auto_start = false")
        editor.command(f"cd {tmp_path}")
        yield editor


def executed(editor: Neovim) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = editor.lua("return executed")
    return found


def offer(number: int, ends_in_ms: int) -> dict[str, Any]:
    return {
        "offerId": f"off_{number}",
        "state": "open",
        "why": "",
        "text": f"Learner {number} asks",
        "question": "",
        "diagnostics": [],
        "path": "a.py",
        "excerpt": "x = 1",
        "languageId": "python",
        "answerWithinMs": ends_in_ms,
    }


def test_nothing_is_loaded_before_the_first_use(neovim: Neovim) -> None:
    loaded = "return vim.tbl_filter(function(n) return vim.startswith(n, 'codementor') end, vim.tbl_keys(package.loaded))"
    assert neovim.lua(loaded) == []
    assert neovim.lua("return vim.fn.exists(':Codementor')") == 2


def test_the_help_says_what_the_schema_says() -> None:
    script = PLUGIN / "scripts" / "help.lua"
    words = [str(executable()), "--clean", "-l", str(script), "--check"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_option_is_in_the_type_and_every_command_in_the_help(neovim: Neovim) -> None:
    names = neovim.lua(
        "return vim.tbl_map(function(o) return o.name end, require('codementor.config').schema)"
    )
    config = (PLUGIN / "lua" / "codementor" / "config.lua").read_text()
    assert [name for name in names if f"---@field {name}? " not in config] == []
    help_text = (PLUGIN / "doc" / "codementor.txt").read_text()
    commands = neovim.lua("return vim.tbl_keys(require('codementor.commands').subcommands)")
    assert [name for name in commands if name not in help_text] == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ("{ cap_minute = 20 }", "cap_minute"),
        ("{ cap_minutes = 'twenty' }", "cap_minutes"),
        ("{ cmd = 'cm-lsp' }", "cmd"),
    ],
)
def test_a_wrong_option_is_refused_by_name(neovim: Neovim, options: str, named: str) -> None:
    with pytest.raises(pynvim.NvimError, match=named):
        neovim.lua(f"require('codementor').setup({options})")


def test_commands_are_completed(neovim: Neovim) -> None:
    complete = "return vim.fn.getcompletion(..., 'cmdline')"
    assert neovim.lua(complete, "Codementor mo") == ["mode"]
    assert neovim.lua(complete, "Codementor mode ") == ["live", "propose", "readOnly"]
    neovim.lua("require('codementor.offers').changed(...)", offer(7, 9000))
    assert neovim.lua(complete, "Codementor accept ") == ["off_7"]


def test_an_unknown_subcommand_is_answered_by_the_known_ones(neovim: Neovim) -> None:
    neovim.lua("vim.notify = function(message) told = message end")
    neovim.command("Codementor frobnicate")
    assert 'there is no "frobnicate"; one of' in neovim.lua("return told")


def test_health_says_what_is_missing_and_what_to_do(neovim: Neovim) -> None:
    neovim.lua("require('codementor').setup({ cmd = { 'no-such-cm-lsp' } })")
    neovim.command("checkhealth codementor")
    report = neovim.text()
    assert "no-such-cm-lsp is not on PATH" in report
    assert "pip install" in report


def test_a_cursor_is_drawn_behind_wide_letters_in_a_line_with_any_and_taken_away_again(
    neovim: Neovim,
) -> None:
    neovim.lua("vim.api.nvim_buf_set_name(0, 'a.py')")
    neovim.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, { 'x', 'größer 😀 = 1 \\0' })")
    drawn = {
        "uri": neovim.lua("return vim.uri_from_bufnr(0)"),
        "cursors": [
            {
                "participant": "p1",
                "name": "Mira",
                "colour": "#aa3300",
                "position": {"line": 1, "character": 10},
            }
        ],
    }
    neovim.lua("require('codementor.cursors').draw(...)", drawn)
    marks = neovim.lua(
        "return vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_get_namespaces()['codementor.cursors'], 0, -1, { details = true })"
    )
    ((_, row, column, details),) = marks
    assert (row, column) == (1, len("größer 😀 ".encode()))
    assert details["virt_text"][0][0] == " Mira "
    assert details["virt_text_pos"] == "eol", "a name tag covers no text"
    neovim.lua("require('codementor.cursors').draw(...)", {**drawn, "cursors": []})
    count = "return #vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_get_namespaces()['codementor.cursors'], 0, -1, {})"
    assert neovim.lua(count) == 0


CURSORS = "return vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_get_namespaces()['codementor.cursors'], 0, -1, { details = true })"


def cursor_in(line: int) -> dict[str, Any]:
    position = {"line": line, "character": 0}
    return {"participant": "p1", "name": "Mira", "colour": "#aa3300", "position": position}


def draw(editor: Neovim, *cursors: dict[str, Any]) -> None:
    uri = editor.lua("return vim.uri_from_bufnr(0)")
    shown = {"uri": uri, "cursors": list(cursors)}
    editor.lua("require('codementor.cursors').draw(...)", shown)


def named_lines(editor: Neovim) -> list[int]:
    """The lines with a name behind them."""
    return [row for _, row, _, details in editor.lua(CURSORS) if " Mira " in str(details)]


def test_a_name_goes_out_of_the_way_of_the_own_cursor_and_comes_back(neovim: Neovim) -> None:
    neovim.lua("vim.api.nvim_buf_set_name(0, 'a.py')")
    neovim.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, { 'one', 'two', 'three' })")
    client = "{ offset_encoding = 'utf-8', is_stopped = function() return true end }"
    neovim.lua("require('codementor').setup({ cursor_name_seconds = 600 })")
    neovim.lua(f"require('codementor.cursors').report_own({client}, vim.fn.bufnr())")
    draw(neovim, cursor_in(1))
    assert named_lines(neovim) == [1]
    neovim.press("j")
    wait_until(lambda: named_lines(neovim) == [], "the name to go")
    assert neovim.lua(CURSORS), "the cursor itself stays"
    neovim.press("j")
    wait_until(lambda: named_lines(neovim) == [1], "the name to come back")


def test_a_name_goes_some_time_after_the_last_move(neovim: Neovim) -> None:
    neovim.lua("require('codementor').setup({ cursor_name_seconds = 0.2 })")
    neovim.lua("vim.api.nvim_buf_set_name(0, 'a.py')")
    neovim.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, { 'one', 'two', 'three' })")
    draw(neovim, cursor_in(1))
    assert named_lines(neovim) == [1]
    wait_until(lambda: named_lines(neovim) == [], "the name to go")
    draw(neovim, cursor_in(1))
    assert named_lines(neovim) == [], "told again where it was, it has not moved"
    draw(neovim, cursor_in(2))
    assert named_lines(neovim) == [2]


def test_follow_goes_there_at_once_and_again_but_not_while_one_types(neovim: Neovim) -> None:
    neovim.lua("vim.api.nvim_buf_set_name(0, 'a.py')")
    neovim.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, { 'one', 'two', 'three' })")
    draw(neovim, cursor_in(1))
    line = "return vim.api.nvim_win_get_cursor(0)[1] - 1"
    assert neovim.lua(line) == 0
    neovim.lua("require('codementor.following').set('p1')")
    assert neovim.lua(line) == 1
    draw(neovim, cursor_in(2))
    assert neovim.lua(line) == 2
    neovim.press("i")
    draw(neovim, cursor_in(0))
    assert neovim.lua(line) == 2
    neovim.press("<Esc>")
    draw(neovim, cursor_in(1))
    assert neovim.lua(line) == 1


def test_who_moves_on_their_own_follows_no_longer(neovim: Neovim) -> None:
    neovim.lua(STUB_CLIENT)
    neovim.lua("vim.api.nvim_buf_set_name(0, 'a.py')")
    neovim.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, { 'one', 'two', 'three' })")
    client = "{ offset_encoding = 'utf-8', is_stopped = function() return true end }"
    neovim.lua(f"require('codementor.cursors').report_own({client}, vim.fn.bufnr())")
    draw(neovim, cursor_in(1))
    neovim.lua("require('codementor.following').set('p1')")
    neovim.lua("vim.api.nvim_buf_set_lines(0, 0, 0, true, { 'from the other' })")
    draw(neovim, cursor_in(2))
    followed = "return require('codementor.following').get()"
    neovim.press("l")  # within the line
    assert neovim.lua(followed) == "p1", "a change above is no move of one's own"
    neovim.press("k")
    wait_until(lambda: neovim.lua(followed) is None, "the end of following")
    assert executed(neovim)[-1]["command"] == "follow"


def test_a_pointer_marks_the_range_and_says_the_note_above_it(neovim: Neovim) -> None:
    neovim.lua("vim.api.nvim_buf_set_name(0, 'a.py')")
    neovim.lua("vim.api.nvim_buf_set_lines(0, 0, -1, true, { 'one', 'two', 'three' })")
    start, end = {"line": 1, "character": 0}, {"line": 1, "character": 3}
    pointer = {
        "uri": neovim.lua("return vim.uri_from_bufnr(0)"),
        "range": {"start": start, "end": end},
        "participant": "p1",
        "name": "Mira",
        "colour": "#aa3300",
        "note": "this one",
    }
    neovim.lua("require('codementor.cursors').point(...)", pointer)
    marks = neovim.lua(
        "return vim.api.nvim_buf_get_extmarks(0, vim.api.nvim_get_namespaces()['codementor.pointer'], 0, -1, { details = true })"
    )
    (said,) = [details["virt_lines"] for *_, details in marks if "virt_lines" in details]
    assert said[0][0][0] == " Mira: this one "
    (marked,) = [(row, col, d) for _, row, col, d in marks if "hl_group" in d]
    assert (marked[0], marked[1], marked[2]["end_row"], marked[2]["end_col"]) == (1, 0, 1, 3)


def test_a_cursor_beyond_the_text_and_a_colour_that_is_none_do_no_harm(neovim: Neovim) -> None:
    neovim.lua("vim.api.nvim_buf_set_name(0, 'a.py')")
    cursor = {
        "participant": "p'1|",
        "name": HOSTILE,
        "colour": "red; x",
        "position": {"line": 99, "character": 99},
    }
    uri = neovim.lua("return vim.uri_from_bufnr(0)")
    neovim.lua("require('codementor.cursors').draw(...)", {"uri": uri, "cursors": [cursor]})
    assert neovim.text() == "\n"


def test_foreign_text_in_the_statusline_is_text(neovim: Neovim, tmp_path: Path) -> None:
    neovim.lua("vim.o.statusline = \"%{%v:lua.require'codementor'.statusline()%}\"")
    neovim.lua("require('codementor.meter').moved(...)", {"text": HOSTILE, "state": "running"})
    shown = neovim.lua("return vim.api.nvim_eval_statusline(vim.o.statusline, {}).str")
    assert shown == HOSTILE
    assert not (tmp_path / "owned").exists()


def test_a_shared_buffer_reads_no_modeline_and_undo_cannot_empty_it(neovim: Neovim) -> None:
    neovim.lua(
        """
        vim.o.modeline, vim.o.modelines = true, 5
        local text = 'x = 1\\n# vim: set tabstop=3 textwidth=11 :\\n'
        local client = { id = 1, request_sync = function()
          return { result = { text = text, languageId = 'python', readOnly = false } }
        end }
        require('codementor.client').require = function() return client end
        vim.lsp.buf_is_attached = function() return true end
        """
    )
    neovim.command("edit codementor://ses_1/a.py")
    assert neovim.text() == "x = 1\n# vim: set tabstop=3 textwidth=11 :\n"
    assert neovim.lua("return { vim.bo.tabstop == 3, vim.bo.textwidth == 11 }") == [False, False]
    assert neovim.lua("return vim.bo.filetype") == "python"
    neovim.press("u")
    assert neovim.text().startswith("x = 1")
    neovim.command("write")
    assert neovim.lua("return vim.bo.modified") is False


def test_one_open_offer_is_accepted_and_of_several_one_is_chosen(neovim: Neovim) -> None:
    neovim.lua(STUB_CLIENT)
    neovim.lua("require('codementor.offers').changed(...)", offer(1, 9000))
    neovim.command("Codementor accept")
    assert executed(neovim)[-1]["argument"] == {"offerId": "off_1"}
    neovim.lua("require('codementor.offers').changed(...)", offer(2, 5000))
    neovim.lua(
        """
        vim.ui.select = function(items, options, choose)
          listed = vim.tbl_map(options.format_item, items)
          choose(items[1], 1)
        end
        """
    )
    neovim.command("Codementor accept")
    assert neovim.lua("return listed") == ["Learner 2 asks", "Learner 1 asks"]
    assert executed(neovim)[-1]["argument"] == {"offerId": "off_2"}


def test_mentors_are_listed_with_their_reasons_and_the_chosen_one_is_asked(neovim: Neovim) -> None:
    neovim.lua(STUB_CLIENT)
    neovim.lua("answer = { { mentor = 'per_1', text = 'Mira · $10.00 · knows asyncio' } }")
    neovim.lua(
        """
        vim.ui.select = function(items, options, choose)
          listed = vim.tbl_map(options.format_item, items)
          choose(items[1], 1)
        end
        """
    )
    neovim.command("Codementor mentors")
    assert neovim.lua("return listed") == ["Mira · $10.00 · knows asyncio"]
    asked = executed(neovim)[-1]
    assert (asked["command"], asked["argument"]["mentor"]) == ("ask", "per_1")


def test_chat_is_kept_in_a_buffer_that_cannot_be_changed(neovim: Neovim) -> None:
    said = "require('codementor.chat').said(...)"
    neovim.lua(said, {"name": "Mira", "text": "look\nhere", "mine": False})
    neovim.lua(said, {"name": "Lena", "text": "I see", "mine": True})
    neovim.command("Codementor chat")
    assert neovim.text() == "Mira: look\nhere\nLena: I see\n"
    assert neovim.lua("return vim.bo.modifiable") is False


@pytest.mark.parametrize("name", ["app.py", "notes.of-no-type"])
def test_a_file_opened_in_an_empty_buffer_is_known_to_the_server(
    neovim: Neovim, tmp_path: Path, name: str
) -> None:
    file = tmp_path / name
    file.write_text("x = 1\n")
    neovim.command("Codementor start_server")
    started = "return (vim.lsp.get_clients({ name = 'codementor' })[1] or {}).initialized"
    wait_until(lambda: neovim.lua(started), "cm-lsp")
    neovim.command("enew")
    neovim.command(f"edit {file}")
    attached = "return #vim.lsp.get_clients({ name = 'codementor', bufnr = 0 })"
    wait_until(lambda: neovim.lua(attached) == 1, "the file to be attached", 20)
    neovim.command("Codementor mentors")
    said = "return table.concat(require('codementor.client').said(), '\\n')"
    wait_until(lambda: "signed in" in neovim.lua(said), "an answer about the account", 20)
    assert "must be" not in neovim.lua(said)


def test_a_preview_shown_anew_takes_the_place_of_the_one_before(
    neovim: Neovim, tmp_path: Path
) -> None:
    names = [tmp_path / "shown" / text / "codementor-ask.md" for text in ("first", "second")]
    for name in names:
        name.parent.mkdir(parents=True)
        name.write_text(f"# {name.parent.name}\n")
        shown = {"uri": name.as_uri(), "takeFocus": False}
        neovim.lua(
            """
            local client_id = vim.lsp.start({ name = 'test', cmd = function() return {
              request = function() return true, 1 end, notify = function() return true end,
              is_closing = function() return false end, terminate = function() end,
            } end })
            local handlers = require('codementor.client').handlers
            handlers['window/showDocument'](nil, ..., { client_id = client_id })
            """,
            shown,
        )
    previews = "return vim.tbl_filter(function(name) return vim.endswith(name, 'codementor-ask.md') end, vim.tbl_map(vim.api.nvim_buf_get_name, vim.tbl_map(vim.api.nvim_win_get_buf, vim.api.nvim_list_wins())))"
    assert neovim.lua(previews) == [str(names[1])]
    neovim.lua("require('codementor.shown').close('codementor-ask.md')")
    assert neovim.lua(previews) == []


def test_who_waits_sees_how_the_ask_stands_and_is_told_what_is_news(neovim: Neovim) -> None:
    neovim.lua("heard = {}; vim.notify = function(message) table.insert(heard, message) end")
    texts = ("looking for a mentor", "ringing 3 mentors, about 9 s", "ringing 2 mentors, about 4 s")
    for kind, text in zip(("begin", "report", "report"), texts, strict=True):
        value = {"kind": kind, "message": text}
        neovim.lua("require('codementor.waiting').progressed(...)", {"token": 1, "value": value})
        assert neovim.lua("return require('codementor').statusline()") == text
    assert neovim.lua("return heard") == [f"codementor: {text}" for text in texts[:2]]
    ended = {"token": 1, "value": {"kind": "end", "message": "matched"}}
    neovim.lua("require('codementor.waiting').progressed(...)", ended)
    assert neovim.lua("return require('codementor').statusline()") == ""
