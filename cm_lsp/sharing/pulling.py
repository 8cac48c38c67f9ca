"""Offers what others changed to an editor that takes edits only inside a command of its user.

Nothing is ever sent unasked, and no answer comes back: a code action that was offered may be taken now, later or never, and an
editor may ask for it at every move of the cursor. So several offers can be open at once, each with all that waited then; the
reported text tells which of them was taken. Owns the open offers; the account of the texts is `Standing`'s.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from cm_lsp.sharing import columns, echo, edits
from cm_lsp.sharing.bridge_messages import BridgeCounts, TextEdit
from cm_lsp.sharing.edits import Operation, Replacement
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.reported import Report, ReportReader, Step, covering
from cm_lsp.sharing.standing import Standing, small

OPEN_OFFERS_MAX: Final = 8


@dataclass(slots=True)
class Offer:
    """`operation` is over the buffer as it is known now; `edits` are what was handed out, over the buffer as it was."""

    operation: Operation
    edits: tuple[TextEdit, ...]


class Pulling:
    """Of one document."""

    def __init__(self, reader: ReportReader, standing: Standing, counts: BridgeCounts) -> None:
        self._reader = reader
        self._standing = standing
        self._encoding = reader.encoding
        self._counts = counts
        self._open: deque[Offer] = deque(maxlen=OPEN_OFFERS_MAX)

    def offer(self) -> tuple[TextEdit, ...]:
        """All that waits, as edits of the buffer that do not touch; also what was offered before and not taken."""
        shadow = self._standing.shadow
        changes, operation, _ = self._standing.next_edits(several=True)
        found = tuple(
            TextEdit(
                shadow.position_at(change.start, self._encoding),
                shadow.position_at(change.end, self._encoding),
                change.text,
            )
            for change in columns.counted_alike(shadow, changes)
        )
        if found and all(offer.operation != operation for offer in self._open):
            self._open.append(Offer(operation, found))
            self._counts.sent += 1
        return found

    def start_again(self) -> None:
        """The document was closed: what was offered for it cannot be taken any more."""
        self._open.clear()

    def read(self, report: Report) -> None:
        steps, after = self._reader.steps(self._standing.shadow, [report], joined=not self._open)
        if report.whole and self._open:
            self._read_whole(after)
            return
        at = 0
        while at < len(steps):
            found = self._taken_at(steps, at, after)
            if found is None:
                self._typed(small(steps[at].before, steps[at].change))
                at += 1
            else:
                self._take(edits.replacement(*found[1]))
                at += found[0]

    def _taken_at(
        self, steps: Sequence[Step], at: int, after: IndexedText
    ) -> tuple[int, Replacement] | None:
        """How many steps from here are one of the offers, and what it did; in its place, or where a stale one falls."""
        for offer in reversed(self._open):
            for size in range(1, max(echo.LONGEST_STRETCH, len(offer.edits)) + 1):
                if at + size > len(steps):
                    break
                behind = steps[at + size].before if at + size < len(steps) else after
                got = covering(steps[at : at + size], behind)
                for wanted in self._effects(offer, steps[at].before):
                    if echo.final_newline_excess(steps[at].before, wanted, got) is not None:
                        return size, got
        return None

    def _effects(self, offer: Offer, before: IndexedText) -> Iterator[Replacement]:
        yield echo.cover_of(offer.operation, before)
        placed: list[Replacement] = []
        for edit in offer.edits:
            start = before.offset_at(edit.start, self._encoding)
            end = max(start, before.offset_at(edit.end, self._encoding))
            if placed and start < placed[-1].end:
                return
            placed.append(Replacement(start, end, edit.text))
        yield echo.cover_of(edits.from_replacements(placed), before)

    def _read_whole(self, after: IndexedText) -> None:
        """Typing and a taken offer may come as one text: the reading that leaves the least to have been typed."""
        text, shadow = str(after), self._standing.shadow
        best, best_typed = None, small(shadow, shadow.difference(text))
        for offer in self._open:
            with_it = shadow.copy()
            with_it.apply(offer.operation)
            typed = small(with_it, with_it.difference(text))
            if edits.cost(typed) <= edits.cost(best_typed):
                best, best_typed = offer, typed
        if best is not None:
            self._counts.guessed += bool(best_typed)
            self._take(best.operation)
        self._typed(best_typed)

    def _take(self, operation: Operation) -> None:
        self._open.clear()
        self._counts.echoed += 1
        self._standing.taken(operation)

    def _typed(self, operation: Operation) -> None:
        if not operation:
            return
        for offer in self._open:
            _, offer.operation = edits.transform(operation, offer.operation)
        self._standing.changed_by_user(operation)
