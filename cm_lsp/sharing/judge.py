"""Decides what an editor's reports mean while an edit is in flight: the edit, typing, or both.

The rules come from what real editors do, by their profiles; what a decision does to the texts is in
`Standing`, which stays consistent whatever is decided here. A wrong decision costs a letter lost or
doubled, never two texts that differ.
"""

from collections.abc import Sequence

from cm_lsp.sharing import echo, edits, reported
from cm_lsp.sharing.bridge_messages import BridgeCounts
from cm_lsp.sharing.client_profiles import ClientProfile
from cm_lsp.sharing.echo import Echo, EditInFlight
from cm_lsp.sharing.edits import Replacement
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.pacing import Pacing
from cm_lsp.sharing.positions import DocumentVersion, PositionEncoding
from cm_lsp.sharing.reported import Report, ReportReader, Step
from cm_lsp.sharing.standing import Standing, small

FRUITLESS_TRIES = 3
"""So often may the editor report that an edit changed nothing; then its text counts."""


class Judge:
    """For one document of one editor."""

    def __init__(
        self,
        profile: ClientProfile,
        encoding: PositionEncoding,
        reader: ReportReader,
        standing: Standing,
        pacing: Pacing,
        counts: BridgeCounts,
    ) -> None:
        self._profile = profile
        self._encoding = encoding
        self._reader = reader
        self._standing = standing
        self._pacing = pacing
        self._counts = counts
        self._fruitless = 0

    def read(self, reports: Sequence[Report], now_ms: int) -> None:
        if self._standing.in_flight is None:
            for report in reports:
                self.typed(report)
            return
        joined = self._profile.rebases
        steps, after = self._reader.steps(self._standing.shadow, reports, joined=joined)
        found = self._find(self._standing.in_flight, steps, after)
        if found is not None:
            self._accept(found, steps, after, now_ms)
        elif steps and all(step.changes_nothing for step in steps):
            self._nothing_happened()
        else:
            whole = any(report.whole for report in reports)
            self._not_found(steps, after, now_ms, whole=whole)

    def _find(self, flight: EditInFlight, steps: Sequence[Step], after: IndexedText) -> Echo | None:
        if self._profile.rebases and flight.echo_version is not None:
            return _stretch_of_version(steps, after, flight.echo_version)
        if self._profile.rebases:
            return _likely_report(flight, steps, after)
        in_place = echo.cover_of(flight.operation, self._standing.shadow)
        honest = self._profile.truthful and flight.accepted_ms is not None
        anywhere = honest or not flight.checked

        def wanted(first: int) -> Replacement | None:
            if first == 0 and not flight.dirty:
                return in_place
            if anywhere:
                return echo.placed(flight.sent[0], steps[first].before, self._encoding)
            return None

        return echo.find(steps, after, wanted)

    def _accept(self, found: Echo, steps: Sequence[Step], after: IndexedText, now_ms: int) -> None:
        self._type_steps(steps[: found.first])
        flight, shadow = self._standing.in_flight, self._standing.shadow
        assert flight is not None
        expected = echo.cover_of(flight.operation, shadow)
        excess = echo.final_newline_excess(shadow, expected, found.actual)
        self._counts.echoed += 1
        self._fruitless = 0
        self._pacing.went_in()
        if excess is None:
            self._standing.went_in_as(found.actual)
            self._counts.repaired += 1
            self._pacing.repaired(now_ms)
        else:
            self._standing.went_in()
        behind = steps[found.stop].before if found.stop < len(steps) else after
        self._final_newline(behind)
        self._type_steps(steps[found.stop :])

    def _final_newline(self, told: IndexedText) -> None:
        """A final newline the editor added to the edit or took from it is the user's change."""
        shadow = self._standing.shadow
        if len(told) > len(shadow):
            self._standing.changed_by_user(edits.replacement(len(shadow), len(shadow), "\n"))
        elif len(told) < len(shadow):
            self._standing.changed_by_user(edits.replacement(len(shadow) - 1, len(shadow), ""))

    def _not_found(
        self, steps: Sequence[Step], after: IndexedText, now_ms: int, *, whole: bool
    ) -> None:
        flight, profile = self._standing.in_flight, self._profile
        assert flight is not None
        accepted = flight.accepted_ms is not None
        if profile.truthful:
            if accepted and (whole or self._is_past_echo(flight, steps)):
                self.mixed(steps, after)
            else:
                self._type_steps(steps)
                may_come = accepted or profile.rebases or not flight.checked
                if flight.judged_by_text and not may_come:
                    self.refused(now_ms)
        elif flight.checked:
            if whole and not flight.dirty:
                self.mixed(steps, after)
            else:
                self._type_steps(steps)
            if accepted and self._standing.in_flight is not None:
                self.refused(now_ms)
        elif accepted:
            self.mixed(steps, after)
            if self._standing.in_flight is not None:
                self.refused(now_ms)
        else:
            self._type_steps(steps)

    def _is_past_echo(self, flight: EditInFlight, steps: Sequence[Step]) -> bool:
        return flight.echo_version is not None and any(
            step.version > flight.echo_version for step in steps
        )

    def mixed(self, steps: Sequence[Step], after: IndexedText) -> None:
        """The edit is in the text, perhaps, in one change with typing: takes the likeliest reading."""
        flight, shadow = self._standing.in_flight, self._standing.shadow
        assert flight is not None
        certain = self._profile.truthful and flight.accepted_ms is not None
        with_edit = shadow.copy()
        with_edit.apply(flight.operation)
        rest = small(with_edit, with_edit.difference(str(after)))
        typed = sum(edits.cost(small(step.before, step.change)) for step in steps)
        self._counts.guessed += not certain
        if certain or edits.cost(rest) <= typed:
            self._standing.went_in()
            self._standing.changed_by_user(rest)
            self._pacing.went_in()
        else:
            self._type_steps(steps)

    def _nothing_happened(self) -> None:
        """The editor took the edit and made nothing of it: a final newline gone, say."""
        flight = self._standing.in_flight
        assert flight is not None
        honest = self._profile.truthful and not flight.judged_by_text
        may_be_under_way = honest or not flight.checked
        if (
            flight.dirty
            or self._profile.rebases
            or (may_be_under_way and flight.accepted_ms is None)
        ):
            return
        self._fruitless += 1
        if self._fruitless < FRUITLESS_TRIES:
            self._standing.not_gone_in()
            return
        self._fruitless = 0
        self._counts.editor_won += 1
        self._standing.drop_in_flight()

    def missed(self, last_reported: DocumentVersion) -> None:
        """A rebasing client names a report that was read as typing, late as its answer came.

        The text of the edit is in the buffer by that report, so the edit itself has to go.
        """
        flight = self._standing.in_flight
        if flight is None or flight.echo_version is None or flight.echo_version > last_reported:
            return
        self._counts.guessed += 1
        self._standing.drop_in_flight()

    def refused(self, now_ms: int) -> None:
        flight = self._standing.in_flight
        if flight is not None:
            self._counts.refused += 1
            self._pacing.refused(now_ms, explained=flight.dirty)
            self._standing.not_gone_in()

    def typed(self, report: Report) -> None:
        shadow = self._standing.shadow
        if len(report.changes) == 1:
            change = self._reader.replacement(shadow, report.changes[0])
            self._standing.changed_by_user(small(shadow, change))
        else:
            self._type_steps(self._reader.steps(shadow, [report], joined=True)[0])

    def _type_steps(self, steps: Sequence[Step]) -> None:
        for step in steps:
            self._standing.changed_by_user(small(step.before, step.change))


def _stretch_of_version(
    steps: Sequence[Step], after: IndexedText, version: DocumentVersion
) -> Echo | None:
    """The steps a rebasing client has named as the edit."""
    named = [at for at, step in enumerate(steps) if step.version == version]
    if not named:
        return None
    first, stop = named[0], named[-1] + 1
    behind = steps[stop].before if stop < len(steps) else after
    return Echo(first, stop, reported.covering(steps[first:stop], behind), 0)


def _likely_report(flight: EditInFlight, steps: Sequence[Step], after: IndexedText) -> Echo | None:
    """The report that does what the edit has become there, if all before it is typing."""
    operation = flight.operation
    for at, step in enumerate(steps):
        if at == 0 or step.version != steps[at - 1].version:
            named = _stretch_of_version(steps, after, step.version)
            wanted = echo.cover_of(operation, step.before)
            if named and echo.final_newline_excess(step.before, wanted, named.actual) is not None:
                return named
        _, operation = edits.transform(small(step.before, step.change), operation)
    return None
