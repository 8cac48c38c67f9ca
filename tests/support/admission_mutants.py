"""Mutants of genuine updates against a guarded document; run as a module, in a process of its own.

    python -m tests.support.admission_mutants RUNS SEED

Half of the mutants are bytes changed at random, half are well-formed inserts and deletes at places an
honest author would not choose: the first find faults of the reader, the second forks of the text.
After each round the replicas are compared, also one that got the updates in another order. A
failure's text names the round, which with the seed replays it.
"""

import random
import sys
from collections import Counter
from collections.abc import Callable

from cm_wire.ids import YjsClientId
from cm_wire.yjs import update as updates
from cm_wire.yjs.structs import Block, Deletes, Insert, ItemId, Struct, Tombstone, Update
from cm_wire.yjs.verdict import DOCUMENT_LIMITS, Gap, Refusal
from tests.support.guarded_document import (
    SEED_ID,
    AnyDoc,
    GuardedDocument,
    contents_of,
    files_that_are_no_texts,
    participant,
    replica,
    text_in,
    update_of,
)

MUTANTS_PER_ROUND = 40
CONTENTS = {"a.py": "hello 😀\n", "b.py": ""}
INTERESTING_BYTES = (0, 1, 2, 3, 0x20, 0x40, 0x7F, 0x80, 0x84, 0xA4, 0xC4, 0xC8, 0xFF)


def run(runs: int, seed: int) -> Counter[str]:
    """Offer that many mutants and return how each was decided; raise where a promise is broken."""
    counts: Counter[str] = Counter()
    for round_number in range(-(-runs // MUTANTS_PER_ROUND)):
        try:
            _Round(random.Random(f"{seed}/{round_number}"), counts).play()
        except AssertionError as broken:
            raise AssertionError(f"seed {seed}, round {round_number}: {broken}") from broken
    return counts


class _Round:
    def __init__(self, chance: random.Random, counts: Counter[str]) -> None:
        self.chance = chance
        self.counts = counts
        self.guarded = GuardedDocument(CONTENTS)
        self.hostile, self.honest = (
            YjsClientId(client) for client in chance.sample(range(10, 1 << 20), 2)
        )
        self.writer = replica(self.honest, self.guarded.start)
        self.unread = 0

    def play(self) -> None:
        for _ in range(MUTANTS_PER_ROUND):
            if self.chance.random() < 0.25:
                self._honest_edit()
            mutant = self._mutant()
            is_answer = self.chance.random() < 0.25
            outcome = self.guarded.receive(mutant, participant(self.hostile), is_answer=is_answer)
            name = outcome.code if isinstance(outcome, Refusal) else type(outcome).__name__
            self.counts[str(name)] += 1
        assert self.guarded.contents.keys() == CONTENTS.keys(), "a file is lost"
        assert not files_that_are_no_texts(self.guarded.document), "a file is no text any more"
        self.guarded.assert_replicas_agree()
        self._another_order_agrees()

    def _honest_edit(self) -> None:
        """The other writer sees some of what was relayed, edits, and must never be refused."""
        relayed = self.guarded.relayed
        seen = self.chance.randrange(self.unread, len(relayed) + 1)
        for update in relayed[self.unread : seen]:
            self.writer.apply_update(update)
        self.unread = seen
        update = update_of(self.writer, lambda: edit_at_random(self.writer, self.chance))
        outcome = self.guarded.receive(update, participant(self.honest))
        assert not isinstance(outcome, Refusal | Gap), f"honest edit refused: {outcome}"

    def _mutant(self) -> bytes:
        if self.chance.random() < 0.5:
            return self._misplaced()
        author = replica(self.hostile, self.guarded.document.get_update())
        genuine = update_of(author, lambda: edit_at_random(author, self.chance))
        return mutated(genuine, self.chance)

    def _misplaced(self) -> bytes:
        """Well-formed text or deletes of the hostile client, its neighbours chosen at random."""
        clock = self.guarded.state.next_clock(self.hostile)
        structs: list[Struct] = []
        for _ in range(self.chance.randrange(1, 4)):
            origin, right = self._some_item(), self._some_item()
            if origin is not None and self.chance.random() < 0.4:
                right = (origin[0], origin[1] + 1)
            parent = (SEED_ID, self.chance.randrange(12)) if origin is right is None else None
            if self.chance.random() < 0.2:
                structs.append(Tombstone(clock, 2, origin, right, parent, None, False, None))
            else:
                text = b"H" * self.chance.randrange(1, 3)
                structs.append(
                    Insert(clock, len(text), origin, right, parent, None, False, None, text)
                )
            clock += structs[-1].length
        deletes = []
        if self.chance.random() < 0.2:
            client, start = self._some_item() or (SEED_ID, 0)
            deletes = [Deletes(client, [(start, self.chance.randrange(1, 4))])]
        return updates.encode(Update([Block(self.hostile, structs)], deletes))

    def _some_item(self) -> ItemId | None:
        clocks = self.guarded.state.state_vector()
        client = self.chance.choice([*clocks, None])
        return None if client is None else (client, self.chance.randrange(clocks[client] + 1))

    def _another_order_agrees(self) -> None:
        """A replica that gets every update when it may, not when the server did, sees the same."""
        waiting = list(self.guarded.relayed)
        document = replica(4, self.guarded.start)
        known = dict.fromkeys((SEED_ID,), 1 << 31)
        while waiting:
            ready = [update for update in waiting if _rests_on_known(update, known)]
            update = self.chance.choice(ready)
            waiting.remove(update)
            document.apply_update(update)
            for block in updates.decode(update, DOCUMENT_LIMITS).blocks:
                known[block.client] = block.end
        assert contents_of(document) == self.guarded.contents, "another order, another text"


def _rests_on_known(encoded: bytes, known: dict[YjsClientId, int]) -> bool:
    update = updates.decode(encoded, DOCUMENT_LIMITS)
    ahead = dict(known)
    for block in update.blocks:
        if block.clock != known.get(block.client, 0):
            return False
        ahead[block.client] = block.end
    needed = [
        item
        for block in update.blocks
        for struct in block.structs
        if isinstance(struct, Insert | Tombstone)
        for item in (struct.origin, struct.right)
        if item is not None
    ]
    needed += [(entry.client, sum(entry.ranges[-1]) - 1) for entry in update.deletes]
    return all(clock < ahead.get(client, 0) for client, clock in needed)


def edit_at_random(document: AnyDoc, chance: random.Random) -> None:
    """Insert or delete something, between characters as every client does."""
    text = text_in(document, chance.choice(list(CONTENTS)))
    content = str(text)
    start = chance.randrange(len(content) + 1)
    stop = min(len(content), start + chance.randrange(4))
    first, last = (len(content[:index].encode()) for index in (start, stop))
    if first < last and chance.random() < 0.4:
        del text[first:last]
    else:
        text.insert(first, chance.choice(["x", "yz", "é\r\n", "😀a"]))


def mutated(update: bytes, chance: random.Random) -> bytes:
    """Change one to three places of the bytes."""
    changes: tuple[Callable[[bytearray, int], None], ...] = (
        lambda out, at: out.__setitem__(at, chance.choice(INTERESTING_BYTES)),
        lambda out, at: out.__setitem__(at, out[at] ^ 1 << chance.randrange(8)),
        lambda out, at: out.__setitem__(at, (out[at] + chance.choice((-1, 1))) % 256),
        lambda out, at: out.insert(at, chance.choice(INTERESTING_BYTES)),
        lambda out, at: out.__delitem__(slice(at, at + chance.randrange(1, 4))),
        lambda out, at: out.__setitem__(slice(at, at), out[at : at + chance.randrange(1, 9)]),
    )
    out = bytearray(update)
    for _ in range(chance.randrange(1, 4)):
        if out:
            chance.choice(changes)(out, chance.randrange(len(out)))
    return bytes(out)


if __name__ == "__main__":
    print(dict(run(int(sys.argv[1]), int(sys.argv[2]))))  # noqa: T201, the parent reads it
