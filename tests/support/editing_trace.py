"""Recorded editing, as single edits: one character in or out. The form is described in `tests/traces/README.md`."""

import gzip
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import NamedTuple

import msgspec

TRACE = Path(__file__).parents[1] / "traces" / "typing_extensions.json.gz"


class SingleEdit(NamedTuple):
    """The character at `place` goes if `typed` is empty; else `typed` comes before it."""

    place: int
    typed: str


class _Transaction(msgspec.Struct):
    patches: list[tuple[int, int, str]]


class Trace(msgspec.Struct):
    startContent: str  # noqa: N815, the form is others'
    endContent: str  # noqa: N815, the form is others'
    txns: list[_Transaction]

    def edits(self) -> Iterator[SingleEdit]:
        for transaction in self.txns:
            for place, deleted, inserted in transaction.patches:
                # From behind, as by the backspace key.
                for back in range(deleted):
                    yield SingleEdit(place + deleted - 1 - back, "")
                for further, character in enumerate(inserted):
                    yield SingleEdit(place + further, character)

    def text_after(self, count: int) -> str:
        text = list(self.startContent)
        for place, typed in islice(self.edits(), count):
            text[place : place + (not typed)] = typed
        return "".join(text)


def read(path: Path = TRACE) -> Trace:
    return msgspec.json.decode(gzip.decompress(path.read_bytes()), type=Trace)
