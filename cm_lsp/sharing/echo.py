"""Finds the edit that was sent among the changes the editor reports.

An editor reports an edit it was sent just as it reports typing. The text tells which is which: the
echo is the stretch of reported changes that does what the edit does to the text before it. Pure
functions over states of the text; who may be believed is decided in `bridge`.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from cm_lsp.sharing import edits
from cm_lsp.sharing.bridge_messages import EditId, TextEdit
from cm_lsp.sharing.edits import Operation, Replacement
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.positions import DocumentVersion, PositionEncoding
from cm_lsp.sharing.reported import Step, covering

LONGEST_STRETCH = 4
"""Changes one edit may be echoed as; only an editor that sends several for one needs more than 1."""


@dataclass(slots=True)
class EditInFlight:
    """One edit that was sent and not seen in the editor's reports yet."""

    id: EditId
    operation: Operation
    """Over the editor's text as it is known now: moved over every report that came since."""

    sent: tuple[TextEdit, ...]
    sent_ms: int
    checked: bool
    """The editor will not apply it if the document has changed."""

    accepted_ms: int | None = None
    """When the editor said that it applied it."""

    echo_version: DocumentVersion | None = None
    """The version whose report is the echo; only clients that rebase say so."""

    dirty: bool = False
    """The user's changes were seen since it was sent."""

    judged_by_text: bool = False
    """The answer took too long to be waited for."""

    asked_again: bool = False
    """It was accepted, nothing was reported for long, and it was sent once more: a no means that it is in."""


@dataclass(frozen=True, slots=True)
class Echo:
    """The steps from `first` up to but not including `stop` are the edit, done as `actual`.

    `final_newline`: 1 or -1 if the editor also added or took a final newline, as some insist on one.
    """

    first: int
    stop: int
    actual: Replacement
    final_newline: int


Wanted = Callable[[int], Replacement | None]
"""What the edit would replace in the text before step i; None if it cannot be there."""


def find(steps: Sequence[Step], after: IndexedText, wanted: Wanted) -> Echo | None:
    """The shortest, then first, stretch of steps that does what is wanted.

    Shortest first, or typing that the edit happens to delete would be taken for a part of it.
    """
    for size in range(1, min(len(steps), LONGEST_STRETCH) + 1):
        for first in range(len(steps) - size + 1):
            actual = wanted(first)
            if actual is None:
                continue
            stop = first + size
            got = covering(steps[first:stop], steps[stop].before if stop < len(steps) else after)
            excess = final_newline_excess(steps[first].before, actual, got)
            if excess is not None:
                return Echo(first, stop, actual, excess)
    return None


def cover_of(operation: Operation, before: IndexedText) -> Replacement:
    """The one replacement from the operation's first change to its last."""
    every = edits.replacements(operation)
    if not every:
        return Replacement(0, 0, "")
    start, end = every[0].start, every[-1].end
    inside = [Replacement(a - start, b - start, text) for a, b, text in every]
    text = edits.apply(before.slice(start, end), edits.from_replacements(inside))
    return Replacement(start, end, text)


def final_newline_excess(base: IndexedText, wanted: Replacement, got: Replacement) -> int | None:
    """How many final newlines `got` leaves more than `wanted` (-1, 0, 1); None if they differ more.

    Two replacements can do the same though they look different: a letter typed beside its like.
    """
    longer = (len(got.text) - got.end + got.start) - (len(wanted.text) - wanted.end + wanted.start)
    low, high = min(wanted.start, got.start), max(wanted.end, got.end)
    if longer == 0:
        return 0 if _window(base, wanted, low, high) == _window(base, got, low, high) else None
    if abs(longer) > 1 or high < len(base) - 1:
        return None
    high = len(base)
    want, have = _window(base, wanted, low, high), _window(base, got, low, high)
    same = have == want + "\n" if longer > 0 else have + "\n" == want
    return longer if same else None


def placed(edit: TextEdit, text: IndexedText, encoding: PositionEncoding) -> Replacement:
    """What the edit replaces in a text it was perhaps not meant for."""
    start = text.offset_at(edit.start, encoding)
    return Replacement(start, max(start, text.offset_at(edit.end, encoding)), edit.text)


def _window(base: IndexedText, change: Replacement, low: int, high: int) -> str:
    return base.slice(low, change.start) + change.text + base.slice(change.end, high)
