"""What the admission check can answer, and the limits it holds updates against.

Owns the words only. `admission` decides.
"""

from enum import StrEnum
from typing import Final, TypeAlias

import msgspec

from cm_wire.ids import YjsClientId
from cm_wire.yjs.structs import Clock
from cm_wire.yjs.update import Limits

_KIB: Final = 1024

UPDATE_LIMITS: Final = Limits(
    update_bytes=64 * _KIB,
    structs=512,
    delete_ranges=16_384,
    clients=512,
    struct_units=1024 * _KIB,
)
"""For one update of a person. So many deletes fit into its bytes where clocks are high: somebody's Yjs client that deletes all of
a text in which much was deleted before says it in one update. A delete costs us and the library the same.
"""
ANSWER_LIMITS: Final = Limits(
    update_bytes=256 * _KIB,
    structs=16_384,
    delete_ranges=65_536,
    clients=4096,
    struct_units=1024 * _KIB,
)
"""For a person's sync step 2: it repeats every delete of the session and may hold others' structs."""
DOCUMENT_LIMITS: Final = Limits(
    update_bytes=64 * _KIB * _KIB,
    structs=4_000_000,
    delete_ranges=4_000_000,
    clients=65_536,
    struct_units=64 * _KIB * _KIB,
)
"""For a whole document, from our own log or server."""

MAX_STEPS: Final = 100_000
"""Pieces one update of a person may make us walk over; honest inserts meet next to none."""
MAX_DOCUMENT_STEPS: Final = 20_000_000


class RefusalCode(StrEnum):
    """Why an update is refused: for the fault that is sent, and for counting."""

    MALFORMED = "malformed"
    UPDATE_TOO_LARGE = "update-too-large"
    CONTENT_TYPE = "content-type"
    NOT_YOURS = "not-yours"
    WRONG_PARENT = "wrong-parent"
    WRONG_ORDER = "wrong-order"
    INSIDE_CHARACTER = "inside-character"
    STRUCTURE = "structure"
    READ_ONLY = "read-only"
    PROTECTED_FILE = "protected-file"
    FILE_TOO_LARGE = "file-too-large"


class Admitted(msgspec.Struct, frozen=True):
    """Apply, log and relay `update`: what is new in what came, and nothing else.

    `withheld` names other authors whose unknown structs were left out: a resend comes from them. `missing` names the authors of
    what is unknown here and what was left out rests on: it may be sent again when that has come. Both only of an answer.
    """

    update: bytes
    withheld: tuple[YjsClientId, ...] = ()
    missing: tuple[YjsClientId, ...] = ()


class Replayed(msgspec.Struct, frozen=True):
    """Nothing in it is new, or can be taken yet: acknowledge what is known again and drop it."""

    withheld: tuple[YjsClientId, ...] = ()
    missing: tuple[YjsClientId, ...] = ()


class Gap(msgspec.Struct, frozen=True):
    """It rests on what is not known here, `client`'s structs from `known_clock` on: resync."""

    client: YjsClientId
    known_clock: Clock
    reason: str


class Refusal(msgspec.Struct, frozen=True):
    """It may not enter, and nothing of it was taken."""

    code: RefusalCode
    reason: str


Outcome: TypeAlias = Admitted | Replayed | Gap | Refusal


def is_whole(outcome: Outcome) -> bool:
    """Whether nothing of an answer was left out."""
    match outcome:
        case Admitted() | Replayed():
            return not outcome.withheld and not outcome.missing
        case _:
            return False


class RefusedError(Exception):
    """Carries a Refusal up to the one place that answers."""

    def __init__(self, code: RefusalCode, reason: str) -> None:
        super().__init__(reason)
        self.refusal = Refusal(code, reason)


class MissingError(Exception):
    """Carries a Gap up to the one place that answers."""

    def __init__(self, client: YjsClientId, known_clock: Clock, reason: str) -> None:
        super().__init__(reason)
        self.gap = Gap(client, known_clock, reason)
