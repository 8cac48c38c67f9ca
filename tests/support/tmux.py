"""A screen for one program: a tmux server of its own, keys in, text and pictures out."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.support import terminal_picture

COLUMNS, ROWS = 110, 30
TARGET = "screen:0.0"


class Screen:
    """`tmux` is the command with its socket."""

    def __init__(self, tmux: Sequence[str]) -> None:
        self.tmux = tmux

    def press(self, *keys: str) -> None:
        """Keys in tmux's names (`C-a`, `M-x`, `Enter`)."""
        subprocess.run([*self.tmux, "send-keys", "-t", TARGET, *keys], check=True)

    def type_text(self, text: str) -> None:
        subprocess.run([*self.tmux, "send-keys", "-t", TARGET, "-l", text], check=True)

    def text(self) -> str:
        return self._captured()

    def photograph(self, name: str) -> None:
        """For the documentation, where pictures are wanted."""
        if terminal_picture.are_wanted():
            terminal_picture.write(name, self._captured("-e"), COLUMNS)

    def _captured(self, *flags: str) -> str:
        command = [*self.tmux, "capture-pane", "-p", *flags, "-t", TARGET]
        return subprocess.run(command, check=True, capture_output=True, text=True).stdout


@contextmanager
def opened(folder: Path, *command: str) -> Iterator[Screen]:
    """A screen that runs the command, or stays empty until something is respawned in it."""
    folder.mkdir(parents=True, exist_ok=True)
    tmux = ["tmux", "-S", str(folder / "tmux.sock"), "-f", "/dev/null", "-u"]
    size = ["-x", str(COLUMNS), "-y", str(ROWS)]
    subprocess.run([*tmux, "new-session", "-d", "-s", "screen", *size, *command], check=True)
    # Programs are to see the terminal's own colours, and the last line is theirs.
    subprocess.run([*tmux, "set-option", "-g", "status", "off"], check=True)
    subprocess.run([*tmux, "set-option", "-sa", "terminal-features", "*:RGB"], check=True)
    try:
        yield Screen(tmux)
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
