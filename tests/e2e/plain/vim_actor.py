"""A person with Vim and ALE, as their page configures it: an editor that takes the other's edits only when told to."""

import json
import re
from pathlib import Path

from cm_server.demo.neovim import NotSeen, wait_until
from tests.e2e.plain.actors import Channel, wait
from tests.e2e.plain.plain_actor import PlainActor
from tests.support.vim import Vim

TRIES = 6
TAKE = "Codementor: take "


class VimActor(PlainActor):
    def __init__(self, name: str, editor: Vim, role: str, channel: Channel) -> None:
        super().__init__(name, role, channel)
        self._editor = editor
        self.screen = editor.screen
        self._file = Path()
        self._heard: list[str] = []

    def open(self, path: Path) -> None:
        """From its folder, which is the project."""
        self._type(f":cd {path.parent}\r")
        self._visit(path)
        wait(lambda: "Ask a mentor" in self.actions(), f"cm-lsp beside {self.name}'s file")

    def accept(self) -> None:
        super().accept()
        self._visit(wait(lambda: self._told("open file://", "to see the learner's"), "the file"))

    def catch_up(self) -> None:
        """Where it is said in the margin that something waits. How much that is may grow while the list is open."""
        if "by code action" in self.notes():
            self._choose(TAKE)

    def text(self) -> str:
        lines: list[str] = self._editor.evaluate(f"getbufline('{self._file}', 1, '$')")
        return "".join(f"{line}\n" for line in lines)

    def insert_line(self, line: int, text: str) -> None:
        self.move_to(line)
        self._type("O")
        self._type(text)
        self._press("Escape")

    def append_to_line(self, line: int, text: str) -> None:
        self.move_to(line)
        self._type("A")
        self._type(text)
        self._press("Escape")

    def delete_line(self) -> None:
        self._type("dd")

    def move_to(self, line: int) -> None:
        self._focus()
        self._type(f"{line + 1}G")
        wait(lambda: self.line() == line, f"line {line + 1}")

    def move_to_end(self) -> None:
        self._focus()
        self._type("GA")

    def line(self) -> int:
        return int(self._editor.evaluate("line('.')")) - 1

    def sees_partner(self) -> dict[str, int]:
        lines = [line for line in self.notes().splitlines() if line.endswith("is here")]
        return {"note": int(lines[-1].partition(" ")[0]) - 1} if lines else {}

    def sees_meter(self) -> dict[str, str]:
        found = [line for line in self.notes().splitlines() if "▶" in line or "⏸" in line]
        listed = [line for line in self._list().splitlines() if "▶" in line or "⏸" in line]
        seen = {"note": found[-1]} if found else {}
        return {**seen, "list": listed[-1]} if listed else seen

    def sees_pointer(self) -> dict[str, int]:
        lines = [line for line in self.notes().splitlines() if "points here" in line]
        return {"note": int(lines[-1].partition(" ")[0]) - 1} if lines else {}

    def hears(self, text: str) -> set[str]:
        ways = {"message"} if text in self._messages() else set()
        return {*ways, "note"} if text in self.notes() else ways

    def follow(self) -> None:
        """ALE opens nothing for a server: the place is told in words, and the person goes there."""
        super().follow()
        told = wait(lambda: re.search(r" is in \S+, line (\d+)\.", self._messages()), "the place")
        self.move_to(int(told[1]) - 1)

    def notes(self) -> str:
        """What ALE keeps of our diagnostics: line and text."""
        shown = f"ale#engine#GetLoclist(bufnr('{self._file}'))"
        lines: list[str] = self._editor.evaluate(
            f"map(copy({shown}), {{_, note -> note.lnum .. ' ' .. note.text}})"
        )
        return "\n".join(lines)

    def said(self) -> str:
        return f"{self.screen.text()}\n{self._messages()}"

    def shown(self, name: str) -> str:
        told = wait(lambda: self._told("open file://", "to read it", name), f"a {name} to open")
        return Path(told).read_text(encoding="utf-8")

    def choose_action(self, title: str) -> None:
        for _ in range(TRIES):
            if self._choose(f"{re.escape(title)}\\s*$"):
                return
        raise NotSeen(f"{title!r} in the list of actions; there is\n{self.screen.text()}")

    def preview(self) -> str:
        """Its file is named in the question, which ALE shows as a message."""
        told = wait(lambda: self._told("read it all in file://", ". Answer"), "the preview's name")
        return Path(told).read_text(encoding="utf-8")

    def answer(self, label: str) -> None:
        raise NotImplementedError(f"ALE shows no questions; {label} has a code action")

    def actions(self) -> str:
        here = "line('.'), col('.'), line('.'), col('.')"
        found = self._request(f"ale#lsp#message#CodeAction(bufnr(''), {here}, [])")
        return "\n".join(action["title"] for action in found or [])

    def execute(self, command: str, argument: dict[str, object]) -> None:
        words = json.dumps([argument]).replace("'", "''")
        self._request(f"ale#lsp#message#ExecuteCommand('{command}', json_decode('{words}'))")

    def position(self) -> dict[str, object]:
        uri, line, column = self._editor.evaluate(
            "[ale#util#ToURI(expand('%:p')), line('.') - 1, col('.') - 1]"
        )
        place = {"line": line, "character": column}
        return {"uri": uri, "range": {"start": place, "end": place}}

    # Within.

    def _request(self, message: str) -> list[dict[str, str]]:
        """The result; none where the answer does not come in time."""
        keep = "{answer -> extend(g:, {'test_answer': [get(answer, 'result', [])]})}"
        send = f"ale#lsp_linter#SendRequest(bufnr(''), 'codementor', {message}, {keep})"
        self._editor.evaluate(f"[extend(g:, {{'test_answer': []}}), {send}][1]")
        try:
            answer = wait_until(lambda: self._editor.evaluate("g:test_answer"), "an answer", 5)
        except NotSeen:
            return []
        found: list[dict[str, str]] = answer[0] or []
        return found

    def _choose(self, pattern: str) -> bool:
        """By its number in ALE's list; False where it is not there in time."""
        self._focus()
        self._type(":ALECodeAction\r")
        try:
            number = wait_until(lambda: self._number_of(pattern), "the list of actions", 5)
        except NotSeen:
            self._press("Escape")
            return False
        self._type(f"{number}\r")
        return True

    def _number_of(self, pattern: str) -> str:
        shown = self.screen.text()
        found = re.search(rf"^(\d+)\) {pattern}", shown, re.MULTILINE)
        return found[1] if found and "Type number" in shown else ""

    def _visit(self, path: Path) -> None:
        self._file = path
        self._type(f":edit {path}\r")
        wait(lambda: self._editor.evaluate("expand('%:p')") == str(path), f"{path} in Vim")

    def _focus(self) -> None:
        """ALE leaves the cursor in a window of its own now and then."""
        self._press("Escape")
        self._editor.evaluate(f"win_gotoid(bufwinid('{self._file}'))")

    def _list(self) -> str:
        """The window with all notes, as it stands on the screen."""
        return "\n".join(line for line in self.screen.text().splitlines() if "|" in line)

    def _messages(self) -> str:
        """ALE shows what is said in the last line, or in a window where it is long, until the next is said."""
        window = "join(getbufline('ALEPreviewWindow', 1, '$'), ' ')"
        for said in (self._editor.evaluate(window), self.screen.text().splitlines()[-1]):
            if said and said not in self._heard:
                self._heard.append(said)
        return "\n".join(self._heard)

    def _told(self, before: str, after: str, name: str = "") -> Path | None:
        for line in reversed(self._messages().splitlines()):
            if before in line and after in line:
                path = Path(line.split(before)[1].split(after)[0].strip())
                if name in path.name:
                    return path
        return None

    def _type(self, text: str) -> None:
        self.screen.type_text(text)

    def _press(self, key: str) -> None:
        self.screen.press(key)
