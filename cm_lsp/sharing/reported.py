"""Reads the changes an editor reports: positions of its world into replacements of ours."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import assert_never

from cm_lsp.sharing import positions
from cm_lsp.sharing.bridge_messages import Change, RangeChange, WholeText
from cm_lsp.sharing.edits import Replacement
from cm_lsp.sharing.indexed_text import IndexedText, common_prefix, common_suffix
from cm_lsp.sharing.positions import DocumentVersion, PositionEncoding


@dataclass(frozen=True, slots=True)
class Report:
    """One didChange."""

    version: DocumentVersion
    changes: tuple[Change, ...]

    @property
    def whole(self) -> bool:
        """Whether it states whole texts, in which an edit and typing may have become one change."""
        return any(isinstance(change, WholeText) for change in self.changes)


@dataclass(frozen=True, slots=True)
class Step:
    """One reported change: the text before it, what was replaced, at which version it was reported."""

    before: IndexedText
    change: Replacement
    version: DocumentVersion

    @property
    def changes_nothing(self) -> bool:
        """The text after it is the text before it."""
        start, end, text = self.change
        return self.before.slice(start, end) == text


class ReportReader:
    """Knows how one editor counts."""

    __slots__ = ("_lone_carriage_return", "encoding")

    def __init__(self, encoding: PositionEncoding, lone_carriage_return: str) -> None:
        self.encoding = encoding
        self._lone_carriage_return = lone_carriage_return

    def normalised(self, text: str) -> str:
        """The editor's text in the form texts have on our side."""
        return positions.normalised(text, self._lone_carriage_return)

    def steps(
        self, shadow: IndexedText, reports: Iterable[Report], *, joined: bool
    ) -> tuple[list[Step], IndexedText]:
        """Every change with the text it was made in, and the text after the last.

        `joined`: neighbours of one report as one, for where none of them can be an edit that was sent.
        """
        text = shadow.copy()
        steps: list[Step] = []
        for report in reports:
            first = len(steps)
            for change in report.changes:
                step = Step(text, self.replacement(text, change), report.version)
                text = text.copy()
                text.replace(*step.change)
                whole = _joined(steps[-1], step, text) if joined and len(steps) > first else None
                if whole is not None:
                    steps[-1] = whole
                else:
                    steps.append(step)
        return steps, text

    def replacement(self, text: IndexedText, change: Change) -> Replacement:
        """What the change replaces in the text before it."""
        match change:
            case WholeText():
                return text.difference(self.normalised(change.text))
            case RangeChange():
                return self._ranged(text, change)
            case _:
                assert_never(change)

    def _ranged(self, text: IndexedText, change: RangeChange) -> Replacement:
        start, cut_at_start = text.locate(change.start, self.encoding)
        end, cut_at_end = start, cut_at_start
        if change.end > change.start:
            end, cut_at_end = text.locate(change.end, self.encoding)
        if self.encoding is not PositionEncoding.UTF16 or not (cut_at_start or cut_at_end):
            return Replacement(start, end, self.normalised(change.text))
        # The editor replaced half of a surrogate pair: what is left of it makes new characters.
        inserted = change.text
        if cut_at_start:
            inserted = positions.surrogate_halves(text.slice(start, start + 1))[0] + inserted
        if cut_at_end:
            inserted += positions.surrogate_halves(text.slice(end, end + 1))[1]
        return Replacement(start, end + int(cut_at_end), self.normalised(inserted))


def covering(steps: Sequence[Step], after: IndexedText) -> Replacement:
    """The one replacement, over the text before the first step, that all the steps amount to."""
    start, old_end, text = steps[0].change
    new_end = start + len(text)
    for step in steps[1:]:
        at, end, text = step.change
        start = min(start, at)
        old_end += max(0, end - new_end)
        new_end = max(new_end, end) + len(text) - (end - at)
    return Replacement(start, old_end, after.slice(start, new_end))


def _joined(first: Step, second: Step, after: IndexedText) -> Step | None:
    """Two changes at most a line end apart as one that only inserts or takes out a letter or more; None where they are more.

    Neovim joins two lines by copying the second behind the first and then deleting the second. Taken one after the
    other, what somebody else types into the second meanwhile would not go with it. What was replaced stays two changes: compared
    letter by letter it would fall into pieces.
    """
    start, _, text = first.change
    if second.change.start > start + len(text) + 1 or second.change.end < start - 1:
        return None
    start, end, text = covering([first, second], after)
    old = first.before.slice(start, end)
    kept = common_prefix(old, text)
    behind = common_suffix(old[kept:], text[kept:])
    small = Replacement(start + kept, end - behind, text[kept : len(text) - behind])
    if small.text and small.end - small.start > 1:
        return None
    return Step(first.before, small, second.version)
