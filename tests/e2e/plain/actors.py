"""People who hold a session, each with a real editor: what a person can do and see, the same for every editor.

Everything is done as a person does it and read back from the editor's own buffers or screen; nothing looks into `cm-lsp`.
"""

from pathlib import Path
from typing import Any, Literal, Protocol

from cm_server.demo.neovim import wait_until

PATIENCE_SECONDS = 60.0

Channel = Literal["question", "action", "command"]
"""By which of its channels a person without a plugin does what there is to do: by answering when asked (where we ask), by a
code action, or by `workspace/executeCommand`, as far as a person can know its argument.
"""


class Actor(Protocol):
    """One of the two people. What is waited for and does not come fails by name."""

    name: str

    def open(self, path: Path) -> None: ...
    def go_online(self) -> None: ...
    def go_offline(self) -> None:
        """Done when the server knows."""

    def ask(self, line: int) -> None: ...
    def accept(self) -> None: ...
    def text(self) -> str: ...
    def catch_up(self) -> None:
        """Take what of the other's waits just now, in an editor where that is for the user to do."""

    def insert_line(self, line: int, text: str) -> None: ...
    def move_to(self, line: int) -> None: ...
    def line(self) -> int:
        """Where the own cursor is."""

    def sees_partner(self) -> dict[str, int]:
        """The line of the other's cursor by each way it is shown."""

    def sees_meter(self) -> dict[str, str]: ...
    def sees_pointer(self) -> dict[str, int]:
        """The line that is pointed at by each way it is shown."""

    def hears(self, text: str) -> set[str]:
        """By which ways a chat text is shown."""

    def diagnose(self, text: str) -> None: ...
    def let_type(self) -> None: ...
    def start_meter(self) -> None: ...
    def pause(self) -> None: ...
    def resume(self) -> None: ...
    def extend(self) -> None: ...
    def chat(self, text: str) -> None: ...
    def point(self, line: int) -> None: ...
    def follow(self) -> None:
        """Go where the other is."""

    def end(self) -> None: ...
    def rate(self) -> None: ...
    def ask_money_back(self) -> None: ...
    def receipt(self) -> str: ...
    def said(self) -> str:
        """What the editor has told its user."""


def wait(condition: Any, what: str) -> Any:
    return wait_until(condition, what, PATIENCE_SECONDS)
