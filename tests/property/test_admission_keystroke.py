"""The short way of a keystroke through the check decides what the long way decides, for genuine typing and for mutants of it."""

import random

import pytest

from cm_wire.ids import YjsClientId
from cm_wire.yjs import keystroke
from cm_wire.yjs.admission import AdmissionState
from cm_wire.yjs.rules import Participant
from cm_wire.yjs.verdict import Admitted, Outcome
from tests.support.admission_mutants import edit_at_random
from tests.support.guarded_document import replica, seeded_update, text_in, update_of

CONTENTS = {"a.py": "hello 😀 wörld\r\n" * 3, "b.py": "protected\n"}
WRITERS = (11, 3_000_000_001)
MUTANTS_PER_EDIT = 4


def places(state: AdmissionState) -> dict[str, list[tuple[object, ...]]]:
    return {
        path: [
            (piece.client, piece.clock, piece.length, piece.origin, piece.right, shown)
            for piece, shown in state.shown_pieces(path)
        ]
        for path in state.shared_paths()
    }


def mutated(encoded: bytes, chance: random.Random) -> bytes:
    out = bytearray(encoded)
    for _ in range(chance.randint(1, 3)):
        match chance.randrange(3):
            case 0:
                out[chance.randrange(len(out))] = chance.randrange(256)
            case 1:
                out.insert(chance.randrange(len(out) + 1), chance.randrange(256))
            case _ if len(out) > 1:
                del out[chance.randrange(len(out))]
    return bytes(out)


@pytest.mark.parametrize("seed", range(30))
def test_both_ways_decide_alike(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    chance = random.Random(seed)
    whole = seeded_update(CONTENTS)
    shorts, longs = (AdmissionState.from_trusted_update(whole, lambda p: p == "b.py") for _ in "ab")
    documents = {writer: replica(writer, whole) for writer in WRITERS}
    taken_short = 0

    def both(encoded: bytes, participant: Participant) -> Outcome:
        nonlocal taken_short
        taken_short += keystroke.read(encoded) is not None
        short = shorts.admit(encoded, participant)
        with monkeypatch.context() as without:
            without.setattr(keystroke, "read", lambda _: None)
            assert longs.admit(encoded, participant) == short, (seed, encoded.hex())
        return short

    for _ in range(120):
        writer = chance.choice(WRITERS)
        document = documents[writer]
        path = chance.choice(list(CONTENTS))
        rights = Participant(
            frozenset({YjsClientId(writer)}),
            may_edit=chance.random() < 0.9,
            may_edit_protected=chance.random() < 0.5,
        )
        if chance.random() < 0.3:
            edits = [update_of(document, lambda d=document: edit_at_random(d, chance))]  # type: ignore[misc]
        else:
            text = text_in(document, path)
            at = chance.randrange(4)
            edits = [
                update_of(document, lambda t=text, i=at + n: t.insert(i, chance.choice("ab\0é")))  # type: ignore[misc]
                for n in range(chance.randint(1, 4))
            ]
        for encoded in edits:
            for _ in range(MUTANTS_PER_EDIT):
                mutant = mutated(encoded, chance)
                if isinstance(both(mutant, rights), Admitted):
                    break
            both(encoded, rights)
            both(encoded, Participant(frozenset({YjsClientId(writer)}), may_edit_protected=True))
        assert shorts.state_vector() == longs.state_vector()
        assert places(shorts) == places(longs)
    assert taken_short > 100, "a corpus without keystrokes shows nothing"
