"""A pycrdt document behind the admission check, as both doors keep it, and replicas to compare with.

Owns the pairing: check, apply, relay. The room of the server and the document of the language server
do the same with their own logging and acknowledging around it.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from pycrdt import Doc, Map, Text

from cm_wire.ids import YjsClientId
from cm_wire.yjs import state_vector
from cm_wire.yjs.admission import AdmissionState
from cm_wire.yjs.rules import Participant
from cm_wire.yjs.verdict import Admitted, Outcome

SEED_ID = YjsClientId(1)
SERVER_ID = 2

Contents: TypeAlias = dict[str, str]
AnyDoc: TypeAlias = Doc[Any]
AnyMap: TypeAlias = Map[Any]


def participant(*client_ids: int, **rights: bool) -> Participant:
    return Participant(frozenset(YjsClientId(client_id) for client_id in client_ids), **rights)


def seeded_update(contents: Contents) -> bytes:
    """What the seed client makes of the files at the start of a session."""
    seed: AnyDoc = Doc(client_id=SEED_ID)
    files = seed.get("files", type=Map)
    for path, content in contents.items():
        files[path] = Text(content)
    seed.get("meta", type=Map)["format"] = 1
    return seed.get_update()


def contents_of(document: AnyDoc) -> Contents:
    """The text of every file; what is not a text shows as its type's name."""
    files = document.get("files", type=Map)
    return {
        path: str(file) if isinstance(file, Text) else f"<{type(file).__name__}>"
        for path, file in files.items()
    }


def files_that_are_no_texts(document: AnyDoc) -> list[str]:
    files = document.get("files", type=Map)
    return [path for path, file in files.items() if not isinstance(file, Text)]


def replica(client_id: int, *updates: bytes) -> AnyDoc:
    document: AnyDoc = Doc(client_id=client_id)
    for update in updates:
        document.apply_update(update)
    return document


def text_in(document: AnyDoc, path: str) -> Text:
    file = document.get("files", type=Map)[path]
    assert isinstance(file, Text)
    return file


def update_of(document: AnyDoc, edit: Callable[[], None]) -> bytes:
    """The update that one edit of the document makes."""
    updates: list[bytes] = []
    subscription = document.observe(lambda event: updates.append(event.update))
    with document.transaction():
        edit()
    document.unobserve(subscription)
    (update,) = updates
    return update


class GuardedDocument:
    """The document as the server holds it: nothing from a person gets in unchecked."""

    def __init__(
        self, contents: Contents, is_protected: Callable[[str], bool] = lambda path: False
    ) -> None:
        self.start = seeded_update(contents)
        self.document = replica(SERVER_ID, self.start)
        self.state = AdmissionState.from_trusted_update(self.start, is_protected)
        self.relayed: list[bytes] = []

    def receive(self, update: bytes, sender: Participant, *, is_answer: bool = False) -> Outcome:
        outcome = self.state.admit(update, sender, is_answer=is_answer)
        if isinstance(outcome, Admitted):
            self._enter(outcome.update)
        return outcome

    def seed_does(self, act: Callable[[AnyMap], None]) -> bytes:
        """The server's own seed client shares or unshares something."""
        seed = replica(SEED_ID, self.document.get_update())
        update = update_of(seed, lambda: act(seed.get("files", type=Map)))
        self.state.record_trusted(update)
        self._enter(update)
        return update

    @property
    def contents(self) -> Contents:
        return contents_of(self.document)

    def assert_replicas_agree(self) -> None:
        """Whoever joined first, last, or is built from the check's own view, sees the same."""
        joiner = replica(SERVER_ID + 1, self.document.get_update())
        follower = replica(SERVER_ID + 2, self.start, *self.relayed)
        assert contents_of(joiner) == self.contents
        assert contents_of(follower) == self.contents
        reopened = AdmissionState.from_trusted_update(self.document.get_update())
        for known in (joiner.get_state(), follower.get_state(), self.document.get_state()):
            assert state_vector.decode(known) == self.state.state_vector()
        assert reopened.state_vector() == self.state.state_vector()
        assert reopened.shared_paths() == self.state.shared_paths()

    def _enter(self, update: bytes) -> None:
        self.document.apply_update(update)
        self.relayed.append(update)
