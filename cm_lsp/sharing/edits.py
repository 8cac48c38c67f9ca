"""Operations on a plain text: what changed, as a value that can be composed, moved and taken back.

An operation is a run of components over the old text: a positive number keeps that many code
points, a negative number deletes, a string inserts. What is kept at the end is left out, so one small
change in a huge text is two or three components and costs nothing by the size of the text.
Every function returns the short form: no zero, no two neighbours of one kind, an insertion before the
deletion it stands beside, nothing kept at the end. The empty operation changes nothing.

Does not know what a line, an editor or a CRDT is.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

Component = int | str
Operation = tuple[Component, ...]


class Replacement(NamedTuple):
    """The text between two code point offsets of the old text gives way to `text`."""

    start: int
    end: int
    text: str


class Sliced(Protocol):
    """A text a piece can be cut from; `IndexedText` is one."""

    def slice(self, start: int, end: int, /) -> str:
        """The text between two code point offsets."""


def replacement(start: int, end: int, text: str) -> Operation:
    """One replacement as an operation."""
    writer = Writer()
    writer.retain(start)
    writer.insert(text)
    writer.delete(end - start)
    return writer.operation()


def replacements(operation: Operation) -> list[Replacement]:
    """Every contiguous change over the OLD text, ascending, no two of them touching."""
    found: list[Replacement] = []
    start = end = 0
    text = ""
    for component in operation:
        if isinstance(component, str):
            text += component
        elif component < 0:
            end -= component
        else:
            if text or end > start:
                found.append(Replacement(start, end, text))
            start = end = end + component
            text = ""
    if text or end > start:
        found.append(Replacement(start, end, text))
    return found


def from_replacements(ascending: Iterable[Replacement]) -> Operation:
    """The opposite of `replacements`."""
    writer = Writer()
    at = 0
    for start, end, text in ascending:
        writer.retain(start - at)
        writer.insert(text)
        writer.delete(end - start)
        at = end
    return writer.operation()


def shifted(operation: Operation, by: int) -> Operation:
    """The same change, `by` code points further on."""
    if not operation or not by:
        return operation
    head, *rest = operation
    if isinstance(head, int) and head > 0:
        return (head + by, *rest)
    return (by, *operation)


def split_after(operation: Operation, count: int) -> tuple[Operation, Operation]:
    """The first `count` replacements, and the others as they are once those are done."""
    every = replacements(operation)
    first = from_replacements(every[:count])
    return first, shifted(from_replacements(every[count:]), length_change(first))


def apply(text: str, operation: Operation) -> str:
    """The text after the operation. Raises ValueError when it reaches past the end."""
    pieces: list[str] = []
    at = 0
    for component in operation:
        if isinstance(component, str):
            pieces.append(component)
            continue
        if at + abs(component) > len(text):
            raise ValueError(f"the operation reaches past the end of a text of {len(text)}")
        if component > 0:
            pieces.append(text[at : at + component])
        at += abs(component)
    pieces.append(text[at:])
    return "".join(pieces)


def compose(first: Operation, second: Operation) -> Operation:
    """One operation that does `first` and then `second`."""
    if not first:
        return second
    if not second:
        return first
    writer = Writer()
    old, new = _Reader(first), _Reader(second)
    while not new.at_end:
        if old.kind < 0:
            writer.delete(-old.take_count())
        elif new.kind == 0:
            writer.insert(new.take_text())
        elif old.at_end:
            writer.push(new.take())
        else:
            size = min(old.size, new.size)
            kept = new.kind > 0
            new.skip(size)
            if kept:
                writer.push(old.take(size))
            elif old.kind > 0:
                writer.delete(size)
                old.skip(size)
            else:
                old.skip(size)
    while not old.at_end:
        writer.push(old.take())
    return writer.operation()


def compose_all(operations: Sequence[Operation]) -> Operation:
    """All of them in their order; composed in pairs, so that a long burst is not quadratic."""
    row = list(operations)
    while len(row) > 1:
        paired = [compose(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
        row = paired + ([row[-1]] if len(row) % 2 else [])
    return row[0] if row else ()


def transform(left: Operation, right: Operation) -> tuple[Operation, Operation]:
    """Both are over one text; returns `(left', right')` so that either order ends in the same text.

    `compose(left, right') == compose(right, left')` in effect. Where both insert at one place the
    text of `left` stands left. A deletion never takes what the other side inserts.
    """
    if not left or not right:
        return left, right
    moved_left, moved_right = Writer(), Writer()
    a, b = _Reader(left), _Reader(right)
    while not (a.at_end and b.at_end):
        if not a.at_end and a.kind == 0:
            text = a.take_text()
            moved_left.insert(text)
            moved_right.retain(len(text))
        elif not b.at_end and b.kind == 0:
            text = b.take_text()
            moved_right.insert(text)
            moved_left.retain(len(text))
        elif a.at_end:
            moved_right.push(b.take())
        elif b.at_end:
            moved_left.push(a.take())
        else:
            size = min(a.size, b.size)
            if a.kind > 0 and b.kind > 0:
                moved_left.retain(size)
                moved_right.retain(size)
            elif a.kind < 0 and b.kind > 0:
                moved_left.delete(size)
            elif a.kind > 0:
                moved_right.delete(size)
            a.skip(size)
            b.skip(size)
    return moved_left.operation(), moved_right.operation()


def without_returns(operation: Operation) -> Operation:
    """Carriage returns have no place on our side; whoever may write takes them out of the document."""
    writer = Writer()
    for part in operation:
        writer.push(part.replace("\r", "") if isinstance(part, str) else part)
    return writer.operation()


def invert(operation: Operation, before: Sliced) -> Operation:
    """The operation that takes this one back; `before` is the text as it was before it."""
    writer = Writer()
    at = 0
    for component in operation:
        if isinstance(component, str):
            writer.delete(len(component))
        elif component > 0:
            writer.retain(component)
            at += component
        else:
            writer.insert(before.slice(at, at - component))
            at -= component
    return writer.operation()


def map_index(operation: Operation, index: int, *, after: bool) -> int:
    """Where a place in the old text is in the new one.

    Text inserted exactly at the place pushes it right when `after`, else leaves it on the left.
    """
    old = new = 0
    for component in operation:
        if isinstance(component, str):
            if old == index and not after:
                return new
            new += len(component)
        elif component > 0:
            if old + component > index:
                return new + index - old
            old += component
            new += component
        else:
            if old - component > index:
                return new
            old -= component
    return new + index - old


def map_index_back(operation: Operation, index: int) -> int:
    """Where a place in the new text was in the old one; inside an insertion, where that was made."""
    old = new = 0
    for component in operation:
        if isinstance(component, str):
            if index < new + len(component):
                return old
            new += len(component)
        elif component > 0:
            if index < new + component:
                return old + index - new
            old += component
            new += component
        else:
            old -= component
    return old + index - new


def length_change(operation: Operation) -> int:
    """How much longer the text gets, in code points."""
    return sum(len(part) if isinstance(part, str) else min(part, 0) for part in operation)


def cost(operation: Operation) -> int:
    """Code points inserted and deleted: how much would have been typed to get there."""
    return sum(len(part) if isinstance(part, str) else max(-part, 0) for part in operation)


class Writer:
    """Builds an operation component by component, always in the short form."""

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: list[Component] = []

    def push(self, component: Component) -> None:
        """Adds any component."""
        if isinstance(component, str):
            self.insert(component)
        elif component > 0:
            self.retain(component)
        else:
            self.delete(-component)

    def retain(self, count: int) -> None:
        """Keeps the next code points of the old text."""
        if count:
            self._count(count)

    def delete(self, count: int) -> None:
        """Drops the next code points of the old text."""
        if count:
            self._count(-count)

    def insert(self, text: str) -> None:
        """Adds new text here."""
        if not text:
            return
        parts = self._parts
        at = len(parts)
        if at and isinstance(last := parts[-1], int) and last < 0:
            at -= 1
        before = parts[at - 1] if at else 0
        if isinstance(before, str):
            parts[at - 1] = before + text
        else:
            parts.insert(at, text)

    def operation(self) -> Operation:
        """What was built, without what it keeps at the end."""
        parts = self._parts
        if parts and isinstance(last := parts[-1], int) and last > 0:
            return tuple(parts[:-1])
        return tuple(parts)

    def _count(self, signed: int) -> None:
        parts = self._parts
        if parts and isinstance(last := parts[-1], int) and (last > 0) == (signed > 0):
            parts[-1] = last + signed
        else:
            parts.append(signed)


class _Reader:
    """Reads an operation in pieces of any size; `kind` is 0 for an insertion, else the sign."""

    __slots__ = ("_index", "_parts", "_text", "at_end", "kind", "size")

    def __init__(self, operation: Operation) -> None:
        self._parts = operation
        self._index = -1
        self.at_end = False
        self._next()

    def _next(self) -> None:
        self._index += 1
        self._text = ""
        if self._index == len(self._parts):
            self.at_end = True
            self.kind = 1
            self.size = 0
            return
        part = self._parts[self._index]
        if isinstance(part, str):
            self._text, self.kind, self.size = part, 0, len(part)
        else:
            self.kind, self.size = (1, part) if part > 0 else (-1, -part)

    def take(self, count: int | None = None) -> Component:
        size = self.size if count is None else count
        taken: Component = self._text[:size] if self.kind == 0 else self.kind * size
        self.skip(size)
        return taken

    def take_text(self) -> str:
        text = self._text
        self._next()
        return text

    def take_count(self) -> int:
        signed = self.kind * self.size
        self._next()
        return signed

    def skip(self, count: int) -> None:
        if count == self.size:
            self._next()
            return
        self.size -= count
        if self.kind == 0:
            self._text = self._text[count:]
