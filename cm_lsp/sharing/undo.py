"""Takes back what the other person changed, and nothing else.

Keeps the inverse of each burst of their changes and moves it over every later change, so that one's own
later typing stays, also inside what is taken back. Owns no text and no CRDT: what to undo comes out as
an operation over the shared text of that moment. Carry it out on the CRDT and tell `Bridge.remote` of
it, since the editor has not got it yet; do not record it, it is accounted for.

What it cannot know: that the user took the same change back already with the editor's own undo. A
deletion taken back both ways stands there twice.
"""

from dataclasses import dataclass

from cm_lsp.sharing import edits
from cm_lsp.sharing.edits import Operation, Sliced

BURST_PAUSE_MS = 1_000
"""A pause this long ends what `take_last` takes back at once."""

BURSTS_KEPT = 200
"""Older bursts become one, which can be taken back only as a whole."""


@dataclass(slots=True)
class _Burst:
    inverse: Operation
    """Takes the burst back from the text after `through`."""

    through: Operation
    """All changes, of everybody, from the first of the burst to the first of the next."""

    last_ms: int


class OthersChanges:
    """What is there of the other person's changes to one shared text."""

    __slots__ = ("_bursts",)

    def __init__(self) -> None:
        self._bursts: list[_Burst] = []

    @property
    def last_ms(self) -> int | None:
        """When the newest burst that is still there ended."""
        return self._bursts[-1].last_ms if self._bursts else None

    def record(self, operation: Operation, before: Sliced, *, own: bool, now_ms: int) -> None:
        """Every change of the shared text, in order; `before` is the text it was made to."""
        last = self._bursts[-1] if self._bursts else None
        if own:
            if last is not None:
                last.inverse, _ = edits.transform(last.inverse, operation)
                last.through = edits.compose(last.through, operation)
            return
        inverse = edits.invert(operation, before)
        if last is not None and now_ms - last.last_ms < BURST_PAUSE_MS:
            last.inverse = edits.compose(inverse, last.inverse)
            last.through = edits.compose(last.through, operation)
            last.last_ms = now_ms
        else:
            self._bursts.append(_Burst(inverse, operation, now_ms))
            self._join_oldest()

    def take_last(self) -> Operation:
        """What takes back their last burst of which anything is left; empty if there is none."""
        while self._bursts:
            last = self._bursts.pop()
            if self._bursts:
                below = self._bursts[-1]
                done = edits.compose(last.through, last.inverse)
                below.inverse, _ = edits.transform(below.inverse, done)
                below.through = edits.compose(below.through, done)
                self.end_burst()
            if last.inverse:
                return last.inverse
        return ()

    def end_burst(self) -> None:
        """What comes next is a burst of its own, however soon."""
        if self._bursts:
            self._bursts[-1].last_ms -= BURST_PAUSE_MS

    def take_all(self) -> Operation:
        """What takes back all they changed."""
        every: Operation = ()
        while step := self.take_last():
            every = edits.compose(every, step)
        return every

    def _join_oldest(self) -> None:
        if len(self._bursts) <= BURSTS_KEPT:
            return
        first, second = self._bursts[:2]
        moved, _ = edits.transform(first.inverse, edits.compose(second.through, second.inverse))
        joined = edits.compose(second.inverse, moved)
        through = edits.compose(first.through, second.through)
        self._bursts[:2] = [_Burst(joined, through, second.last_ms)]
