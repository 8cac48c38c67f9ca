"""One shared text as the CRDT holds it, in code points: the border to the world of UTF-8 bytes.

Follows every change of the CRDT's text, so that an offset of one world can be told in the other at any
time without reading the CRDT again. Useful for a file no editor has open, too. Does not touch the CRDT:
it says what to do to it.
"""

from collections.abc import Iterable, Mapping

from cm_lsp.sharing import edits
from cm_lsp.sharing.bridge_messages import ChangeCrdt, Utf8Edit
from cm_lsp.sharing.edits import Operation
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.positions import Utf8Offset


class SharedText:
    """The text, and what must be done to the CRDT to make it one that can be shared."""

    __slots__ = ("text",)

    def __init__(self, text: IndexedText) -> None:
        self.text = text

    def operation_of(self, delta: Iterable[Mapping[str, object]]) -> Operation:
        """An event's delta (retain, insert, delete; UTF-8 bytes) in code points.

        To be asked before the text follows that event: it is read against the text before it.
        """
        writer = edits.Writer()
        at_byte = at = 0
        for part in delta:
            inserted = part.get("insert")
            if isinstance(inserted, str):
                writer.insert(inserted)
                continue
            size = part.get("retain", part.get("delete"))
            if not isinstance(size, int):
                raise TypeError(f"a text event has no such part: {part!r}")
            at_byte += size
            before, at = at, self.text.offset_at_utf8(at_byte)
            writer.push(at - before if "retain" in part else before - at)
        return writer.operation()

    def change(self, operation: Operation) -> ChangeCrdt:
        """Follows an operation, and says how to do it to the CRDT."""
        done = self.edits_of(operation)
        self.text.apply(operation)
        return ChangeCrdt(operation, done)

    def edits_of(self, operation: Operation) -> tuple[Utf8Edit, ...]:
        """How to do an operation to the CRDT, last place first; the text does not follow yet."""
        done: list[Utf8Edit] = []
        for start, end, text in reversed(edits.replacements(operation)):
            first = self.text.utf8_at(start)
            done.append(Utf8Edit(first, self.text.utf8_at(end) if end > start else first, text))
        return tuple(done)

    def follow(self, operation: Operation) -> tuple[Operation, list[ChangeCrdt]]:
        """Follows what the CRDT did already: the operation without carriage returns.

        They have no place on our side, and only a stranger's client inserts them. The second result
        takes them out of the CRDT; everyone does so, which is harmless: each is deleted once.
        """
        if not any(isinstance(part, str) and "\r" in part for part in operation):
            self.text.apply(operation)
            return operation, []
        cleaned = edits.Writer()
        found: list[Utf8Edit] = []
        at = at_byte = 0
        for part in operation:
            if isinstance(part, str):
                found.extend(_returns(part, at_byte))
                at_byte += len(part.encode())
                cleaned.insert(part.replace("\r", ""))
                continue
            if part > 0:
                at_byte += self.text.utf8_at(at + part) - self.text.utf8_at(at)
            at += abs(part)
            cleaned.push(part)
        followed = cleaned.operation()
        self.text.apply(followed)
        return followed, [ChangeCrdt((), tuple(reversed(found)))]


def shared_text(crdt_text: str) -> tuple[SharedText, list[ChangeCrdt]]:
    """The text of a CRDT as it is found, and what must be taken out of it first."""
    shared = SharedText(IndexedText(""))
    _, taken_out = shared.follow((crdt_text,) if crdt_text else ())
    return shared, taken_out


def _returns(text: str, at_byte: int) -> list[Utf8Edit]:
    """Where in the CRDT the carriage returns of an insertion at `at_byte` stand."""
    found: list[Utf8Edit] = []
    *pieces, _ = text.split("\r")
    for piece in pieces:
        at_byte += len(piece.encode())
        found.append(Utf8Edit(Utf8Offset(at_byte), Utf8Offset(at_byte + 1), ""))
        at_byte += 1
    return found
