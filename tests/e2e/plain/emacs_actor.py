"""A person with Emacs and eglot: keys as pressed, code actions and minibuffer questions as they come."""

from pathlib import Path

from cm_server.demo.neovim import NotSeen, wait_until
from tests.e2e.plain.actors import Channel, wait
from tests.support.emacs import Emacs

TRIES = 6

_ASK_FOR_ACTIONS = """
(with-current-buffer "{buffer}"
  (setq test-actions nil)
  (let ((here (eglot--pos-to-lsp-position (point))))
    (jsonrpc-async-request
     (eglot-current-server) :textDocument/codeAction
     (list :textDocument (eglot--TextDocumentIdentifier)
           :range (list :start here :end here) :context (list :diagnostics []))
     :success-fn (lambda (actions)
                   (setq test-actions (mapconcat (lambda (action) (plist-get action :title)) (append actions nil) "\\n")))
     :error-fn (quote ignore) :timeout-fn (quote ignore)))
  t)
"""

_NOTES = """
(with-current-buffer "{buffer}"
  (mapconcat (lambda (note)
               (format "%d %s" (line-number-at-pos (flymake-diagnostic-beg note)) (flymake-diagnostic-text note)))
             (flymake-diagnostics) "\\n"))
"""


class EmacsActor:
    """As a mentor, the file told of is the one that is worked in."""

    def __init__(self, name: str, editor: Emacs, role: str, channel: Channel) -> None:
        self.name = name
        self._editor = editor
        self._role = role
        self._channel = channel
        self._buffer = ""

    def open(self, path: Path) -> None:
        """A mentor's desk is a file among the mirrors' folders, as the page says."""
        if self._role == "mentor":
            path = Path(self._editor.evaluate_to_text("codementor-desk")) / path.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n")
        self._visit(path)
        self._key("M-x", "eglot", "Enter")
        managed = f'(with-current-buffer "{self._buffer}" (and (eglot-current-server) t))'
        wait(lambda: self._editor.evaluate(managed) == "t", f"eglot in {self.name}'s file")

    def go_online(self) -> None:
        self.take("Codementor: be offered asks")
        wait(lambda: "be offered no asks" in self.actions(), "the mentor to be on the list")

    def ask(self, line: int) -> None:
        self.move_to(line)
        self.take("Ask a mentor")
        self._decide("Send it", "Codementor: send the ask as previewed")

    def accept(self) -> None:
        if self._channel == "action":
            self._leave_question()
        self._decide("Accept", "Codementor: accept")
        told = wait(lambda: self._told("open file://", "to see the learner's"), "the mirrored file")
        self._leave_question()
        self._visit(Path(told.removeprefix("file://")))

    def text(self) -> str:
        return self._editor.evaluate_to_text(
            f'(with-current-buffer "{self._buffer}" (save-restriction (widen) (buffer-string)))'
        )

    def insert_line(self, line: int, text: str) -> None:
        self.move_to(line)
        self._key("C-o")
        self._editor.type_text(text)
        self._editor.press("Escape", "Escape", "Escape")

    def move_to(self, line: int) -> None:
        self._leave_question()
        self._key("M-g", "g", str(line + 1), "Enter")
        place = f'(with-current-buffer "{self._buffer}" (line-number-at-pos))'
        wait(lambda: self._editor.evaluate(place) == str(line + 1), f"line {line + 1}")

    def sees_partner(self) -> dict[str, int]:
        lines = [line for line in self._notes() if line.endswith("is here")]
        return {"note": int(lines[-1].partition(" ")[0]) - 1} if lines else {}

    def sees_meter(self) -> dict[str, str]:
        lines = [line for line in self._notes() if "▶" in line]
        return {"note": lines[-1]} if lines else {}

    def diagnose(self, text: str) -> None:
        self.insert_line(0, f"# {text}")
        self.move_to(0)
        self.take("Codementor: send this line as the diagnosis")
        self._key("C-a", "C-k", "C-k")

    def let_type(self) -> None:
        self._decide("Live", "Codementor: let the mentor type")

    def start_meter(self) -> None:
        self._decide("Start the meter", "Codementor: start the meter")

    def end(self) -> None:
        self.take("Codementor: end the session")

    def rate(self) -> None:
        self._decide("5", "Codementor: rate 5 of 5")

    def receipt(self) -> str:
        self.take("Codementor: show the receipt")
        told = wait(lambda: self._told("open file://", "to read it"), "the receipt's name")
        return Path(told.removeprefix("file://")).read_text(encoding="utf-8")

    def said(self) -> str:
        return self._editor.screen() + self._editor.evaluate_to_text(
            '(with-current-buffer "*Messages*" (buffer-string))'
        )

    def take(self, title: str) -> None:
        """The code action, chosen from the list as a person does."""
        self._leave_question()
        try:
            wait(lambda: title in self.actions(), f"{title!r} among {self.name}'s code actions")
        except NotSeen as failure:
            raise NotSeen(f"{failure}\n{self.actions()}\n{self.said()}") from None
        whole = next(line for line in self.actions().splitlines() if line.startswith(title))
        for _ in range(TRIES):
            if self._list_actions():
                self._key(whole, "Enter")
                return
        raise NotSeen(f"the list of actions\n{self.said()}")

    def _list_actions(self) -> bool:
        """A question of ours may come in between and take the keys; then it is left, as a person would."""
        self._leave_question()
        self._key("M-x", "eglot-code-actions", "Enter")
        try:
            wait_until(lambda: "Pick an action" in self._editor.screen(), "the list", 5)
        except NotSeen:
            return False
        return True

    def actions(self) -> str:
        """The titles on offer. Asked for without waiting in Emacs: a question of ours may come up meanwhile."""
        self._editor.evaluate(_ASK_FOR_ACTIONS.format(buffer=self._buffer))
        try:
            wait_until(lambda: self._editor.evaluate("(and test-actions t)") == "t", "actions", 5)
        except NotSeen:
            return ""
        return self._editor.evaluate_to_text("test-actions")

    def _decide(self, label: str, title: str) -> None:
        if self._channel == "question":
            self._answer(label)
        else:
            self.take(title)

    def _answer(self, label: str) -> None:
        """The minibuffer holds the harmless answer; type over it."""
        offered = f'(and (active-minibuffer-window) (with-current-buffer (window-buffer (active-minibuffer-window)) (and minibuffer-completion-table (car (all-completions "{label}" minibuffer-completion-table)))))'
        wait(
            lambda: self._editor.evaluate(offered) != "nil",
            f"a question in Emacs with {label!r}\n{self.said()}",
        )
        whole = self._editor.evaluate_to_text(offered)
        self._key("C-a", "C-k", whole, "Enter")

    def _leave_question(self) -> None:
        """`C-g`, where a question stands in the way."""
        asked = "(and (active-minibuffer-window) t)"
        while self._editor.evaluate(asked) == "t":
            self._key("C-g")

    def _visit(self, path: Path) -> None:
        self._buffer = path.name
        self._key("C-x", "C-f", "C-a", "C-k", str(path), "Enter")
        is_open = f'(and (get-buffer "{path.name}") t)'
        wait(lambda: self._editor.evaluate(is_open) == "t", f"{path.name} in {self.name}'s Emacs")

    def _notes(self) -> list[str]:
        return self._editor.evaluate_to_text(_NOTES.format(buffer=self._buffer)).splitlines()

    def _told(self, before: str, after: str) -> str:
        """What stands between two phrases of the newest message that has both."""
        for line in reversed(self.said().splitlines()):
            if before in line and after in line:
                return "file://" + line.split(before)[1].split(after)[0].strip()
        return ""

    def _key(self, *keys: str) -> None:
        for key in keys:
            if len(key) > 1 and key[:2] not in {"C-", "M-"} and key not in {"Enter", "Escape"}:
                self._editor.type_text(key)
            else:
                self._editor.press(key)
