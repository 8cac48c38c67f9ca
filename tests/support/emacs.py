"""A real Emacs on a screen of tmux: keys go in as pressed, what it holds is asked by emacsclient.

A daemon without a frame would not do: idle timers, eldoc and the minibuffer need the command loop. Each has folders of its
own; nothing of the user's is read.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from cm_server.demo.neovim import wait_until
from tests.support import tmux
from tests.support.tmux import Screen

PACKAGES = ("emacs-nox", "elpa-eglot", "elpa-lsp-mode")
INSTALL_SECONDS = 300

# A suggested key takes the next keys for itself while it is shown.
_QUIET = """
(setq inhibit-startup-screen t make-backup-files nil auto-save-default nil create-lockfiles nil
      native-comp-async-report-warnings-errors nil vc-handled-backends nil enable-local-variables nil
      suggest-key-bindings nil
      server-socket-dir "{socket_folder}" server-name "test")
(package-initialize)
(require 'server)
(server-start)
"""


def missing() -> str:
    """Why there is no Emacs to test with; as root it is installed from the distribution where that is possible."""
    if _is_there():
        return ""
    if os.geteuid() != 0 or shutil.which("apt-get") is None:
        return (
            "Emacs with eglot and lsp-mode, or tmux, are missing. "
            f"Try: apt-get install {' '.join(PACKAGES)} tmux"
        )
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
    """Eglot is a package of its own before Emacs 29."""
    if not all(shutil.which(program) for program in ("emacs", "emacsclient", "tmux")):
        return False
    found = subprocess.run(
        [
            "emacs",
            "-q",
            "--batch",
            "--eval",
            "(progn (package-initialize) (require 'eglot) (require 'lsp-mode))",
        ],
        capture_output=True,
        check=False,
    )
    return found.returncode == 0


class Emacs:
    def __init__(self, folder: Path, screen: Screen) -> None:
        self._folder = folder
        self.screen = screen

    def evaluate(self, expression: str) -> str:
        """The printed value; raises with what Emacs says of an error."""
        done = subprocess.run(
            ["emacsclient", "-s", str(self._folder / "test"), "-e", expression],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode:
            raise AssertionError(f"{expression}: {done.stderr or done.stdout}")
        return done.stdout.rstrip("\n")

    def evaluate_to_text(self, expression: str) -> str:
        """The value of an expression that is a string, as it is: printed forms escape what is not ASCII."""
        place = self._folder / "value"
        self.evaluate(
            f'(let ((coding-system-for-write (quote utf-8-unix))) (write-region {expression} nil "{place}" nil 0))'
        )
        return place.read_text(encoding="utf-8")


@contextmanager
def running(folder: Path, environment: Mapping[str, str], configuration: str) -> Iterator[Emacs]:
    """`configuration` is Emacs Lisp, loaded before the first file."""
    folder.mkdir(parents=True)
    folder.chmod(0o700)
    start = folder / "init.el"
    start.write_text(_QUIET.format(socket_folder=folder) + configuration, encoding="utf-8")
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    variables = {
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "LANG": "C.UTF-8",
        "PATH": path,
        **environment,
    }
    words = ["env", *(f"{name}={value}" for name, value in variables.items())]
    # In a home this fresh every package would be compiled anew, on both cores and during the test.
    interpreted = "(setq native-comp-deferred-compilation nil native-comp-jit-compilation nil)"
    command = ("emacs", "-nw", "-q", "--eval", interpreted, "-l", str(start))
    with tmux.opened(folder, *words, *command) as screen:
        wait_until((folder / "test").exists, "Emacs to listen")
        yield Emacs(folder, screen)
