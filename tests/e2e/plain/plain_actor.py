"""A person whose editor knows nothing of us: all they do, by whichever of the channels standard LSP gives them.

Owns the verbs. How an editor takes a code action, answers a question or executes a command is the subclass's.
"""

from abc import ABC, abstractmethod
from pathlib import Path

from cm_server.demo.neovim import NotSeen
from tests.e2e.plain.actors import Channel, wait


class PlainActor(ABC):
    def __init__(self, name: str, role: str, channel: Channel) -> None:
        self.name = name
        self.role = role
        self.channel = channel

    # What the editor's own keys do.

    @abstractmethod
    def open(self, path: Path) -> None: ...

    @abstractmethod
    def move_to(self, line: int) -> None: ...

    @abstractmethod
    def move_to_end(self) -> None:
        """Behind the last letter."""

    @abstractmethod
    def insert_line(self, line: int, text: str) -> None: ...

    @abstractmethod
    def append_to_line(self, line: int, text: str) -> None: ...

    @abstractmethod
    def text(self) -> str: ...

    def catch_up(self) -> None:
        """Most do so by themselves."""
        return

    @abstractmethod
    def delete_line(self) -> None:
        """The one the cursor is in."""

    @abstractmethod
    def actions(self) -> str:
        """The titles of the code actions on offer, one on each line; empty where the answer does not come."""

    @abstractmethod
    def choose_action(self, title: str) -> None:
        """The code action of exactly that title, from the list."""

    @abstractmethod
    def answer(self, label: str) -> None:
        """The open question that has a choice starting so."""

    @abstractmethod
    def execute(self, command: str, argument: dict[str, object]) -> None: ...

    @abstractmethod
    def position(self) -> dict[str, object]:
        """Of the cursor: `uri`, and `range` as LSP has it."""

    @abstractmethod
    def shown(self, name: str) -> str:
        """The text of the file that was shown or told of whose name has `name` in it."""

    @abstractmethod
    def sees_partner(self) -> dict[str, int]: ...

    @abstractmethod
    def notes(self) -> str:
        """What stands beside the text, one on each line."""

    @abstractmethod
    def said(self) -> str: ...

    def preview(self) -> str:
        """All that an ask sends, as it is shown before it is sent."""
        return self.shown("codementor-ask")

    # Before a session.

    def go_online(self) -> None:
        self.do("Codementor: be offered asks", "codementor.goOnline")
        wait(lambda: "be offered no asks" in self.actions(), f"{self.name} to be on the list")

    def go_offline(self) -> None:
        self.do("Codementor: be offered no asks", "codementor.goOffline")
        wait(lambda: "be offered asks" in self.actions(), f"{self.name} to be off the list")

    def ask(self, line: int) -> None:
        self.move_to(line)
        here = self.position()
        if self.channel == "command":
            self.execute("codementor.ask", here)
            assert "app.py" in self.preview()
            self.execute("codementor.ask", {**here, "confirm": False})
            return
        self.take("Ask a mentor")
        assert "app.py" in self.preview()
        self.decide("Send it", "Codementor: send the ask as previewed")

    def accept(self) -> None:
        self.decide("Accept", "Codementor: accept")

    # In a session.

    def diagnose(self, text: str) -> None:
        action = "Codementor: send this line as the diagnosis"
        self._say(action, "codementor.diagnose", text, {"minutes": 5})

    def let_type(self) -> None:
        """Done when it is no longer on offer; what the mentor types before that is only proposed."""
        title = "Codementor: let the mentor type"
        if self.channel != "question":
            self.wait_for_action(title)
        self.decide("Live", title, "codementor.mode", {"mode": "live"})
        self.wait_for_action("Codementor: let the mentor only propose")
        wait(lambda: title not in (self.actions() or title), "the mode to be live")

    def start_meter(self) -> None:
        title = "Codementor: start the meter"
        if self.channel != "question":  # it is offered, and possible, once there is a diagnosis
            self.wait_for_action(title)
        self.decide("Start the meter", title, "codementor.startMeter")

    def pause(self) -> None:
        self.do("Codementor: pause the meter", "codementor.pause")

    def resume(self) -> None:
        self.do("Codementor: let the meter run again", "codementor.resume")

    def extend(self) -> None:
        self.do("Codementor: raise the cap by 15 minutes", "codementor.extend", {"minutes": 15})

    def chat(self, text: str) -> None:
        self._say("Codementor: send this line as chat", "codementor.chat", text, {})

    def point(self, line: int) -> None:
        self.move_to(line)
        self.do("Codementor: point here", "codementor.point", self.position())

    def follow(self) -> None:
        """By code action alone: it knows who the other is."""
        self.take("Codementor: go where")

    # After it.

    def end(self) -> None:
        self.do("Codementor: end the session", "codementor.end")

    def rate(self) -> None:
        if self.channel != "question":
            self.wait_for_action("Codementor: rate 5 of 5")
        self.decide("5", "Codementor: rate 5 of 5", "codementor.rate", {"stars": 5, "solved": True})

    def ask_money_back(self) -> None:
        self.do("Codementor: ask for the money back", "codementor.refund", {"reason": "no help"})

    def receipt(self) -> str:
        self.do("Codementor: show the receipt", "codementor.receipt")
        return self.shown("receipt")

    # By which channel.

    def do(self, title: str, command: str, argument: dict[str, object] | None = None) -> None:
        """What nobody asks about: by code action, or by command."""
        if self.channel == "command":
            self.execute(command, argument or {})
        else:
            self.take(title)

    def decide(
        self, label: str, title: str, command: str = "", argument: dict[str, object] | None = None
    ) -> None:
        """What is asked as well. Without a `command` its argument is nothing a person could know."""
        if self.channel == "question":
            self.answer(label)
        elif self.channel == "command" and command:
            self.execute(command, argument or {})
        else:
            self.take(title)

    def take(self, title: str) -> None:
        """The code action that starts with `title`, where the cursor is, as soon as it is offered."""
        self.choose_action(self.wait_for_action(title))

    def wait_for_action(self, title: str) -> str:
        """The whole title."""

        def offered() -> str:
            return next((one for one in self.actions().splitlines() if one.startswith(title)), "")

        try:
            whole: str = wait(offered, f"{title!r} among {self.name}'s code actions")
        except NotSeen as failure:
            raise NotSeen(f"{failure}; there are\n{self.actions()}") from None
        return whole

    def _say(self, title: str, command: str, text: str, more: dict[str, object]) -> None:
        """Without a prompt a text is a line that is written, sent and taken away again."""
        if self.channel == "command":
            self.execute(command, {"text": text, **more})
            return
        self.insert_line(0, f"# {text}")
        self.move_to(0)
        self.take(title)
        self.move_to(0)
        self.delete_line()
