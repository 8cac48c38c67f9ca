"""The Neovim plugin moves an edit over what was typed since exactly as the bridge expects it to."""

import random
from collections.abc import Iterator

import pytest

from cm_lsp.sharing import edits
from cm_server.demo.neovim import Neovim, wait_until

ROUNDS = 1_200
ALPHABET = ["a", "b", "é", "漢", "😀", "\n", "\n", " "]


# A client of Neovim's own, with our plugin's handlers, on a server that only writes down what it is told.
START_CLIENT = """
sent = {}
local function server()
  return {
    request = function(method, _, callback)
      local capabilities = {
        positionEncoding = 'utf-8',
        textDocumentSync = { openClose = true, change = 2 },
      }
      callback(nil, method == 'initialize' and { capabilities = capabilities } or vim.NIL)
      return true, 1
    end,
    notify = function(method, params)
      if method == 'textDocument/didChange' then
        sent[#sent + 1] = params
      end
      return true
    end,
    is_closing = function() return false end,
    terminate = function() end,
  }
end
client_id = vim.lsp.start({
  name = 'codementor',
  cmd = require('codementor.client').watched(server),
  flags = { debounce_text_changes = 0 },
}, { attach = false })
"""


@pytest.fixture(scope="module")
def nvim(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neovim]:
    with Neovim.headless(tmp_path_factory.mktemp("nvim")) as running:
        running.lua(START_CLIENT)
        yield running


@pytest.mark.parametrize("seed", range(4))
def test_an_edit_for_an_older_version_lands_where_the_bridge_expects_it(
    nvim: Neovim, seed: int
) -> None:
    rng = random.Random(seed)
    for round_number in range(ROUNDS // 4):
        _one_round(nvim, rng, f"seed {seed}, round {round_number}")


def test_a_forgotten_version_leaves_the_buffer_untouched(nvim: Neovim) -> None:
    version = _open(nvim, "one\ntwo\n")
    _set_text(nvim, "one\ntwo\n", edits.Replacement(0, 3, "three"))
    assert not _put_in(nvim, version - 1, "one\ntwo\n", edits.Replacement(0, 1, "x"))
    assert nvim.text() == "three\ntwo\n"


def test_text_typed_inside_a_deletion_stays(nvim: Neovim) -> None:
    text = "keep DELETE ME keep\n"
    version = _open(nvim, text)
    _set_text(nvim, text, edits.Replacement(12, 12, "typed "))
    assert _put_in(nvim, version, text, edits.Replacement(5, 15, ""))
    assert nvim.text() == "keep typed keep\n"


def test_own_text_stays_left_of_the_others_at_one_place(nvim: Neovim) -> None:
    version = _open(nvim, "ab\n")
    _set_text(nvim, "ab\n", edits.Replacement(1, 1, "MINE"))
    assert _put_in(nvim, version, "ab\n", edits.Replacement(1, 1, "theirs"))
    assert nvim.text() == "aMINEtheirsb\n"


def test_lines_added_at_the_very_end_add_no_empty_line(nvim: Neovim) -> None:
    version = _open(nvim, "one\n")
    assert _put_in(nvim, version, "one\n", edits.Replacement(4, 4, "two\n"))
    assert nvim.text() == "one\ntwo\n"


def test_the_edit_is_reported_as_one_change(nvim: Neovim) -> None:
    text = "keep DELETE ME keep\n"
    version = _open(nvim, text)
    _set_text(nvim, text, edits.Replacement(12, 12, "typed "))
    nvim.lua("sent = {}")
    assert _put_in(nvim, version, text, edits.Replacement(5, 15, "new"))
    assert len(nvim.lua("return sent")) == 1


def test_what_one_key_does_is_told_at_once(nvim: Neovim) -> None:
    _open(nvim, "one\ntwo\nthree\n")
    nvim.lua("sent = {}")
    nvim.press("ggA<Del><Esc>")
    wait_until(lambda: nvim.lua("return #sent") > 0, "the report of two lines joined")
    assert nvim.text() == "onetwo\nthree\n"
    (report,) = nvim.lua("return sent")
    assert len(report["contentChanges"]) == 2


def test_an_edit_for_a_buffer_that_was_wiped_out_since_is_refused(nvim: Neovim) -> None:
    text = "one\n"
    version = _open(nvim, text)
    assert not _put_in(nvim, version + 1000, text, edits.Replacement(0, 1, "x"))
    assert nvim.text() == text


def test_until_the_server_knows_of_an_opening_edits_are_for_an_earlier_one(nvim: Neovim) -> None:
    text = "one\n"
    version = _open(nvim, text)
    again = """
    local uri = vim.uri_from_bufnr(0)
    local rebase = require('codementor.rebase')
    local params = { textDocument = { uri = uri, version = ... } }
    rebase.sending('textDocument/didOpen', params)
    is_read = rebase.sending('textDocument/didOpen', params)
    """
    nvim.lua(again, version)
    assert not _put_in(nvim, version, text, edits.Replacement(0, 1, "x"))
    nvim.lua("is_read()")
    assert _put_in(nvim, version, text, edits.Replacement(0, 1, "x"))


def test_an_undo_in_between_is_moved_over_like_typing(nvim: Neovim) -> None:
    text = "one two three\n"
    _open(nvim, text)
    nvim.press("0dwA four<Esc>")
    assert nvim.text() == "two three four\n"
    version = nvim.lua("return vim.lsp.util.buf_versions[vim.api.nvim_get_current_buf()]")
    nvim.press("uu")
    assert nvim.text() == text
    assert _put_in(nvim, version, "two three four\n", edits.Replacement(3, 3, "!"))
    assert nvim.text() == "one two! three\n"


def _one_round(nvim: Neovim, rng: random.Random, what: str) -> None:
    text = _random_text(rng, 14) + "\n"
    version = _open(nvim, text)
    remote = _random_replacement(rng, text)
    for _ in range(rng.randint(0, 4)):
        typed = nvim.text()
        _set_text(nvim, typed, _random_replacement(rng, typed[:-1]))
    typed, moved = text, edits.replacement(*remote)
    for step in _reported(nvim, text):
        _, moved = edits.transform(step, moved)
        typed = edits.apply(typed, step)
    assert typed == nvim.text()
    assert _put_in(nvim, version, text, remote) == bool(moved), (what, text, remote)
    assert nvim.text() == _with_final_newline(edits.apply(typed, moved)), (what, text, remote)


def _reported(nvim: Neovim, text: str) -> list[edits.Operation]:
    """The changes as the server was told them, which may be other ones of the same effect."""
    steps = []
    for message in nvim.lua("return sent"):
        for change in message["contentChanges"]:
            start = _offset(text, change["range"]["start"])
            step = edits.replacement(start, _offset(text, change["range"]["end"]), change["text"])
            steps.append(step)
            text = edits.apply(text, step)
    return steps


def _open(nvim: Neovim, text: str) -> int:
    """A new buffer with the text, attached; returns the version the server knows."""
    return nvim.lua(
        """
        vim.cmd('enew!')
        vim.api.nvim_buf_set_name(0, ('/nowhere/%d.txt'):format(vim.uv.hrtime()))
        vim.api.nvim_buf_set_lines(0, 0, -1, true, ...)
        vim.lsp.buf_attach_client(0, client_id)
        sent = {}
        return vim.lsp.util.buf_versions[vim.api.nvim_get_current_buf()]
        """,
        text[:-1].split("\n"),
    )


def _set_text(nvim: Neovim, text: str, change: edits.Replacement) -> None:
    start, end = _place(text, change.start), _place(text, change.end)
    nvim.lua(
        "local a, b, lines = ...; vim.api.nvim_buf_set_text(0, a[1], a[2], b[1], b[2], lines)",
        start,
        end,
        change.text.split("\n"),
    )


def _put_in(nvim: Neovim, version: int, text: str, change: edits.Replacement) -> bool:
    start, end = _place(text, change.start), _place(text, change.end)
    edit = {
        "range": {
            "start": {"line": start[0], "character": start[1]},
            "end": {"line": end[0], "character": end[1]},
        },
        "newText": change.text,
    }
    answer = nvim.lua(
        """
        local version, edit = ...
        local params = { uri = vim.uri_from_bufnr(0), version = version, edits = { edit } }
        return require('codementor.rebase').apply(params, client_id)
        """,
        version,
        edit,
    )
    return answer["applied"]


def _place(text: str, offset: int) -> list[int]:
    before = text[:offset]
    return [before.count("\n"), len(before.rpartition("\n")[2].encode())]


def _offset(text: str, position: dict[str, int]) -> int:
    lines = text.split("\n")
    before = lines[: position["line"]]
    line = lines[position["line"]] if position["line"] < len(lines) else ""
    in_line = len(line.encode()[: position["character"]].decode())
    return min(len(text), sum(len(line) + 1 for line in before) + in_line)


def _random_text(rng: random.Random, length_max: int) -> str:
    return "".join(rng.choice(ALPHABET) for _ in range(rng.randint(0, length_max)))


def _random_replacement(rng: random.Random, text: str) -> edits.Replacement:
    start = rng.randint(0, len(text))
    end = min(len(text), start + rng.choice([0, 0, 1, 2, 6]))
    return edits.Replacement(start, end, _random_text(rng, 4) if rng.random() < 0.8 else "")


def _with_final_newline(text: str) -> str:
    return text if text.endswith("\n") else text + "\n"
