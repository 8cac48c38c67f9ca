"""Gives each part to an editor: the one place that knows how each kind is started."""

import gc
import os
import warnings
from contextlib import ExitStack
from pathlib import Path
from typing import Literal

import pytest

from cm_server.demo import stage
from cm_server.demo.neovim import Neovim
from tests.e2e.browser import person
from tests.e2e.plain import doc_config
from tests.e2e.plain.actors import Actor, Channel
from tests.e2e.plain.emacs_actor import EGLOT, LSP_MODE, EmacsActor
from tests.e2e.plain.plain_neovim import PlainNeovim
from tests.e2e.plain.plugin_neovim import PluginNeovim
from tests.e2e.plain.vim_actor import VimActor
from tests.support import emacs, tmux, vim
from tests.support.tmux import Screen

Kind = Literal["plugin", "neovim", "eglot", "lsp-mode", "vim", "browser"]
EDITORS: tuple[Kind, ...] = ("plugin", "neovim", "eglot", "lsp-mode", "vim")

WAYS: dict[Kind, int] = {
    "plugin": 1,
    "neovim": 2,
    "eglot": 1,
    "lsp-mode": 1,
    "vim": 1,
    "browser": 1,
}
"""By how many ways each shows the other's cursor, and the meter, to who only looks at the screen."""

NAMES = {"learner": "Lena", "mentor": "Mira"}
EMAILS = {"learner": stage.LEARNER, "mentor": stage.MENTOR}


class Casting:
    """`folder` gets a folder for each person; everybody goes when `exits` does.

    `screens` has, by role, what there is to look at: of Emacs always, of Neovim where `are_on_screen`.
    """

    def __init__(
        self, exits: ExitStack, server: stage.Server, folder: Path, *, are_on_screen: bool = False
    ) -> None:
        self._exits = exits
        self._server = server
        self._folder = folder
        self._are_on_screen = are_on_screen
        self.screens: dict[str, Screen] = {}

    def cast(
        self, kind: Kind, role: str, channel: Channel = "action", *, address: str = ""
    ) -> Actor:
        """`address`: where that person reaches the server, if not directly."""
        home = self._folder / role
        variables = {
            "CM_SERVER_URL": address or self._server.address,
            "CM_TOKEN": self._server.tokens()[EMAILS[role]],
        }
        name = NAMES[role]
        if kind == "browser":
            _skip_unless_there(person.missing())
            return self._exits.enter_context(person.opened(name, role, home, variables))
        if kind in {"eglot", "lsp-mode"}:
            return self._in_emacs(kind, name, home, variables, role, channel)
        if kind == "vim":
            return self._in_vim(name, home, variables, role, channel)
        editor = self._exits.enter_context(self._neovim(kind, home, variables))
        if kind == "plugin":
            return PluginNeovim(name, editor)
        return PlainNeovim(name, editor, role, channel)

    def _neovim(self, kind: Kind, home: Path, variables: dict[str, str]) -> Neovim:
        if not self._are_on_screen:
            return Neovim.headless(home, variables, plugin=kind == "plugin")
        screen = self._exits.enter_context(tmux.opened(home))
        self.screens[home.name] = screen
        editor = Neovim.on_screen(
            home, variables, screen.tmux, tmux.TARGET, plugin=kind == "plugin"
        )
        self._exits.callback(_forget_socket, editor)
        return editor

    def _in_emacs(
        self,
        kind: Kind,
        name: str,
        home: Path,
        variables: dict[str, str],
        role: str,
        channel: Channel,
    ) -> Actor:
        _skip_unless_there(emacs.missing())
        page = "emacs.md" if kind == "eglot" else "emacs-lsp-mode.md"
        configuration = doc_config.block(page, "elisp")
        editor = self._exits.enter_context(emacs.running(home, variables, configuration))
        self.screens[role] = editor.screen
        client = EGLOT if kind == "eglot" else LSP_MODE
        return EmacsActor(name, editor, role, channel, client)

    def _in_vim(
        self, name: str, home: Path, variables: dict[str, str], role: str, channel: Channel
    ) -> Actor:
        _skip_unless_there(vim.missing())
        configuration = doc_config.block("vim-ale.md", "vim")
        editor = self._exits.enter_context(vim.running(home, variables, configuration))
        self.screens[role] = editor.screen
        return VimActor(name, editor, role, channel)


def _forget_socket(editor: Neovim) -> None:
    """pynvim leaves the socket of a closed one to the garbage collector, which complains."""
    del editor.rpc
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ResourceWarning)
        gc.collect()


def _skip_unless_there(why_not: str) -> None:
    """Where editors are required, as in CI, what is missing fails."""
    if why_not and os.environ.get("CODEMENTOR_EDITORS") == "required":
        pytest.fail(why_not)
    if why_not:
        pytest.skip(why_not)
