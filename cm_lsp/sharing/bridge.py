"""Keeps one document of the editor and one shared text equal, whoever changes which and when.

Owns the race between them. Does no I/O: every method takes what happened and returns what is to be
done (`bridge_messages.Effect`). Does not know the CRDT library, the language server or the clock; times
are milliseconds of any steady clock. Not thread safe: one event after the other, its effects first.

What is known at any time is a `Standing`: the buffer as reported, the one edit in flight over it, the
queue of what others changed over that; together they always make the shared text.

What a reader would guess wrong: the answer to an edit is hardly ever what tells whether it went in. Some
editors say yes to what they refuse, some never answer. The reported text tells (`echo`); the answer is
used where the profile says it is honest, and reports that come before it then wait for it.

The user's text stands left of the other's where both insert at one place.

Contract of `codementor/applyEdit`, for the clients that rebase. Request {uri, version, edits}, answer
{applied, version}.

1. The edits are over the document at `version`, ascending, not touching. Let L1 … Ln be the changes the
   document has had since, reported or not. The plugin moves the edits over them as `edits.transform`
   does: at one place local text stays left; what was deleted locally is not deleted again; what was
   typed inside a stretch that the edits delete stays (the deletion splits in two around it).
2. If the history since `version` is gone, as it is for a version before the document was last opened, the
   document cannot be edited, or nothing is left to do, the document stays untouched and the answer is
   {applied: false, version: current}.
3. Otherwise the moved edits are applied in one step, as one new version w. All changes before it are
   reported first; w is reported in a didChange of its own that holds the moved edits and nothing else;
   the answer is {applied: true, version: w}, before or after that report.

The bridge counts reports below w as typing, w as the edit, and what is above as typing again. What w
reports is normally what the edit in flight has become here, moved over the same typing. If it is not (an
editor that formats what is inserted), the buffer counts as it is reported, the difference goes back into
the queue and the next edit puts it right; a final newline the editor insists on is taken as typing.
"""

from collections.abc import Sequence

from cm_lsp.sharing import edits, positions
from cm_lsp.sharing.bridge_messages import (
    Authority,
    AwaitBarrier,
    BridgeCounts,
    BridgeState,
    Change,
    EditId,
    Effect,
    SendEdit,
    TextEdit,
)
from cm_lsp.sharing.client_profiles import ClientProfile
from cm_lsp.sharing.echo import EditInFlight
from cm_lsp.sharing.edits import Operation, Replacement
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.judge import Judge
from cm_lsp.sharing.pacing import REFUSALS_TO_REPORT, Pacing
from cm_lsp.sharing.positions import DocumentVersion, Position, PositionEncoding, Utf8Offset
from cm_lsp.sharing.pulling import Pulling
from cm_lsp.sharing.reported import Report, ReportReader, Step
from cm_lsp.sharing.shared_text import SharedText
from cm_lsp.sharing.standing import Standing, small

ANSWER_PATIENCE_MS = 2_000
"""How long reports wait for the answer to an edit, and when display says the editor is waited for."""

BARRIER_PATIENCE_MS = 1_000

ECHO_PATIENCE_MS = 10_000
"""After a yes and nothing reported for so long, an editor that checks versions is asked again.

One that reports when its user pauses may just have no pause to report in, and the edit in its text already: an honest
editor then refuses the second asking as stale.
"""


class Bridge:
    """One document of one editor. Closed at first; opened and closed any number of times."""

    def __init__(
        self,
        shared: SharedText,
        *,
        profile: ClientProfile,
        encoding: PositionEncoding,
        authority: Authority,
    ) -> None:
        """From now on only the bridge changes `shared`. `encoding` as negotiated; a profile may differ."""
        self._profile = profile
        self._encoding = profile.encoding or encoding
        self._authority = authority
        self._standing = Standing(shared)
        self._pacing = Pacing()
        self._held: list[Report] = []
        self._version: DocumentVersion | None = None
        self._barrier: tuple[EditId, int] | None = None
        self._last_id = 0
        self.counts = BridgeCounts()
        reader = ReportReader(self._encoding, profile.lone_carriage_return)
        self._judge = Judge(
            profile, self._encoding, reader, self._standing, self._pacing, self.counts
        )
        self._pulling = Pulling(reader, self._standing, self.counts) if profile.pulls else None

    # What the editor says.

    def opened(self, text: str, version: int, now_ms: int) -> list[Effect]:
        """didOpen, the first or a later one. What differs goes where `Authority` says.

        With the authority of the editor the text is compared with the one the document was closed
        with, so that what others changed meanwhile is kept, and what changed on disk is a change.
        """
        self._version = DocumentVersion(version)
        self._pacing.start_again()
        if self._pulling is not None:
            self._pulling.start_again()
        buffer = IndexedText(positions.normalised(text, self._profile.lone_carriage_return))
        if self._authority is Authority.CRDT:
            self._standing.adopt(buffer)
        else:
            change = self._standing.shadow.difference(str(buffer))
            if self._profile.rebases:  # such a client refuses an edit for an earlier opening
                self._standing.not_gone_in()
            if self._standing.in_flight is not None:
                self._judge.mixed(
                    [Step(self._standing.shadow.copy(), change, self._version)], buffer
                )
                self._standing.not_gone_in()
            else:
                self._standing.changed_by_user(small(self._standing.shadow, change))
        return self._settled(now_ms)

    def closed(self, now_ms: int) -> list[Effect]:
        """didClose, also the first half of a rename. What others change waits for the reopening."""
        self._read_held(now_ms)
        self._version = None
        self._barrier = None
        return list(self._standing.take_typed())

    def changed(self, version: int, changes: Sequence[Change], now_ms: int) -> list[Effect]:
        """didChange, with all its changes in their order."""
        self._version = DocumentVersion(version)
        self._pacing.change_seen(now_ms)
        report = Report(self._version, tuple(changes))
        if self._pulling is not None:
            self._pulling.read(report)
            return self._settled(now_ms)
        if self._waits_for_answer():
            self._held.append(report)
            return []
        self._judge.read([report], now_ms)
        return self._settled(now_ms)

    def answered(
        self, edit_id: EditId, *, applied: bool, version: int | None, now_ms: int
    ) -> list[Effect]:
        """The answer to `SendEdit`; an error is `applied=False`. `version`: from clients that rebase.

        The answer to an edit that was seen in a report already is of no interest, and may come.
        """
        flight = self._standing.in_flight
        if flight is None or flight.id != edit_id or flight.accepted_ms is not None:
            return []
        if applied:
            flight.accepted_ms = now_ms
            if self._profile.rebases:
                flight.echo_version = _version_or(version, self._version)
            if not self._profile.truthful and flight.checked and flight.dirty:
                self._judge.refused(now_ms)
            self._read_held(now_ms)
            if self._version is not None:
                self._judge.missed(self._version)
        elif flight.asked_again:
            flight.accepted_ms, flight.asked_again = now_ms, False
            self._read_held(now_ms)
        else:
            for report in self._take_held():
                self._judge.typed(report)
            self._judge.refused(now_ms)
        return self._settled(now_ms)

    def barrier_passed(self, edit_id: EditId, now_ms: int) -> list[Effect]:
        """What the user typed before the barrier is in: the moment to send."""
        if self._barrier is None or self._barrier[0] != edit_id:
            return []
        self._barrier = None
        return self._send(now_ms) if self._may_send(now_ms) else []

    # What the session says.

    def remote(self, operation: Operation) -> list[Effect]:
        """Anyone but this bridge changed the shared text. Nothing is sent before `pump`.

        To be called after the transaction, with `SharedText.operation_of` of its event.
        """
        return list(self._standing.changed_by_others(operation))

    def pump(self, now_ms: int) -> list[Effect]:
        """Sends what is due: once per frame, after all the frame's `remote`."""
        if not self._may_send(now_ms):
            return []
        if not self._profile.barrier:
            return self._send(now_ms)
        self._barrier = self._next_id(), now_ms
        return [AwaitBarrier(self._barrier[0])]

    def offer(self) -> tuple[TextEdit, ...]:
        """All that waits, for the user of an editor that takes edits only when told to; nothing for others."""
        return self._pulling.offer() if self._pulling is not None and self.is_open else ()

    def waiting(self) -> tuple[Position, ...]:
        """Where in the buffer are the changes that wait for such a user."""
        if self._pulling is None or not self.is_open:
            return ()
        changes = edits.replacements(self._standing.queue)
        return tuple(
            self._standing.shadow.position_at(change.start, self._encoding) for change in changes
        )

    def tick(self, now_ms: int) -> list[Effect]:
        """A slow timer, a few times a second: retries, and the end of all patience."""
        flight = self._standing.in_flight
        if self._barrier is not None and now_ms - self._barrier[1] >= BARRIER_PATIENCE_MS:
            return self.barrier_passed(self._barrier[0], now_ms)
        if flight is not None and self.is_open:
            if flight.accepted_ms is None and now_ms - flight.sent_ms >= ANSWER_PATIENCE_MS:
                flight.judged_by_text = True
                self._read_held(now_ms)
            elif self._is_overdue(flight, now_ms):
                if self._profile.truthful and not flight.dirty and not flight.asked_again:
                    return self._ask_again(flight, now_ms)
                self._judge.refused(now_ms)
        return self._settled(now_ms)

    # Places, and what there is to see.

    def to_editor(self, offset: Utf8Offset) -> Position:
        """Where a place in the shared text is in the editor's buffer as it is known, or will be once it is opened."""
        shadow = self._standing.shadow
        place = self._standing.shared.text.offset_at_utf8(offset)
        if not self.is_open:
            return self._standing.shared.text.position_at(place, self._encoding)
        moved = edits.map_index_back(self._standing.ahead, place)
        return shadow.position_at(min(moved, len(shadow)), self._encoding)

    def to_editor_after_edit(self, offset: Utf8Offset) -> Position:
        """The same once the edit on its way to the editor has gone in: for what is told behind that edit."""
        standing = self._standing
        if standing.in_flight is None or not self.is_open:
            return self.to_editor(offset)
        buffer = standing.shadow.copy()
        buffer.apply(standing.in_flight.operation)
        place = standing.shared.text.offset_at_utf8(offset)
        moved = edits.map_index_back(standing.queue, place)
        return buffer.position_at(min(moved, len(buffer)), self._encoding)

    def to_crdt(self, position: Position) -> Utf8Offset:
        """Where a place in the editor's buffer is in the shared text; past the end is the end."""
        text = self._standing.shared.text
        place = self._standing.shadow.offset_at(position, self._encoding)
        moved = edits.map_index(self._standing.ahead, place, after=False)
        return text.utf8_at(min(moved, len(text)))

    @property
    def is_open(self) -> bool:
        """Whether the editor has the document open."""
        return self._version is not None

    @property
    def standing(self) -> Standing:
        """For tests and the divergence alarm; only to be read."""
        return self._standing

    def state(self, now_ms: int) -> BridgeState:
        """How far the editor is, for display."""
        flight = self._standing.in_flight
        if not self.is_open:
            return BridgeState.CLOSED
        if self._pacing.calming:
            return BridgeState.CALMING
        if self._pacing.refusals >= REFUSALS_TO_REPORT:
            return BridgeState.REFUSED
        if flight is not None and now_ms - flight.sent_ms >= ANSWER_PATIENCE_MS:
            return BridgeState.WAITING
        if flight is None and not self._standing.queue:
            return BridgeState.IN_STEP
        return BridgeState.SENDING if self._pulling is None else BridgeState.WAITING

    # Sending.

    def _may_send(self, now_ms: int) -> bool:
        return (
            self.is_open
            and self._pulling is None
            and self._barrier is None
            and self._standing.in_flight is None
            and bool(self._standing.queue)
            and self._pacing.may_send(now_ms)
        )

    def _send(self, now_ms: int) -> list[Effect]:
        version = self._version
        changes, operation, rest = self._standing.next_edits(several=self._profile.rebases)
        if not changes or version is None:
            return []
        sent = tuple(self._text_edit(change) for change in changes)
        checked = self._profile.checks_version and (
            version != 0 or self._profile.checks_version_zero
        )
        flight = EditInFlight(self._next_id(), operation, sent, now_ms, checked)
        self._standing.send(flight, rest)
        self.counts.sent += 1
        return [self._message(flight)]

    def _ask_again(self, flight: EditInFlight, now_ms: int) -> list[Effect]:
        flight.id, flight.sent_ms = self._next_id(), now_ms
        flight.accepted_ms, flight.asked_again = None, True
        return [self._message(flight)]

    def _message(self, flight: EditInFlight) -> SendEdit:
        version = self._version if self._profile.checks_version else None
        return SendEdit(flight.id, version, flight.sent, rebase=self._profile.rebases)

    def _text_edit(self, change: Replacement) -> TextEdit:
        shadow = self._standing.shadow
        start = shadow.position_at(change.start, self._encoding)
        end = shadow.position_at(change.end, self._encoding) if change.end > change.start else start
        return TextEdit(start, end, change.text)

    def _next_id(self) -> EditId:
        self._last_id += 1
        return EditId(self._last_id)

    def _settled(self, now_ms: int) -> list[Effect]:
        return [*self._standing.take_typed(), *self.pump(now_ms)]

    # Patience.

    def _waits_for_answer(self) -> bool:
        flight = self._standing.in_flight
        return (
            flight is not None
            and self._profile.truthful
            and flight.accepted_ms is None
            and not flight.judged_by_text
        )

    def _take_held(self) -> list[Report]:
        held, self._held = self._held, []
        return held

    def _read_held(self, now_ms: int) -> None:
        held = self._take_held()
        if held:
            self._judge.read(held, now_ms)

    def _is_overdue(self, flight: EditInFlight, now_ms: int) -> bool:
        return (
            flight.accepted_ms is not None
            and flight.checked
            and not self._profile.rebases
            and now_ms - flight.accepted_ms >= ECHO_PATIENCE_MS
        )


def _version_or(stated: int | None, last: DocumentVersion | None) -> DocumentVersion | None:
    """A client that rebases must name a version; what one that does not can mean is the last."""
    return last if stated is None else DocumentVersion(stated)
