"""Takes back what this side typed, and nothing else: an undo that keeps the other person's work, and its redo.

The same reckoning as `undo`, with the roles exchanged: there the bursts that count are the other person's, here our own. Owns
no text; what to undo comes out as an operation over the shared text of that moment, to be carried out as one's own edit.

What a reader would guess wrong: an undo is one's own change, too, but it is not recorded as one. It is accounted for here, and
only moves what the other reckoning keeps.
"""

from cm_lsp.sharing.edits import Operation, Sliced
from cm_lsp.sharing.undo import OthersChanges


class OwnUndo:
    """Of one shared text."""

    __slots__ = ("_done", "_undone")

    def __init__(self) -> None:
        self._done = OthersChanges()
        self._undone = OthersChanges()

    def record(self, operation: Operation, before: Sliced, *, own: bool, now_ms: int) -> None:
        """Every change of the shared text but those that come from here; what is typed anew ends what can be redone."""
        self._done.record(operation, before, own=not own, now_ms=now_ms)
        if own:
            self._undone = OthersChanges()
        else:
            self._undone.record(operation, before, own=True, now_ms=now_ms)

    def undo(self, text: Sliced, now_ms: int) -> Operation:
        """What takes our last burst back of which anything is left; empty if there is none."""
        return _moved(self._done, self._undone, text, now_ms)

    def redo(self, text: Sliced, now_ms: int) -> Operation:
        """What takes our last undo back."""
        return _moved(self._undone, self._done, text, now_ms)


def _moved(one: OthersChanges, other: OthersChanges, text: Sliced, now_ms: int) -> Operation:
    operation = one.take_last()
    if operation:
        other.end_burst()
        other.record(operation, text, own=False, now_ms=now_ms)
        other.end_burst()
    return operation
