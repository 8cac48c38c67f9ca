"""What the mentor has typed and only proposes: an operation over the shared text that is not in the shared text.

    shared      the text both have
    draft       what this editor shows = shared, then `published`, then `since`
    published   what the other side was last told, as hunks
    since       what was typed after that

Every method keeps that equation true, whatever comes in whichever order. Owns no text and no CRDT: what comes out is what
the editor must follow. What a reader would guess wrong: an accepted hunk is not confirmed by a message. The learner makes
it as an edit of their own, and a change of the shared text that is exactly a hunk fulfils it, whoever made it.
"""

from dataclasses import dataclass
from typing import NewType

from cm_lsp.sharing import edits
from cm_lsp.sharing.edits import Operation, Replacement
from cm_lsp.sharing.indexed_text import IndexedText

HunkId = NewType("HunkId", int)
"""Counts from 1 in each file; a hunk that is typed on becomes another one."""


@dataclass(frozen=True, slots=True)
class Hunk:
    """`change` is over the shared text; `removed` is what stands there now."""

    id: HunkId
    change: Replacement
    removed: str


class Draft:
    """Of one file. `shared` is followed from the given text on."""

    __slots__ = ("_hunks", "_is_told", "_last_id", "_since", "shared")

    def __init__(self, shared: IndexedText) -> None:
        self.shared = shared
        self._hunks: list[tuple[HunkId, Replacement]] = []
        self._since: Operation = ()
        self._is_told = True
        self._last_id = 0

    @property
    def operation(self) -> Operation:
        """What makes the draft of the shared text."""
        return edits.compose(self._published, self._since)

    @property
    def is_empty(self) -> bool:
        return not self.operation

    @property
    def is_told(self) -> bool:
        """Whether what was last published is all there is."""
        return self._is_told and not self._since

    def typed(self, operation: Operation) -> None:
        """The user changed the draft."""
        self._since = edits.compose(self._since, operation)

    def remote(self, operation: Operation) -> Operation:
        """Somebody else changed the shared text; what that is to the draft.

        Hunks that it fulfils are in the shared text from now on and change nothing in the draft; the other side, who
        may have typed them without a word, is told what is left.
        """
        changes = edits.replacements(operation)
        fulfilled = {change for _, change in self._hunks} & set(changes)
        done = edits.from_replacements(sorted(fulfilled))
        rest = edits.from_replacements(one for one in changes if one not in fulfilled)
        left = [(number, one) for number, one in self._hunks if one not in fulfilled]
        published = edits.from_replacements(one for _, one in left)
        rest, _ = edits.transform(rest, done)
        published, _ = edits.transform(published, done)
        moved, published = edits.transform(rest, published)
        self.shared.apply(operation)
        self._renumber(left, published, edits.compose(done, rest))
        if fulfilled:
            self._is_told = False
        moved, self._since = edits.transform(moved, self._since)
        return moved

    def publish(self) -> list[Hunk]:
        """All hunks there are, to be told as they stand here. An unchanged one keeps its id."""
        known = {change: number for number, change in self._hunks}
        changes = edits.replacements(self.operation)
        self._hunks = [(known.get(change) or self._next_id(), change) for change in changes]
        self._since, self._is_told = (), True
        return [
            Hunk(number, change, self.shared.slice(change.start, change.end))
            for number, change in self._hunks
        ]

    def drop(self, hunk_id: HunkId) -> Operation:
        """Take a published hunk back: what that is to the draft. What was typed since stays."""
        grown = 0
        for number, (start, end, text) in self._hunks:
            if number == hunk_id:
                removed = self.shared.slice(start, end)
                back = edits.replacement(start + grown, start + grown + len(text), removed)
                self._hunks = [one for one in self._hunks if one[0] != hunk_id]
                moved, self._since = edits.transform(back, self._since)
                return moved
            grown += len(text) - (end - start)
        return ()

    def drop_all(self) -> Operation:
        """Take everything back."""
        back = edits.invert(self.operation, self.shared)
        self._hunks, self._since = [], ()
        return back

    @property
    def _published(self) -> Operation:
        return edits.from_replacements(change for _, change in self._hunks)

    def _renumber(
        self, before: list[tuple[HunkId, Replacement]], published: Operation, through: Operation
    ) -> None:
        """Hunks that only moved keep their id; what became of the others is new to the other side."""
        known: dict[Replacement, HunkId] = {}
        for number, change in before:
            moved, _ = edits.transform(edits.from_replacements([change]), through)
            as_now = edits.replacements(moved)
            if len(as_now) == 1 and as_now[0][1] - as_now[0][0] == change.end - change.start:
                known[as_now[0]] = number
        changes = edits.replacements(published)
        self._hunks = [(known.get(change) or self._next_id(), change) for change in changes]
        if {number for number, _ in self._hunks} != {number for number, _ in before}:
            self._is_told = False

    def _next_id(self) -> HunkId:
        self._last_id += 1
        return HunkId(self._last_id)
