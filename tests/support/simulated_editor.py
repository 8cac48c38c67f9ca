"""An editor as a client of the language server: every habit that was measured, each can be switched.

Deliberately simple and slow: the buffer is one string with the file's own line ends, positions are
counted by walking, and nothing of the code under test is used but its message types. So it is an
independent reading of what LSP positions and the contract of `codementor/applyEdit` mean.
"""

import random
from collections.abc import Callable
from dataclasses import dataclass, field

from cm_lsp.sharing.bridge_messages import (
    Change,
    EditId,
    RangeChange,
    SendEdit,
    TextEdit,
    WholeText,
)
from cm_lsp.sharing.positions import DocumentVersion, Position
from tests.support.editor_habits import Answer, Habits, VersionCheck
from tests.support.lsp_positions import LINE_END, index_of, position_of
from tests.support.simulated_network import SimulatedTime


@dataclass(frozen=True)
class Answered:
    id: int
    applied: bool
    version: int


@dataclass(frozen=True)
class Reported:
    version: int
    changes: tuple[Change, ...]


@dataclass(frozen=True)
class Opened:
    version: int
    text: str


@dataclass(frozen=True)
class Closed:
    pass


@dataclass(frozen=True)
class BarrierPassed:
    id: int


@dataclass(frozen=True)
class Asked:
    """For what others changed, by a code action or formatting."""

    version: int


ToServer = Answered | Reported | Opened | Closed | BarrierPassed | Asked


@dataclass(frozen=True)
class Edit:
    """Between two indices of the buffer (its own line ends counted), this text."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class _Past:
    """What the document went through; `version` is that after it."""

    version: int
    edit: Edit
    removed: str


@dataclass
class _Undone:
    """One entry of the one undo stack that typing and remote edits share."""

    start: int
    removed: str
    inserted: str


@dataclass
class SimulatedEditor:
    """Its user is driven by `type`, `undo` and their like; the server by `receive`."""

    time: SimulatedTime
    rng: random.Random
    habits: Habits
    text: str
    send: Callable[[ToServer], None]
    version: int = 0
    is_open: bool = False
    saved: str = ""
    refused: int = 0
    _unreported: list[Change] = field(default_factory=list)
    _timer: object | None = None
    _is_choosing: bool = False
    _history: list[_Past] = field(default_factory=list)
    _opened_at: int = 0
    _undo: list[_Undone] = field(default_factory=list)
    _redo: list[_Undone] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.text = self._own_line_ends(self.text)
        self.saved = self.text
        self.version = self.habits.first_version

    # What its user does.

    def open(self) -> None:
        if self.habits.keeps_final_newline and not self.text.endswith(self.habits.line_end):
            self.text += self.habits.line_end
        self.is_open = True
        self._opened_at = self.version
        self.send(Opened(self.version, self.text))

    def close(self) -> None:
        self.flush()
        self.is_open = False
        self._undo.clear()
        self._redo.clear()
        self._history.clear()
        self.version += 1  # a document that is opened again goes on at a higher one
        self.send(Closed())

    def type(self, start: int, end: int, text: str) -> str:
        """Replaces between two indices, and returns what was there."""
        start, end = self._border(start), self._border(end)
        return self._user(Edit(start, max(start, end), self._own_line_ends(text)))

    def format(self, rewrite: Callable[[str], str]) -> None:
        """A formatter that replaces the file as a whole."""
        self._user(Edit(0, len(self.text), self._own_line_ends(rewrite(self.text))))

    def undo(self) -> None:
        self._step_back(self._undo, self._redo)

    def redo(self) -> None:
        self._step_back(self._redo, self._undo)

    def save(self) -> None:
        self.saved = self.text

    def revert(self) -> None:
        """The file as it was saved; also what a change on disk looks like in a clean buffer."""
        if self.text != self.saved:
            self._user(Edit(0, len(self.text), self.saved))

    def ask(self) -> None:
        if self.is_open and not self._is_choosing:
            self._is_choosing = True
            self.flush()
            self.send(Asked(self.version))

    def change_on_disk(self, rewrite: Callable[[str], str]) -> None:
        """While it is closed."""
        self.text = self.saved = self._own_line_ends(rewrite(self.text))

    # What the server sends.

    def take(self, version: int, offered: tuple[TextEdit, ...]) -> None:
        """Its user takes what was offered for that version, where there is anything."""
        self._is_choosing = False
        if offered:
            self.receive(SendEdit(EditId(0), DocumentVersion(version), offered, rebase=False))

    def receive(self, message: SendEdit) -> None:
        asked_ms = self.rng.randint(0, self.habits.confirm_ms)
        self.time.after(asked_ms, lambda: self._take(message))

    def barrier(self, barrier_id: int) -> None:
        self.flush()
        self.send(BarrierPassed(barrier_id))

    def flush(self) -> None:
        """Reports what was not reported yet."""
        self._timer = None
        if self._unreported and self.is_open:
            changes = tuple(self._unreported)
            self._unreported = []
            if self.habits.whole_text:
                changes = (WholeText(self.text),)
            self.send(Reported(self.version, changes))

    def _take(self, message: SendEdit) -> None:
        if not self.is_open:
            self._answer(message, applied=False)
            return
        if message.rebase:
            self._take_rebased(message)
            return
        applied = self._is_for_now(message.version)
        self.refused += not applied
        if applied:
            found = [(self.index(edit.start), self.index(edit.end), edit) for edit in message.edits]
            for start, end, edit in reversed(found):
                self._change(Edit(start, max(start, end), self._own_line_ends(edit.text)))
            self._insist_on_final_newline()
        first = self.habits.report_first
        first = self.rng.random() < 0.5 if first is None else first
        if first and self.habits.debounce_ms == 0:
            self.flush()
        self._answer(message, applied=applied)
        self._schedule()

    def _is_for_now(self, version: int | None) -> bool:
        check = self.habits.version_check
        if version is None or check is VersionCheck.NONE:
            return True
        if check is VersionCheck.NEWER:
            return version == 0 or self.version <= version
        return self.version == version or (check is VersionCheck.LEAKY and self.rng.random() < 0.5)

    def _answer(self, message: SendEdit, *, applied: bool) -> None:
        if self.habits.answer is Answer.NEVER:
            return
        said = applied or self.habits.answer is Answer.ALWAYS_YES
        self.send(Answered(message.id, said, self.version))

    def _take_rebased(self, message: SendEdit) -> None:
        """The plugin's half of `codementor/applyEdit`."""
        assert message.version is not None
        if message.version < self._opened_at:
            self._answer(message, applied=False)
            return
        later = [past.edit for past in self._history if past.version > message.version]
        base = self._text_at(message.version)
        moved = [
            Edit(
                index_of(base, edit.start, self.habits.encoding),
                index_of(base, edit.end, self.habits.encoding),
                self._own_line_ends(edit.text),
            )
            for edit in message.edits
        ]
        for local in later:
            moved = [piece for edit in moved for piece in moved_over(edit, local)]
        moved = [edit for edit in moved if edit.text != self.text[edit.start : edit.end]]
        if not moved:
            self._answer(message, applied=False)
            return
        self.flush()
        version = self.version + 1
        for edit in reversed(moved):
            self._change(edit)
        self._insist_on_final_newline()
        self.version = version
        self._history = [
            _Past(min(past.version, version), past.edit, past.removed) for past in self._history
        ]
        if self.rng.random() < 0.5:
            self.flush()
            self._answer(message, applied=True)
        else:
            self._answer(message, applied=True)
            self.flush()

    def _text_at(self, version: int) -> str:
        """The text as it was at an earlier version."""
        text = self.text
        for past in reversed(self._history):
            if past.version > version:
                at = past.edit.start
                text = text[:at] + past.removed + text[at + len(past.edit.text) :]
        return text

    # The buffer.

    def index(self, position: Position) -> int:
        return index_of(self.text, position, self.habits.encoding)

    def position(self, index: int) -> Position:
        return position_of(self.text, index, self.habits.encoding)

    def _user(self, edit: Edit) -> str:
        removed = self._change(edit)
        self._insist_on_final_newline()
        self._schedule()
        return removed

    def _change(self, edit: Edit, *, remember: bool = True) -> str:
        removed = self.text[edit.start : edit.end]
        start, end = self.position(edit.start), self.position(edit.end)
        self._unreported.append(RangeChange(start, end, edit.text))
        self.text = self.text[: edit.start] + edit.text + self.text[edit.end :]
        self.version += 1
        if self.habits.rebases:
            self._history.append(_Past(self.version, edit, removed))
        if remember:
            self._undo.append(_Undone(edit.start, removed, edit.text))
            self._redo.clear()
        return removed

    def _step_back(self, source: list[_Undone], target: list[_Undone]) -> None:
        if not source:
            return
        last = source.pop()
        edit = Edit(last.start, last.start + len(last.inserted), last.removed)
        self._change(edit, remember=False)
        target.append(_Undone(last.start, last.inserted, last.removed))
        self._schedule()

    def _insist_on_final_newline(self) -> None:
        if self.habits.keeps_final_newline and not self.text.endswith(self.habits.line_end):
            self._change(Edit(len(self.text), len(self.text), self.habits.line_end))

    def _schedule(self) -> None:
        if not self._unreported:
            return
        if self.habits.debounce_ms == 0 and self.rng.random() < 0.7:
            self.flush()
        elif self._timer is None or self.habits.idle:
            timer = self._timer = object()
            self.time.after(
                self.habits.debounce_ms, lambda: self.flush() if self._timer is timer else None
            )

    def _own_line_ends(self, text: str) -> str:
        return LINE_END.sub(self.habits.line_end, text)

    def _border(self, index: int) -> int:
        """No caret stands inside a line end."""
        index = max(0, min(index, len(self.text)))
        inside = 0 < index < len(self.text) and self.text[index - 1 : index + 1] == "\r\n"
        return index + inside


def moved_over(edit: Edit, local: Edit) -> list[Edit]:
    """An edit over one text, moved over a local change of that text, as the contract says."""
    grown = len(local.text) - (local.end - local.start)
    if edit.start < local.start:
        at = edit.start
    elif edit.start <= local.end:
        at = local.start + len(local.text)
    else:
        at = edit.start + grown
    left = Edit(edit.start, min(edit.end, local.start), "")
    right = Edit(max(edit.start, local.end) + grown, edit.end + grown, "")
    pieces = [piece for piece in (left, right) if piece.start < piece.end]
    if pieces and pieces[0].start == at:
        pieces[0] = Edit(at, pieces[0].end, edit.text)
    elif edit.text:
        pieces.insert(0, Edit(at, at, edit.text))
    return pieces
