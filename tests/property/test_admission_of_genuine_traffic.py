"""Genuine concurrent traffic: three writers, delays, both versions of a file: not one refusal."""

import random
from dataclasses import dataclass, field
from functools import partial

import pytest

from cm_wire.ids import YjsClientId
from cm_wire.yjs import update as updates
from cm_wire.yjs.admission import AdmissionState
from cm_wire.yjs.rules import Relay
from cm_wire.yjs.structs import Insert
from cm_wire.yjs.verdict import DOCUMENT_LIMITS, Admitted, Replayed
from tests.support.admission_mutants import edit_at_random
from tests.support.guarded_document import (
    SEED_ID,
    AnyDoc,
    GuardedDocument,
    contents_of,
    participant,
    replica,
    update_of,
)

ROUNDS = 40
STEPS = 150
CONTENTS = {"a.py": "hello 😀 wörld\r\n" * 3, "b.py": ""}


@dataclass
class Writer:
    """A replica whose link holds messages back, both ways, as a language server keeps it."""

    client_id: int
    document: AnyDoc
    state: AdmissionState
    outbox: list[bytes] = field(default_factory=list)
    inbox: list[bytes] = field(default_factory=list)

    def edits(self, chance: random.Random) -> None:
        for_all = update_of(self.document, lambda: edit_at_random(self.document, chance))
        self.state.record_trusted(for_all)
        self.outbox.append(for_all)

    def reads_one(self) -> None:
        update = self.inbox.pop(0)
        relay = Relay(frozenset({YjsClientId(self.client_id)}), frozenset({SEED_ID}))
        outcome = self.state.admit_relayed(update, relay)
        # Replayed: the other deleted what was deleted here already.
        assert isinstance(outcome, Admitted | Replayed), outcome
        if isinstance(outcome, Admitted):
            self.document.apply_update(outcome.update)


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_three_writers_are_never_refused_and_converge(seed: int) -> None:
    chance = random.Random(seed)
    guarded = GuardedDocument(CONTENTS)
    writers = [
        Writer(
            client_id,
            replica(client_id, guarded.start),
            AdmissionState.from_trusted_update(guarded.start),
        )
        for client_id in chance.sample(range(10, 1 << 32), 3)
    ]
    for _ in range(STEPS):
        writer = chance.choice(writers)
        act = chance.random()
        if act < 0.5:
            writer.edits(chance)
        elif act < 0.75 and writer.outbox:
            _deliver_one(writer, writers, guarded)
        elif writer.inbox:
            writer.reads_one()
    for writer in writers:
        while writer.outbox:
            _deliver_one(writer, writers, guarded)
    for writer in writers:
        while writer.inbox:
            writer.reads_one()
        assert contents_of(writer.document) == guarded.contents
        _reconnects(writer, guarded)
    guarded.assert_replicas_agree()


def _deliver_one(writer: Writer, writers: list[Writer], guarded: GuardedDocument) -> None:
    update = writer.outbox.pop(0)
    outcome = guarded.receive(update, participant(writer.client_id))
    assert isinstance(outcome, Admitted | Replayed), outcome
    if isinstance(outcome, Admitted):
        for other in writers:
            if other is not writer:
                other.inbox.append(outcome.update)


def _reconnects(writer: Writer, guarded: GuardedDocument) -> None:
    """A sync step 2 of everything: nothing in it is new, whoever wrote it."""
    whole = writer.document.get_update(b"\0")
    sender = participant(writer.client_id)
    assert isinstance(guarded.receive(whole, sender, is_answer=True), Replayed)


@pytest.mark.parametrize("seed", range(20))
def test_edits_made_offline_come_in_as_one_answer(seed: int) -> None:
    chance = random.Random(seed)
    guarded = GuardedDocument(CONTENTS)
    first, second = (replica(client_id, guarded.start) for client_id in (20, 10))
    for document in (first, second):
        for _ in range(60):
            edit_at_random(document, chance)
    for document in (first, second):
        missing = document.get_update(guarded.document.get_state())
        outcome = guarded.receive(missing, participant(document.client_id), is_answer=True)
        assert isinstance(outcome, Admitted), outcome
        assert outcome.withheld == ()
    guarded.assert_replicas_agree()
    first.apply_update(guarded.document.get_update())
    assert contents_of(first) == guarded.contents


@pytest.mark.parametrize("seed", range(20))
def test_check_and_library_have_the_same_order(seed: int) -> None:
    chance = random.Random(seed)
    guarded = GuardedDocument(CONTENTS)
    writers = [replica(client_id, guarded.start) for client_id in (30, 20, 10)]
    for _ in range(80):
        writer = chance.choice(writers)
        if chance.random() < 0.3:
            writer.apply_update(guarded.document.get_update())
        update = update_of(writer, partial(edit_at_random, writer, chance))
        outcome = guarded.receive(update, participant(writer.client_id))
        assert isinstance(outcome, Admitted | Replayed), outcome
    updates = [guarded.start, *guarded.relayed]
    assert _text_by_the_check(guarded.state, "a.py", updates) == guarded.contents["a.py"]
    reopened = AdmissionState.from_trusted_update(guarded.document.get_update())
    assert _text_by_the_check(reopened, "a.py", updates) == guarded.contents["a.py"]


def _text_by_the_check(state: AdmissionState, path: str, encoded: list[bytes]) -> str:
    """Put the text together from what was sent, in the order that the check holds for its pieces."""
    units: dict[tuple[int, int], bytes] = {}
    deleted: set[tuple[int, int]] = set()
    for update in (updates.decode(one, DOCUMENT_LIMITS) for one in encoded):
        for block in update.blocks:
            for struct in block.structs:
                if isinstance(struct, Insert):
                    utf16 = struct.utf8.decode().encode("utf-16-le")
                    for nth in range(struct.length):
                        unit = utf16[2 * nth : 2 * nth + 2]
                        units[block.client, struct.clock + nth] = unit
        for entry in update.deletes:
            for clock, length in entry.ranges:
                deleted.update((entry.client, clock + nth) for nth in range(length))
    ordered = [
        units[item]
        for piece in state._document.pieces_of(path)
        for nth in range(piece.length)
        if (item := (piece.client, piece.clock + nth)) not in deleted
    ]
    return b"".join(ordered).decode("utf-16-le")
