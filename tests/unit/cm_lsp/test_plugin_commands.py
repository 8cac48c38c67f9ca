"""The plugins offer every command of the language server, and none that it does not have."""

import json
import re
from pathlib import Path

from cm_lsp import commands

CLIENTS = Path(__file__).parents[3] / "editor-clients"
NAMES = {name.removeprefix("codementor.") for name in commands.SHAPES}
IN_NEOVIM = re.compile(r"\b(?:execute|plain|of_session|open_page|answer_offer)\('(\w+)'")
COMPOSED = {"acceptProposal", "refuseProposal", "undo", "redo"}
"""Neovim makes these of the word behind `:Codementor hunk`, and of the key that was pressed."""


def test_neovim_runs_every_command_and_no_other() -> None:
    lua = "\n".join(path.read_text() for path in (CLIENTS / "nvim" / "lua").rglob("*.lua"))
    assert "what .. 'Proposal'" in lua
    assert "'undo'|'redo'" in lua
    assert set(IN_NEOVIM.findall(lua)) | COMPOSED == NAMES


def test_vscode_declares_every_command() -> None:
    manifest = json.loads((CLIENTS / "vscode" / "package.json").read_text())
    declared = {
        one["command"].removeprefix("codementor.") for one in manifest["contributes"]["commands"]
    }
    assert NAMES - declared == set()
