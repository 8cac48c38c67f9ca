"""A real Vim on a screen of tmux: keys go in as pressed, what it holds is asked over a channel that Vim opens to the test.

Vim answers while it waits for a key, also in the middle of a question. Nothing of the user's is read.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from tests.support import tmux
from tests.support.tmux import Screen

PACKAGES = ("vim-nox", "vim-ale")
INSTALL_SECONDS = 300
PATIENCE_SECONDS = 60

_START = """
set nocompatible noswapfile nobackup viminfo= shortmess+=I
filetype plugin on
let g:test_channel = ch_open('127.0.0.1:{port}', {{'mode': 'json', 'waittime': 10000}})
"""


def missing() -> str:
    """Why there is no Vim with ALE to test with; as root it is installed from the distribution where that is possible."""
    if _is_there():
        return ""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return f"Vim with ALE, or tmux, are missing. Try: apt-get install {' '.join(PACKAGES)} tmux"
    command = ["apt-get", "install", "-y", "-qq", "--no-install-recommends", *PACKAGES, "tmux"]
    done = subprocess.run(
        command,
        capture_output=True,
        text=True,
        timeout=INSTALL_SECONDS,
        check=False,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
    return "" if _is_there() else f"{' '.join(command)} failed: {done.stderr[-300:]}"


def _is_there() -> bool:
    if not all(shutil.which(program) for program in ("vim", "tmux")):
        return False
    tried = "if !has('channel') | cquit | endif | packadd ale | if !exists(':ALEInfo') | cquit | endif | qall!"
    command = ["vim", "-u", "NONE", "-i", "NONE", "-N", "-es", "-c", tried]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


class Vim:
    def __init__(self, screen: Screen, channel: socket.socket) -> None:
        self.screen = screen
        self._channel = channel
        self._answers = channel.makefile("r", encoding="utf-8")
        self._asked = 0

    def evaluate(self, expression: str) -> Any:
        """The value as JSON has it; raises where Vim finds an error."""
        self._asked -= 1
        request = json.dumps(["expr", expression, self._asked])
        self._channel.sendall(request.encode() + b"\n")
        number, value = json.loads(self._answers.readline())
        assert number == self._asked
        if value == "ERROR":
            raise AssertionError(f"Vim cannot evaluate {expression}")
        return value


@contextmanager
def running(folder: Path, environment: Mapping[str, str], configuration: str) -> Iterator[Vim]:
    """`configuration` is Vim script, read before the first file."""
    folder.mkdir(parents=True)
    with closing(socket.create_server(("127.0.0.1", 0))) as listening:
        listening.settimeout(PATIENCE_SECONDS)
        start = folder / "vimrc"
        port = listening.getsockname()[1]
        start.write_text(_START.format(port=port) + configuration, encoding="utf-8")
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        variables = {"HOME": str(folder), "LANG": "C.UTF-8", "PATH": path, **environment}
        words = ["env", *(f"{name}={value}" for name, value in variables.items())]
        with tmux.opened(folder, *words, "vim", "-u", str(start)) as screen:
            channel, _ = listening.accept()
            channel.settimeout(PATIENCE_SECONDS)
            with closing(channel):
                vim = Vim(screen, channel)
                try:
                    yield vim
                finally:
                    vim._answers.close()
