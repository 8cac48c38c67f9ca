"""The door to the CRDT library: one session's document and the check that guards it. Nothing else on the server imports pycrdt.

Owns: check before apply, the seed's changes, the panic that must not escape. Does not own numbers, logs or people. A
guess that would be wrong: `except Exception` guards this door. The library panics with a BaseException, after which its
document cannot be trusted and has to be built anew from the log.
"""

import asyncio
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from pycrdt import Doc, Map, Text, merge_updates

from cm_wire import paths
from cm_wire.ids import FilePath, YjsClientId
from cm_wire.yjs import state_vector
from cm_wire.yjs.admission import AdmissionState
from cm_wire.yjs.known_document import FILES_ROOT, META_ROOT
from cm_wire.yjs.rules import Participant
from cm_wire.yjs.structs import Clock
from cm_wire.yjs.varint import MalformedError
from cm_wire.yjs.verdict import Admitted, Outcome

SEED_CLIENT_ID: Final = YjsClientId(1)
"""Writes what the server writes: shared files, removals, renames. It never types, and no person ever gets it."""
FIRST_PERSON_CLIENT_ID: Final = YjsClientId(2)


class DocumentLost(Exception):  # noqa: N818 - reads as what happened
    """The library failed on an update that was admitted: the document in memory is void, the log is right."""


class SharedDocument:
    """Made by `built`; or by `opened`, and then nobody's update may be taken before `prepare` is through.

    The check's part of a large document takes twenty times as long as the library's. Who joins is sent the text without it.
    """

    def __init__(self, doc: "Doc[Any]", admission: AdmissionState | None) -> None:
        self._doc = doc
        self._admission = admission
        self._preparing: asyncio.Task[AdmissionState] | None = None

    @classmethod
    def built(cls, snapshot: bytes, updates: Iterable[bytes]) -> "SharedDocument":
        """From our own log. Raises `DocumentLost` where the library or the check does not take it."""
        doc = _loaded(snapshot, updates)
        return cls(doc, _known(doc.get_update()))

    @classmethod
    def opened(cls, snapshot: bytes, updates: Iterable[bytes]) -> "SharedDocument":
        """As `built`, without the check's part."""
        return cls(_loaded(snapshot, updates), None)

    @property
    def is_prepared(self) -> bool:
        return self._admission is not None

    async def prepare(self) -> None:
        """Build the check's part on a thread, once, however many ask. Raises `DocumentLost`."""
        if self._admission is None:
            if self._preparing is None:
                whole = self._doc.get_update()
                self._preparing = asyncio.create_task(asyncio.to_thread(_known, whole))
            known = await asyncio.shield(self._preparing)
            # Whoever waited longer must not put back what has moved on since.
            if not self.is_prepared:
                self._admission = known

    @property
    def admission(self) -> AdmissionState:
        assert self._admission is not None, "prepare first"
        return self._admission

    @admission.setter
    def admission(self, known: AdmissionState) -> None:
        self._admission = known

    def clocks(self) -> dict[YjsClientId, Clock]:
        """The next clock of everyone who has written."""
        if self._admission is not None:
            return self._admission.state_vector()
        return state_vector.decode(self._doc.get_state())

    def next_clock(self, client: YjsClientId) -> Clock:
        if self._admission is not None:
            return self._admission.next_clock(client)
        return self.clocks().get(client, 0)

    def receive(self, update: bytes, participant: Participant, *, is_answer: bool) -> Outcome:
        """Check a person's update and apply what of it is new; what is refused leaves no trace."""
        outcome = self.admission.admit(update, participant, is_answer=is_answer)
        if type(outcome) is Admitted:
            self._apply(outcome.update)
        return outcome

    def take_own(self, update: bytes) -> None:
        """Apply what `plan_…` made, once it is stored."""
        self.admission.record_trusted(update)
        self._apply(update)

    def state(self) -> bytes:
        return self._doc.get_state()

    def whole(self) -> bytes:
        return self._doc.get_update()

    def since(self, their_state: bytes) -> bytes:
        """What somebody with this state vector lacks; `MalformedError` for what is none."""
        state_vector.decode(their_state)
        return self._doc.get_update(their_state)

    def paths(self) -> frozenset[FilePath]:
        if self._admission is not None:
            return frozenset(map(FilePath, self._admission.shared_paths()))
        return frozenset(map(FilePath, self._doc.get(FILES_ROOT, type=Map)))

    def texts(self) -> dict[FilePath, str]:
        files = self._doc.get(FILES_ROOT, type=Map)
        return {path: str(files[path]) for path in sorted(self.paths())}

    def digests(self) -> dict[FilePath, str]:
        """SHA-256 of each text's UTF-8, in hex."""
        return {
            path: hashlib.sha256(text.encode()).hexdigest() for path, text in self.texts().items()
        }

    def plan_share(self, path: FilePath, text: str) -> bytes:
        """The seed's update that puts a file in."""

        def change(files: Any, _: Any) -> None:
            files[path] = Text(text)

        return self._plan(change)

    def plan_unshare(self, path: FilePath) -> bytes:
        def change(files: Any, meta: Any) -> None:
            for entries in (files, meta):
                if path in entries:
                    del entries[path]

        return self._plan(change)

    def plan_rename(self, path: FilePath, new_path: FilePath) -> bytes:
        """The name in `meta`. The text stays where it is: a Yjs text cannot move, and edits on their way to it would be lost."""

        def change(_: Any, meta: Any) -> None:
            meta[path] = new_path

        return self._plan(change)

    def _plan(self, change: Callable[[Any, Any], None]) -> bytes:
        """Made in a copy, because it counts only once it is stored: a seed that had shown what a crash then forgot
        would use the same clocks for something else, and the replicas would differ for good.
        """
        scratch: Doc[Any] = Doc(client_id=SEED_CLIENT_ID)
        scratch.apply_update(self._doc.get_update())
        before = scratch.get_state()
        files, meta = (scratch.get(root, type=Map) for root in (FILES_ROOT, META_ROOT))
        with scratch.transaction():
            change(files, meta)
        return scratch.get_update(before)

    def _apply(self, update: bytes) -> None:
        _apply(self._doc, update)


def merged(updates: Sequence[bytes]) -> bytes:
    """Updates of our own log as one, in their order; of none, the empty one."""
    return updates[0] if len(updates) == 1 else merge_updates(*updates)


def differing(ours: Mapping[FilePath, str], theirs: Mapping[FilePath, str]) -> tuple[FilePath, ...]:
    """The paths whose digests are not the same on both sides, or that only one side has."""
    return tuple(
        sorted(path for path in ours.keys() | theirs.keys() if ours.get(path) != theirs.get(path))
    )


def _loaded(snapshot: bytes, updates: Iterable[bytes]) -> "Doc[Any]":
    doc: Doc[Any] = Doc(client_id=SEED_CLIENT_ID)
    with doc.transaction():
        if snapshot:
            _apply(doc, snapshot)
        for update in updates:
            _apply(doc, update)
    return doc


def _known(whole: bytes) -> AdmissionState:
    try:
        return AdmissionState.from_trusted_update(
            whole, lambda path: paths.is_auto_run(FilePath(path))
        )
    except MalformedError as error:
        raise DocumentLost(str(error)) from error


def _apply(doc: "Doc[Any]", update: bytes) -> None:
    try:
        doc.apply_update(update)
    except (ValueError, RuntimeError) as error:
        raise DocumentLost(str(error)) from error
    except BaseException as panic:
        if type(panic).__name__ != "PanicException":
            raise
        raise DocumentLost("the CRDT library panicked") from panic
