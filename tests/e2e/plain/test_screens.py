"""What really stands on the screen in a session: read from the terminal as a person sees it, and photographed for the pages.

`make screenshots` writes the pictures. The other person has our plugin and no screen.
"""

import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cm_server.demo import stage
from tests.e2e.plain.actors import Actor, wait
from tests.e2e.plain.casting import Casting, Kind
from tests.e2e.plain.play import meet, start_the_meter, told_by, type_and_see
from tests.support import terminal_picture
from tests.support.tmux import Screen

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

PICTURE: dict[Kind, str] = {
    "plugin": "neovim-session",
    "neovim": "neovim-without-plugin-session",
    "eglot": "emacs-session",
    "lsp-mode": "emacs-lsp-mode-session",
}
