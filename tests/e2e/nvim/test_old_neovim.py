"""A Neovim that is too old says so, once it is asked for anything, and starts nothing. Debian's is one."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from cm_server.demo.neovim import PLUGIN

pytestmark = [pytest.mark.e2e, pytest.mark.slow]

INSTALL_SECONDS = 300
OLD = "/usr/bin/nvim"


@pytest.fixture(scope="module")
def old_neovim() -> str:
    """Installed from the distribution where that is possible; skipped where it has a newer one."""
    if not Path(OLD).exists() and os.geteuid() == 0 and shutil.which("apt-get"):
        command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", "neovim"]
        environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        subprocess.run(
            command, capture_output=True, timeout=INSTALL_SECONDS, check=False, env=environment
        )
    if not Path(OLD).exists():
        pytest.skip("There is no Neovim of the distribution's. Try: apt-get install neovim")
    said = subprocess.run([OLD, "--version"], capture_output=True, text=True, check=True).stdout
    major, minor = said.split()[1].lstrip("v").split(".")[:2]
    if (int(major), int(minor)) >= (0, 11):
        pytest.skip(f"{OLD} is new enough for the plugin")
    return OLD


@pytest.mark.parametrize("asked", ["Codementor online", "lua require('codementor').setup({})"])
def test_it_says_so_and_starts_nothing(old_neovim: str, asked: str, tmp_path: Path) -> None:
    variables = {"HOME": str(tmp_path), "XDG_STATE_HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    flags = ["--clean", "--headless", "-n", "--cmd", f"set runtimepath^={PLUGIN}"]
    done = subprocess.run(
        [old_neovim, *flags, "-c", f"edit {tmp_path / 'a.py'}", "-c", asked, "-c", "qall!"],
        capture_output=True,
        text=True,
        timeout=30,
        check=True,
        env=variables,
    )
    assert done.stderr.strip() == (
        "codementor: Neovim 0.11 or newer is needed; this one is older. "
        "See docs/editors for other editors."
    )
