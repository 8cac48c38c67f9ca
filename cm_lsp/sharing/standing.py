"""Where the editor's buffer and the shared text stand to each other, and how that moves.

    shadow      the editor's buffer as far as it has reported it
    in flight   the one edit that was sent and not seen in a report yet, over shadow
    queue       what others changed and was not sent yet, over shadow and the edit in flight
    shared      the shared text = shadow, then the edit in flight, then the queue

Every method keeps that equation true, whatever it is told. Deciding what to tell it is the bridge's.
"""

from cm_lsp.sharing import echo, edits
from cm_lsp.sharing.bridge_messages import ChangeCrdt
from cm_lsp.sharing.differences import diff
from cm_lsp.sharing.echo import EditInFlight
from cm_lsp.sharing.edits import Operation, Replacement
from cm_lsp.sharing.indexed_text import IndexedText, common_prefix, common_suffix
from cm_lsp.sharing.shared_text import SharedText

MANY_HUNKS = 16
JOINED_GAP = 2_048
"""Many scattered changes go in one replacement that spans gaps up to this long."""

HUNKS_AT_ONCE = 200


class Standing:
    """One buffer against one shared text; equal at the start."""

    __slots__ = ("_queued", "_typed", "in_flight", "shadow", "shared")

    def __init__(self, shared: SharedText) -> None:
        self.shared = shared
        self.shadow = shared.text.copy()
        self.in_flight: EditInFlight | None = None
        self._queued: list[Operation] = []
        self._typed: list[Operation] = []

    @property
    def ahead(self) -> Operation:
        """What the shared text has that the buffer has not."""
        flight = self.in_flight
        return edits.compose(flight.operation, self.queue) if flight else self.queue

    @property
    def queue(self) -> Operation:
        """What was not sent yet, as one operation."""
        if len(self._queued) > 1:
            self._queued = [edits.compose_all(self._queued)]
        return self._queued[0] if self._queued else ()

    @queue.setter
    def queue(self, operation: Operation) -> None:
        self._queued = [operation] if operation else []

    def changed_by_others(self, operation: Operation) -> list[ChangeCrdt]:
        """The shared text has changed already; what must be taken out of it again is returned."""
        followed, taken_out = self.shared.follow(operation)
        if followed:
            self._queued.append(followed)
        return taken_out

    def changed_by_user(self, operation: Operation) -> None:
        """The buffer has changed; `take_typed` tells the shared text."""
        if not operation:
            return
        self.shadow.apply(operation)
        flight = self.in_flight
        if flight is not None:
            flight.dirty = True
            operation, flight.operation = edits.transform(operation, flight.operation)
        if self._queued:
            operation, self.queue = edits.transform(operation, self.queue)
        self._typed.append(operation)

    def take_typed(self) -> list[ChangeCrdt]:
        """All the user's changes since the last time, as one change of the shared text."""
        if not self._typed:
            return []
        operation = edits.compose_all(self._typed)
        self._typed.clear()
        return [self.shared.change(operation)] if operation else []

    def send(self, flight: EditInFlight, rest: Operation) -> None:
        """The first part of the queue is on its way; `rest` is what stays behind it."""
        self.in_flight = flight
        self.queue = rest

    def went_in(self) -> None:
        """The edit in flight is in the buffer, where it belongs."""
        if self.in_flight is not None:
            self.shadow.apply(self.in_flight.operation)
            self.in_flight = None

    def went_in_as(self, actual: Replacement) -> None:
        """The edit in flight became another change of the buffer; the queue puts that right."""
        if self.in_flight is None:
            return
        done = edits.replacement(*actual)
        repair = edits.compose(edits.invert(done, self.shadow), self.in_flight.operation)
        self.shadow.apply(done)
        self.queue = edits.compose(repair, self.queue)
        self.in_flight = None

    def taken(self, operation: Operation) -> None:
        """The buffer has changed by what its user was offered; what is not in it now still waits."""
        self.shadow.apply(operation)
        self.queue = small(self.shadow, self.shadow.difference(str(self.shared.text)))

    def not_gone_in(self) -> None:
        """The edit in flight is not in the buffer: it is the first thing to be sent again."""
        if self.in_flight is not None:
            self._queued.insert(0, self.in_flight.operation)
            self.in_flight = None

    def drop_in_flight(self) -> None:
        """The editor will not have it: the user's side takes the edit in flight back."""
        if self.in_flight is None:
            return
        with_it = self.shadow.copy()
        with_it.apply(self.in_flight.operation)
        back = edits.invert(self.in_flight.operation, self.shadow)
        self.in_flight = None
        moved, self.queue = edits.transform(back, self.queue)
        self._typed.append(moved)

    def adopt(self, buffer: IndexedText) -> None:
        """The buffer is another one now; the queue will make it the shared text."""
        self.in_flight = None
        self.shadow = buffer
        self.queue = small(buffer, buffer.difference(str(self.shared.text)))

    def is_consistent(self) -> bool:
        """Whether the equation holds; linear in the texts."""
        return edits.apply(str(self.shadow), self.ahead) == str(self.shared.text)

    def next_edits(self, *, several: bool) -> tuple[list[Replacement], Operation, Operation]:
        """What to send of the queue: replacements over shadow, the same as operation, and the rest.

        No replacement is there if nothing is to be sent; what changes nothing leaves the queue. One at
        a time unless `several`: most editors echo several in pieces, of which the first looks like
        typing.
        """
        queue = self.queue
        while queue:
            first, queue = edits.split_after(queue, self._count(queue, several=several))
            if several:
                changes = [self._shortest(change) for change in edits.replacements(first)]
            else:
                changes = [self._shortest(echo.cover_of(first, self.shadow))]
            changes = [change for change in changes if change.text or change.end > change.start]
            if changes:
                exact = len(edits.replacements(first)) > 1 and not several
                return changes, first if exact else edits.from_replacements(changes), queue
        self.queue = ()
        return [], (), ()

    def _count(self, queue: Operation, *, several: bool) -> int:
        """How many of the queue's replacements go together."""
        if several:
            return HUNKS_AT_ONCE
        hunks = edits.replacements(queue)
        count = 1
        if len(hunks) > MANY_HUNKS:
            while count < len(hunks) and hunks[count].start - hunks[count - 1].end <= JOINED_GAP:
                count += 1
        return count

    def _shortest(self, change: Replacement) -> Replacement:
        """The same change without what it leaves as it is, and away from the very end of the text."""
        old = self.shadow.slice(change.start, change.end)
        start = common_prefix(old, change.text)
        kept = common_suffix(old[start:], change.text[start:])
        text = change.text[start : len(change.text) - kept]
        return self._before_final_newline(
            Replacement(change.start + start, change.end - kept, text)
        )

    def _before_final_newline(self, change: Replacement) -> Replacement:
        """An edit at the very end makes an empty line too many in an editor that counts lines."""
        start, end, text = change
        if end < len(self.shadow) or start == 0 or not end:
            return change
        if start < end and text:
            return change
        insertion = start == end and text.endswith("\n") and self.shadow.slice(end - 1, end) == "\n"
        deletion = not text and self.shadow.slice(start - 1, start) == "\n" == self.shadow.slice(
            end - 1, end
        )
        if not (insertion or deletion):
            return change
        return Replacement(start - 1, end - 1, "\n" + text[:-1] if text else "")


def small(before: IndexedText, change: Replacement) -> Operation:
    """The change as an operation that leaves alone what stays the same inside it."""
    if change.start == change.end or not change.text:
        return edits.replacement(*change)
    inside = diff(before.slice(change.start, change.end), change.text)
    return edits.shifted(inside, change.start)
