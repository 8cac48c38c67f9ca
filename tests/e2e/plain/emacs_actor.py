"""A person with Emacs: keys as pressed, code actions from the minibuffer, by eglot or by lsp-mode."""

import json
from dataclasses import dataclass
from pathlib import Path

from cm_server.demo.neovim import NotSeen, wait_until
from tests.e2e.plain.actors import Channel, wait
from tests.e2e.plain.plain_actor import PlainActor
from tests.support.emacs import Emacs

TRIES = 6


@dataclass(frozen=True, slots=True)
class LspClient:
    """One of Emacs' clients: what is typed, and the Lisp that asks it what a person would see."""

    start: str
    list_actions: str
    list_prompt: str
    is_managed: str
    request: str
    """Asks `{method}` with `{params}` without waiting; `{then}` gets `answer`."""

    document: str
    here: str


EGLOT = LspClient(
    start="eglot",
    list_actions="eglot-code-actions",
    list_prompt="Pick an action",
    is_managed="(and (eglot-current-server) t)",
    request="""
    (jsonrpc-async-request (eglot-current-server) {method} {params}
      :success-fn (lambda (answer) {then}) :error-fn (quote ignore) :timeout-fn (quote ignore))""",
    document="(eglot--TextDocumentIdentifier)",
    here="(eglot--pos-to-lsp-position (point))",
)

LSP_MODE = LspClient(
    start="lsp",
    list_actions="lsp-execute-code-action",
    list_prompt="Select code action",
    is_managed="(and (lsp-workspaces) (eq (lsp--workspace-status (car (lsp-workspaces))) (quote initialized)))",
    request="""
    (lsp-request-async (substring (symbol-name {method}) 1) {params}
      (lambda (answer) {then}) :mode (quote detached) :error-handler (quote ignore))""",
    document="(lsp--text-document-identifier)",
    here="(lsp--cur-position)",
)

_TITLES = """
(setq test-answer (mapconcat (lambda (action) (if (hash-table-p action) (gethash "title" action) (plist-get action :title)))
                             (append answer nil) "\\n"))"""

_NOTES = """
(mapconcat (lambda (note)
             (format "%d %s" (line-number-at-pos (flymake-diagnostic-beg note)) (flymake-diagnostic-text note)))
           (flymake-diagnostics) "\\n")"""


class EmacsActor(PlainActor):
    """As a mentor, the file told of is the one that is worked in."""

    def __init__(
        self, name: str, editor: Emacs, role: str, channel: Channel, client: LspClient = EGLOT
    ) -> None:
        super().__init__(name, role, channel)
        self._editor = editor
        self.screen = editor.screen
        self._client = client
        self._buffer = ""

    def open(self, path: Path) -> None:
        """A mentor's desk is a file among the mirrors' folders, as the page says."""
        if self.role == "mentor":
            path = Path(self._editor.evaluate_to_text("codementor-desk")) / path.name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("\n")
        self._visit(path)
        self._key("M-x", self._client.start, "Enter")
        managed = self._client.is_managed
        wait(lambda: self._in_buffer(managed) == "t", f"cm-lsp beside {self.name}'s file")

    def accept(self) -> None:
        super().accept()
        told = wait(lambda: self._told("open file://", "to see the learner's"), "the mirrored file")
        self._visit(told)
        managed = self._client.is_managed
        if self._in_buffer(managed) != "t":
            self._key("M-x", self._client.start, "Enter")
            wait(lambda: self._in_buffer(managed) == "t", f"cm-lsp beside {told}")

    def text(self) -> str:
        return self._editor.evaluate_to_text(
            f'(with-current-buffer "{self._buffer}" (save-restriction (widen) (buffer-string)))'
        )

    def insert_line(self, line: int, text: str) -> None:
        self.move_to(line)
        self._key("C-o")
        self._editor.screen.type_text(text)
        self._editor.screen.press("Escape", "Escape", "Escape")

    def append_to_line(self, line: int, text: str) -> None:
        self.move_to(line)
        self._key("C-e")
        self._editor.screen.type_text(text)
        self._editor.screen.press("Escape", "Escape", "Escape")

    def delete_line(self) -> None:
        self._key("C-a", "C-k", "C-k")

    def move_to(self, line: int) -> None:
        self._focus()
        self._key("M-g", "g", str(line + 1), "Enter")
        wait(lambda: self.line() == line, f"line {line + 1}")

    def move_to_end(self) -> None:
        self._focus()
        self._key("M->")

    def line(self) -> int:
        return int(self._in_buffer("(line-number-at-pos)")) - 1

    def sees_partner(self) -> dict[str, int]:
        lines = [line for line in self.notes().splitlines() if line.endswith("is here")]
        return {"note": int(lines[-1].partition(" ")[0]) - 1} if lines else {}

    def sees_meter(self) -> dict[str, str]:
        lines = [line for line in self.notes().splitlines() if "▶" in line or "⏸" in line]
        return {"note": lines[-1]} if lines else {}

    def sees_pointer(self) -> dict[str, int]:
        lines = [line for line in self.notes().splitlines() if "points here" in line]
        return {"note": int(lines[-1].partition(" ")[0]) - 1} if lines else {}

    def hears(self, text: str) -> set[str]:
        ways = {"message"} if text in self._messages() else set()
        return {*ways, "note"} if text in self.notes() else ways

    def follow(self) -> None:
        """Neither client opens files for a server: the place is told in words, and the person goes there."""
        super().follow()
        wait(lambda: self._told_place() is not None, f"{self.name} to be told where the other is")
        self.move_to(self._told_place() or 0)

    def shown(self, name: str) -> str:
        told = wait(lambda: self._told("open file://", "to read it", name), f"a {name} to open")
        return Path(told).read_text(encoding="utf-8")

    def preview(self) -> str:
        """Its file is named in what is said of the ask."""
        told = wait(lambda: self._told("read it all in file://", ". Answer"), "the preview's name")
        return Path(told).read_text(encoding="utf-8")

    def said(self) -> str:
        return self._editor.screen.text() + self._messages()

    def choose_action(self, title: str) -> None:
        """From the list, as a person does."""
        for _ in range(TRIES):
            if self._list_actions():
                self._key(title, "Enter")
                return
        raise NotSeen("the list of actions")

    def actions(self) -> str:
        params = f"(list :textDocument {self._client.document} :range (list :start {self._client.here} :end {self._client.here}) :context (list :diagnostics []))"
        return self._request(":textDocument/codeAction", params, _TITLES)

    def answer(self, label: str) -> None:
        raise NotImplementedError(f"Emacs is asked nothing; {label} has a code action")

    def execute(self, command: str, argument: dict[str, object]) -> None:
        self._leave_prompt()
        words = json.dumps(json.dumps([argument], ensure_ascii=False), ensure_ascii=False)
        arguments = f"(json-parse-string {words} :object-type (quote plist) :false-object :json-false :array-type (quote array))"
        params = f'(list :command "{command}" :arguments {arguments})'
        self._request(":workspace/executeCommand", params, '(setq test-answer "done")')

    def position(self) -> dict[str, object]:
        where = f"(let ((here {self._client.here})) (list (plist-get here :line) (plist-get here :character) (plist-get {self._client.document} :uri)))"
        line, character, uri = self._in_buffer(where).strip("()").split(" ", 2)
        place = {"line": int(line), "character": int(character)}
        return {"uri": uri.strip('"'), "range": {"start": place, "end": place}}

    # Within.

    def _request(self, method: str, params: str, then: str) -> str:
        """What `then` left as the answer; empty where none comes in time."""
        asked = self._client.request.format(
            method=f"(quote {method})", params=params, then=then.strip()
        )
        self._in_buffer(f"(progn (setq test-answer nil) {asked} t)")
        try:
            wait_until(lambda: self._editor.evaluate("(and test-answer t)") == "t", "answer", 5)
        except NotSeen:
            return ""
        return self._editor.evaluate_to_text("test-answer")

    def _list_actions(self) -> bool:
        self._focus()
        self._key("M-x", self._client.list_actions, "Enter")
        try:
            wait_until(
                lambda: self._client.list_prompt in self._editor.screen.text(),
                "the list of actions",
                5,
            )
        except NotSeen:
            return False
        return True

    def _focus(self) -> None:
        self._leave_prompt()
        if self._editor.evaluate("(buffer-name (window-buffer))") != f'"{self._buffer}"':
            self._key("C-x", "b", self._buffer, "Enter")

    def _leave_prompt(self) -> None:
        """A list of actions that came too late to be taken from."""
        prompt = "(and (active-minibuffer-window) t)"
        while self._editor.evaluate(prompt) != "nil":
            self._key("C-g")

    def _visit(self, path: Path) -> None:
        self._buffer = path.name
        self._key("C-x", "C-f", "C-a", "C-k", str(path), "Enter")
        is_open = f'(and (get-buffer "{path.name}") t)'
        wait(lambda: self._editor.evaluate(is_open) == "t", f"{path.name} in {self.name}'s Emacs")

    def list_notes(self) -> None:
        """In a window of their own; beside the text there are marks only."""
        self._focus()
        self._key("M-x", "flymake-show-buffer-diagnostics", "Enter")

    def notes(self) -> str:
        return self._editor.evaluate_to_text(f'(with-current-buffer "{self._buffer}" {_NOTES})')

    def _messages(self) -> str:
        return self._editor.evaluate_to_text('(with-current-buffer "*Messages*" (buffer-string))')

    def _told(self, before: str, after: str, name: str = "") -> Path | None:
        """The file in the newest message that names one of that name between the two phrases."""
        for line in reversed(self._messages().splitlines()):
            if before in line and after in line:
                path = Path(line.split(before)[1].split(after)[0].strip())
                if name in path.name:
                    return path
        return None

    def _told_place(self) -> int | None:
        lines = [line for line in self._messages().splitlines() if " is in " in line]
        return int(lines[-1].rpartition(" line ")[2].rstrip(".")) - 1 if lines else None

    def _in_buffer(self, expression: str) -> str:
        return self._editor.evaluate(f'(with-current-buffer "{self._buffer}" {expression})')

    def _key(self, *keys: str) -> None:
        for key in keys:
            if len(key) > 1 and key[:2] not in {"C-", "M-"} and key not in {"Enter", "Escape"}:
                self._editor.screen.type_text(key)
            else:
                self._editor.screen.press(key)
