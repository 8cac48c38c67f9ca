"""What a new user does: `make run`, and the printed line pasted into a Neovim that is open already."""

import re
from pathlib import Path

import pytest

from cm_server.demo.neovim import Neovim, wait_until
from tests.support import server_process

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

STATUS = "return (require('codementor.session').status() or {}).connection"


def test_the_printed_line_connects_a_neovim_that_already_runs(tmp_path: Path) -> None:
    with server_process.running(tmp_path / "data", ["--demo"]) as server:
        lines = [re.fullmatch(r" +Neovim +:(lua .+)", line) for line in server.printed]
        _, as_mentor = [line[1] for line in lines if line is not None]
        with Neovim.headless(tmp_path / "home", plugin=False) as editor:
            assert editor.lua("return vim.fn.exists(':Codementor')") == 0
            editor.command(as_mentor)
            wait_until(lambda: editor.lua(STATUS) == "connected", "the editor to be connected")
            editor.command("Codementor online")
            online = "return require('codementor.session').status().online"
            wait_until(lambda: editor.lua(online), "the mentor to be on the list")
