"""Scenes that more than one test begins with."""

import shutil

from cm_server.demo import stage
from tests.e2e.vscode import peer
from tests.e2e.vscode.peer import Peer, wait
from tests.e2e.vscode.window import Window

PROGRAM = "weather.py"


def open_program(window: Window, more: str = "") -> None:
    place = window.code.work / PROGRAM
    shutil.copy(stage.HERE / "weather.py.txt", place)
    with place.open("a") as end:
        end.write(more)
    window.code.open(place)


def is_connected(window: Window, name: str = "Lena Learner") -> bool:
    """Starts cm-lsp where it does not run."""
    window.clear_notifications()
    window.run("Codementor: Show Connection and Session")
    return f"Connected as {name}" in window.notification("Codementor:").inner_text()


def start_session(window: Window, mentor: Peer, name: str = "Mira Okafor") -> None:
    """The learner in VS Code asks about the program that is open, the mentor in Neovim accepts, and may type."""
    code = window.code
    code.select(12, 19, 12, 29)
    window.run("Codementor: Ask a Mentor")
    window.fill("", "What do you want to know?")
    window.pick("At most 30 minutes", "The first look is free")
    window.pick("Whoever is there first", "Before anything is sent")
    window.answer("Ask a mentor about weather.py?", "Send it")
    peer.accept(mentor)
    window.status(f"{name} is looking at it, free")
    window.run("Codementor: Choose What the Mentor May Do")
    window.pick("The mentor may type", "You can change this at any moment")
    wait(lambda: peer.session(mentor, "mode") == "live", "the mode to change at the mentor's")
    wait(lambda: mentor.text() == code.text(), "the same text in both editors")


def end_session(window: Window, mentor: Peer) -> None:
    window.run("Codementor: End the Session")
    window.answer_dialogue("End the Session")
    wait(lambda: peer.session(mentor, "state") in {"ended", "closed"}, "the end")
