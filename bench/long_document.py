"""A document with a long history: two who typed words here and there, and took some back.

Made of structs, because a library that keeps the text in order while it is typed takes minutes for a hundred thousand edits.
"""

import random
from collections import defaultdict
from typing import Any, Final

from pycrdt import Doc

from bench import typing_load
from cm_wire.ids import YjsClientId
from cm_wire.yjs import update as updates
from cm_wire.yjs.structs import Block, Clock, Deletes, Insert, ItemId, Struct, Update
from cm_wire.yjs.verdict import DOCUMENT_LIMITS

WORD: Final = 12
DELETED_SHARE: Final = 0.15
WRITERS: Final = (YjsClientId(2), YjsClientId(3))


def whole(edits: int, seed: int = 5) -> bytes:
    """The state of a document after so many edits of one character, as the library writes it."""
    chance = random.Random(seed)
    start = typing_load.script(0).whole
    order = _items_of(start)
    structs: dict[YjsClientId, list[Struct]] = {writer: [] for writer in WRITERS}
    deleted: defaultdict[YjsClientId, set[Clock]] = defaultdict(set)
    made = 0
    while made < edits:
        writer = WRITERS[made % len(WRITERS)]
        at = chance.randrange(1, len(order))
        for _ in range(min(edits - made, 1 + int(chance.expovariate(1 / WORD)))):
            made += 1
            if chance.random() < DELETED_SHARE and at > 1:
                at -= 1
                deleted[order[at][0]].add(order[at][1])
            else:
                order.insert(at, _typed(structs[writer], writer, order, at))
                at += 1
    blocks = [Block(writer, own) for writer, own in structs.items() if own]
    deletes = [
        Deletes(client, [(clock, 1) for clock in sorted(clocks)])
        for client, clocks in deleted.items()
    ]
    document: Doc[Any] = Doc()
    document.apply_update(start)
    document.apply_update(updates.encode(Update(blocks, deletes)))
    return document.get_update()


def _items_of(start: bytes) -> list[ItemId]:
    """The characters of the one text in a fresh document, in their order."""
    (block,) = updates.decode(start, DOCUMENT_LIMITS).blocks
    return [(block.client, clock) for clock in range(1, block.end)]


def _typed(own: list[Struct], writer: YjsClientId, order: list[ItemId], at: int) -> ItemId:
    clock = len(own)
    right = order[at] if at < len(order) else None
    own.append(Insert(clock, 1, order[at - 1], right, None, None, False, None, b"a"))
    return writer, clock
