"""The session's document on this machine: the door to the CRDT library. Nothing else in `cm_lsp` imports pycrdt.

Owns: check before apply, our own updates until the server has stored them, and what each change did to which text. Does
not own editors or sockets. What a reader would guess wrong: the author id is not ours to choose. The server gives one
with each connection; when it is another than before, the document is copied under it (`adopt_author`), and what was typed
under the old one is still offered. And an id counts as ours only once we have written under it: what an earlier process of
this user wrote comes from the server like anybody's text.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

from pycrdt import Doc, Map, Text, merge_updates

from cm_lsp.sharing.bridge_messages import ChangeCrdt, Utf8Edit
from cm_lsp.sharing.places import ShownPiece
from cm_wire import limits, paths
from cm_wire.ids import FilePath, YjsClientId
from cm_wire.yjs import state_vector
from cm_wire.yjs import update as updates
from cm_wire.yjs.admission import AdmissionState
from cm_wire.yjs.known_document import FILES_ROOT
from cm_wire.yjs.rules import Relay
from cm_wire.yjs.structs import Clock, Deletes, Update
from cm_wire.yjs.verdict import (
    ANSWER_LIMITS,
    DOCUMENT_LIMITS,
    UPDATE_LIMITS,
    Admitted,
    Gap,
    Outcome,
)

INSERT_CODE_POINTS_MAX: Final = 12_000
"""A longer insertion goes in as several updates, each within the limits of one (at most four bytes a code point)."""

EDITS_MAX: Final = UPDATE_LIMITS.structs // 4
"""More edits at once go in as several updates: each makes up to three structs where it parts one of its own batch."""

DELETED_RANGES_MAX: Final = 4_096
"""A deletion of more, as of all the text where much was deleted in it before, goes in as several updates."""

ANSWER_BYTES_MAX: Final = limits.SYNC_FRAME_BYTES_MAX - 64

EMPTY_UPDATE: Final = b"\0\0"

Delta = list[dict[str, object]]


class DocumentLostError(Exception):
    """The library failed on an update that was admitted. The copy here is void; the server has it all."""


@dataclass(slots=True)
class Changes:
    """What one remote update did, in the order it did it."""

    deltas: list[tuple[FilePath, Delta]] = field(default_factory=list)
    files_changed: bool = False


class SessionDocument:
    """Starts empty; the first sync fills it."""

    def __init__(self, author: YjsClientId, seed: YjsClientId) -> None:
        """`seed` is the server's own id, the only one that may add and remove files."""
        self.seed = seed
        self._written_under: set[YjsClientId] = set()
        self._admission = AdmissionState(lambda path: paths.is_auto_run(FilePath(path)))
        self._unstored: deque[Clock] = deque()
        self._unconfirmed: deque[bytes] = deque()
        self._changes = Changes()
        self._own_updates: list[bytes] = []
        self._is_ours = False
        self._begin(author)

    @property
    def author(self) -> YjsClientId:
        return YjsClientId(self._doc.client_id)

    def adopt_author(self, author: YjsClientId) -> None:
        """Go on under another id; texts and their places stay as they are."""
        if author == self.author:
            return
        whole = self._doc.get_update()
        self._begin(author)
        self._apply(whole)
        self._changes = Changes()

    # What comes in.

    def receive(
        self, update: bytes, *, others_may_edit: bool, others_may_edit_protected: bool
    ) -> tuple[Outcome, Changes]:
        """Check what the server sent and apply what of it is new."""
        relay = Relay(
            own_client_ids=frozenset(self._written_under),
            seed_client_ids=frozenset({self.seed}),
            others_may_edit=others_may_edit,
            others_may_edit_protected=others_may_edit_protected,
        )
        outcome = self._admission.admit_relayed(update, relay)
        self._changes = Changes()
        if isinstance(outcome, Admitted):
            self._apply(outcome.update)
        changes, self._changes = self._changes, Changes()
        return outcome, changes

    # What goes out.

    def change(self, path: FilePath, change: ChangeCrdt) -> list[bytes]:
        """Carry out what a bridge wants; the updates to send. A file that was unshared meanwhile gets nothing."""
        text = self._texts.get(path)
        if text is None:
            return []
        self._is_ours = True
        try:
            for batch in _batches(change.edits):
                with self._doc.transaction():
                    for edit in batch:
                        _replace(text, edit)
        finally:
            self._is_ours = False
        made = [piece for update in self._own_updates for piece in _split(update)]
        self._own_updates = []
        self._written_under.add(self.author)
        for update in made:
            self._admission.record_trusted(update)
            self._unstored.append(self._admission.next_clock(self.author))
            self._unconfirmed.append(update)
        return made

    def stored(self, author: YjsClientId, clock: Clock) -> None:
        """The server has on disk all that `author` inserted below `clock`. Of deletes it says nothing: they have no clock."""
        while author == self.author and self._unstored and self._unstored[0] <= clock:
            self._unstored.popleft()

    @property
    def unstored_count(self) -> int:
        return len(self._unstored)

    @property
    def oldest_unstored(self) -> Clock | None:
        return self._unstored[0] if self._unstored else None

    def confirmed(self, count: int) -> None:
        """The server has the oldest `count` unconfirmed updates on disk, deletes and all."""
        for _ in range(count):
            self._unconfirmed.popleft()

    @property
    def unconfirmed_count(self) -> int:
        return len(self._unconfirmed)

    def unconfirmed(self) -> list[bytes]:
        """Our updates that the server may lack, in order and in as few as it takes; at least one, which may be empty."""
        return merged(list(self._unconfirmed)) or [EMPTY_UPDATE]

    def state(self) -> bytes:
        return state_vector.encode(self._admission.state_vector())

    def answer_to(self, their_state: bytes) -> list[bytes]:
        """What the server lacks, in pieces it takes: one when it is small, else as `unconfirmed`."""
        state_vector.decode(their_state)
        whole = self._doc.get_update(their_state)
        if len(whole) <= ANSWER_BYTES_MAX and Weight.of(whole).fits(ANSWER_LIMITS):
            return [whole]
        return self.unconfirmed()

    # What is in it.

    def paths(self) -> frozenset[FilePath]:
        return frozenset(self._texts)

    def text(self, path: FilePath) -> str:
        return str(self._texts[path])

    def shown_pieces(self, path: FilePath) -> Iterator[ShownPiece]:
        return self._admission.shown_pieces(path)

    def _begin(self, author: YjsClientId) -> None:
        self._doc: Doc[Any] = Doc(client_id=author)
        self._files: Map[Any] = self._doc.get(FILES_ROOT, type=Map)
        self._texts: dict[FilePath, Text] = {}
        self._watches: list[tuple[Text, Any]] = []
        self._files.observe(self._on_files)
        self._doc.observe(self._on_transaction)

    def _on_files(self, event: Any) -> None:  # noqa: ARG002 - the keys are read after the transaction
        self._changes.files_changed = True

    def _on_transaction(self, event: Any) -> None:
        if self._is_ours:
            self._own_updates.append(event.update)

    def _bind_texts(self) -> None:
        """Watch each file's text. A path that was shared anew has a new text behind the old name."""
        for text, watch in self._watches:
            text.unobserve(watch)
        self._watches.clear()
        self._texts = {}
        for path in self._files.keys():  # noqa: SIM118 - a Map of the library is no mapping
            text = self._files[path]
            if isinstance(text, Text):
                name = FilePath(path)
                self._texts[name] = text
                self._watches.append((text, text.observe(self._watcher(name))))

    def _watcher(self, path: FilePath) -> Any:
        def watch(event: Any) -> None:
            if not self._is_ours:
                self._changes.deltas.append((path, list(event.delta)))

        return watch

    def _apply(self, update: bytes) -> None:
        try:
            self._doc.apply_update(update)
        except (ValueError, RuntimeError) as error:
            raise DocumentLostError(str(error)) from error
        except BaseException as panic:
            if type(panic).__name__ != "PanicException":
                raise
            raise DocumentLostError("the CRDT library panicked") from panic
        if self._changes.files_changed:
            self._bind_texts()


@dataclass(frozen=True, slots=True)
class Weight:
    """What the admission check counts of an update."""

    size: int = 0
    structs: int = 0
    ranges: int = 0

    @staticmethod
    def of(encoded: bytes) -> "Weight":
        update = updates.decode(encoded, DOCUMENT_LIMITS)
        structs = sum(len(block.structs) for block in update.blocks)
        ranges = sum(len(deletes.ranges) for deletes in update.deletes)
        return Weight(len(encoded), structs, ranges)

    def __add__(self, other: "Weight") -> "Weight":
        return Weight(
            self.size + other.size, self.structs + other.structs, self.ranges + other.ranges
        )

    def fits(self, limits: updates.Limits) -> bool:
        return (
            self.size <= limits.update_bytes
            and self.structs <= limits.structs
            and self.ranges <= limits.delete_ranges
        )


def merged(made: list[bytes]) -> list[bytes]:
    """The same updates as few as the limits of one allow, in their order."""
    if len(made) < 2:
        return made
    out: list[bytes] = []
    gathered: list[bytes] = []
    weight = Weight()
    for update in made:
        more = Weight.of(update)
        if gathered and not (weight + more).fits(UPDATE_LIMITS):
            out.append(_merge(gathered))
            gathered, weight = [], Weight()
        gathered.append(update)
        weight += more
    return [*out, _merge(gathered)]


def inserted(delta: Delta) -> str:
    """All that an event's delta puts in."""
    return "\n".join(part for one in delta if isinstance(part := one.get("insert"), str))


def is_gap(outcome: Outcome) -> bool:
    """Whether what came rests on something that is missing here: only a new sync helps."""
    return isinstance(outcome, Gap)


def _merge(gathered: list[bytes]) -> bytes:
    return gathered[0] if len(gathered) == 1 else merge_updates(*gathered)


def _split(update: bytes) -> list[bytes]:
    """The same as updates that each keep the limits of one; what was inserted comes first."""
    if len(update) <= 2 * DELETED_RANGES_MAX:  # a range has two bytes at least
        return [update]
    whole = updates.decode(update, DOCUMENT_LIMITS)
    ranges = [(deletes.client, one) for deletes in whole.deletes for one in deletes.ranges]
    if len(ranges) <= DELETED_RANGES_MAX:
        return [update]
    pieces = []
    for first in range(0, len(ranges), DELETED_RANGES_MAX):
        of_client: dict[YjsClientId, list[tuple[Clock, int]]] = {}
        for client, one in ranges[first : first + DELETED_RANGES_MAX]:
            of_client.setdefault(client, []).append(one)
        deletes = [Deletes(client, own) for client, own in of_client.items()]
        pieces.append(updates.encode(Update([] if first else whole.blocks, deletes)))
    return pieces


def _replace(text: Text, edit: Utf8Edit) -> None:
    if edit.end > edit.start:
        del text[edit.start : edit.end]
    if edit.text:
        text.insert(edit.start, edit.text)


def _batches(edits: tuple[Utf8Edit, ...]) -> Iterator[list[Utf8Edit]]:
    """All in one, unless there is much to do. Pieces of one insertion follow one another to the right."""
    batch: list[Utf8Edit] = []
    room = INSERT_CODE_POINTS_MAX
    for edit in edits:
        for piece in _pieces(edit):
            if batch and (len(piece.text) > room or len(batch) == EDITS_MAX):
                yield batch
                batch, room = [], INSERT_CODE_POINTS_MAX
            batch.append(piece)
            room -= len(piece.text)
    if batch:
        yield batch


def _pieces(edit: Utf8Edit) -> Iterator[Utf8Edit]:
    start, end, at = edit.start, edit.end, 0
    while True:
        text = edit.text[at : at + INSERT_CODE_POINTS_MAX]
        yield Utf8Edit(start, end, text)
        at += len(text)
        if at >= len(edit.text):
            return
        start = type(start)(start + len(text.encode()))
        end = start
