"""Remembers what was answered, so that a command sent again after a lost connection has no second effect.

Bounded in both directions: the last answers of each person, and the people who spoke last. What has no effect (asking for
a list) and what may succeed later (a database that did not answer) is not remembered.
"""

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Final

import msgspec

from cm_wire import faults
from cm_wire.ids import CommandId, PersonId
from cm_wire.to_client import Answered, Declined
from cm_wire.to_server import (
    Command,
    GetNote,
    GetPatch,
    GetReceipt,
    Heartbeat,
    RankMentors,
    ReportDigest,
    Request,
)

ANSWERS_PER_PERSON: Final = 128
PEOPLE: Final = 10_000
_TRANSIENT: Final = frozenset({"unavailable", "internal", "too-fast"})
_WITHOUT_EFFECT: Final = (Heartbeat, RankMentors, GetReceipt, GetPatch, GetNote, ReportDigest)

Answer = Answered | Declined
_Kept = dict[CommandId, tuple[bytes, "asyncio.Task[Answer]"]]


class Answers:
    def __init__(self) -> None:
        self._kept: OrderedDict[PersonId, _Kept] = OrderedDict()
        self._making: set[asyncio.Task[Answer]] = set()

    async def once(
        self,
        person: PersonId,
        request: Request,
        work: Callable[[], Coroutine[None, None, Answer]],
    ) -> Answer:
        """The answer to this command: the first one again where there was one, also while it is still being made.

        A command once begun is carried through though its connection is lost meanwhile: it never stays half done.
        """
        kept = {} if isinstance(request.command, _WITHOUT_EFFECT) else self._of(person)
        digest = _digest(request.command)
        if request.id in kept:
            first_digest, first = kept[request.id]
            if first_digest != digest:
                return Declined(request.id, _KEY_USED)
            return await asyncio.shield(first)
        making = asyncio.create_task(work())
        kept[request.id] = (digest, making)
        self._making.add(making)
        making.add_done_callback(lambda done: self._made(kept, request.id, done))
        return await asyncio.shield(making)

    async def settle(self) -> None:
        """Wait for what was begun; for a server about to stop."""
        if self._making:
            await asyncio.wait(self._making)

    def _made(self, kept: _Kept, command: CommandId, making: "asyncio.Task[Answer]") -> None:
        self._making.discard(making)
        if making.cancelled() or making.exception() or _is_transient(making.result()):
            kept.pop(command, None)
        for oldest in list(kept)[: max(0, len(kept) - ANSWERS_PER_PERSON)]:
            del kept[oldest]

    def _of(self, person: PersonId) -> _Kept:
        kept = self._kept.setdefault(person, {})
        self._kept.move_to_end(person)
        if len(self._kept) > PEOPLE:
            self._kept.popitem(last=False)
        return kept


def _is_transient(answer: Answer) -> bool:
    return isinstance(answer, Declined) and answer.fault.code in _TRANSIENT


def _digest(command: Command) -> bytes:
    return hashlib.sha256(msgspec.json.encode(command)).digest()


_KEY_USED: Final = faults.Fault(
    code="key-used",
    message="This command id was used for another command.",
    do="Give each command an id of its own.",
    field="id",
)
