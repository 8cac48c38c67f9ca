"""A text that is cheap to edit and to find places in, however long it is.

The text is a row of chunks of a few kilobytes, each with its counts of code points, UTF-8 bytes and
line ends. An edit rebuilds the chunks it touches; a look-up adds up counts and searches one chunk, both
at the speed of C. One string of a megabyte would be copied whole for every key. A copy shares the
chunks, which are never changed in place, so keeping an older state costs next to nothing.

Holds no carriage return (see `positions.normalised`) and does not check it for every key.
"""

from bisect import bisect_left, bisect_right
from itertools import accumulate

from cm_lsp.sharing import edits, positions
from cm_lsp.sharing.edits import Operation, Replacement
from cm_lsp.sharing.positions import CodePointOffset, Position, PositionEncoding, Utf8Offset

CHUNK_CODE_POINTS = 3072
"""How long a chunk is made; it is cut at twice that and joined to a neighbour at an eighth."""

MANY_REPLACEMENTS = 500
"""From here on it is cheaper to build the text anew than to put in one after the other."""


class IndexedText:
    """A text with its code point, UTF-8 and line/character coordinates."""

    __slots__ = ("_breaks", "_bytes", "_chunks", "_ends", "_lengths")

    def __init__(self, text: str) -> None:
        self._chunks: list[str] = []
        self._lengths: list[int] = []
        self._bytes: list[int] = []
        self._breaks: list[int] = []
        self._ends: list[int] | None = None
        self._fill(0, 0, text)

    def copy(self) -> "IndexedText":
        """The text as it is now; later edits of either do not show in the other."""
        twin = IndexedText.__new__(IndexedText)
        twin._chunks = self._chunks.copy()
        twin._lengths = self._lengths.copy()
        twin._bytes = self._bytes.copy()
        twin._breaks = self._breaks.copy()
        twin._ends = self._ends
        return twin

    def __len__(self) -> int:
        """Code points."""
        return self._chunk_ends()[-1]

    def __str__(self) -> str:
        return "".join(self._chunks)

    def slice(self, start: int, end: int) -> str:
        """The text between two offsets, which may reach past the end."""
        if start >= end:
            return ""
        first, base = self._chunk_at(start)
        piece = self._chunks[first][start - base : end - base]
        size = end - start
        if len(piece) == size:
            return piece
        pieces, missing = [piece], size - len(piece)
        for chunk in self._chunks[first + 1 :]:
            if missing <= 0:
                break
            pieces.append(chunk[:missing])
            missing -= len(chunk)
        return "".join(pieces)

    def replace(self, start: int, end: int, text: str) -> None:
        """Puts `text` where the code points from `start` to `end` are."""
        if not 0 <= start <= end <= len(self):
            raise ValueError(f"{start}..{end} is not in a text of {len(self)} code points")
        first, base = self._chunk_at(start)
        head = self._chunks[first][: start - base]
        last, base = (first, base) if end == start else self._chunk_at(end)
        tail = self._chunks[last][end - base :]
        self._put(first, last + 1, head + text + tail)

    def apply(self, operation: Operation) -> None:
        """Carries out an operation over this text."""
        every = edits.replacements(operation)
        if len(every) > MANY_REPLACEMENTS:
            self._fill(0, len(self._chunks), edits.apply(str(self), operation))
            return
        for start, end, text in reversed(every):
            self.replace(start, end, text)

    def offset_at(self, position: Position, encoding: PositionEncoding) -> CodePointOffset:
        """The code point offset of a position; past a line's end is its end, past the text its end."""
        return self.locate(position, encoding)[0]

    def locate(
        self, position: Position, encoding: PositionEncoding
    ) -> tuple[CodePointOffset, bool]:
        """As `offset_at`, and whether the position cuts a surrogate pair (the offset is before it)."""
        line, character = position
        if line < 0:
            return CodePointOffset(0), False
        index, within, base = self._line_start(line)
        while index < len(self._chunks):
            chunk = self._chunks[index]
            newline = chunk.find("\n", within, within + character + 1)
            stop = min(len(chunk), within + max(character, 0)) if newline < 0 else newline
            taken, character = positions.code_points(chunk[within:stop], character, encoding)
            if newline >= 0 or within + taken < len(chunk) or character <= 0:
                split = character > 0 and within + taken < stop
                return CodePointOffset(base + within + taken), split
            base += len(chunk)
            index, within = index + 1, 0
        return CodePointOffset(base), False

    def position_at(self, offset: int, encoding: PositionEncoding) -> Position:
        """The position of a code point offset, which must not be past the end."""
        index, base = self._chunk_at(offset)
        within = offset - base
        chunk = self._chunks[index]
        line = sum(self._breaks[:index]) + chunk.count("\n", 0, within)
        start = chunk.rfind("\n", 0, within)
        character = positions.units(chunk[start + 1 : within], encoding)
        while start < 0 and index > 0:
            index -= 1
            chunk = self._chunks[index]
            start = chunk.rfind("\n")
            character += positions.units(chunk[start + 1 :], encoding)
        return Position(line, character)

    def utf8_at(self, offset: int) -> Utf8Offset:
        """How many UTF-8 bytes stand before a code point offset."""
        index, base = self._chunk_at(offset)
        before = sum(self._bytes[:index])
        if self._bytes[index] == self._lengths[index]:
            return Utf8Offset(before + offset - base)
        return Utf8Offset(before + _utf8_length(self._chunks[index][: offset - base]))

    def offset_at_utf8(self, offset: int) -> CodePointOffset:
        """The code point offset of a UTF-8 offset. ValueError inside a character or past the end."""
        ends = list(accumulate(self._bytes))
        if not 0 <= offset <= ends[-1]:
            raise ValueError(f"byte {offset} is not in a text of {ends[-1]} bytes")
        index = min(bisect_right(ends, offset), len(ends) - 1)
        within = offset - (ends[index] - self._bytes[index])
        base = sum(self._lengths[:index])
        if self._bytes[index] == self._lengths[index]:
            return CodePointOffset(base + within)
        prefix = self._chunks[index].encode()[:within]
        try:
            return CodePointOffset(base + len(prefix.decode()))
        except UnicodeDecodeError as error:
            raise ValueError(f"byte {offset} is inside a character") from error

    def difference(self, new: str) -> Replacement:
        """The one replacement, as short as can be, that turns this text into `new`."""
        start = 0
        for chunk in self._chunks:
            if not new.startswith(chunk, start):
                start += common_prefix(chunk, new[start : start + len(chunk)])
                break
            start += len(chunk)
        limit = min(len(self), len(new)) - start
        kept = 0
        for chunk in reversed(self._chunks):
            if kept + len(chunk) > limit or not new.endswith(chunk, 0, len(new) - kept):
                size = min(len(chunk), limit - kept)
                end = len(new) - kept
                kept += common_suffix(chunk[len(chunk) - size :], new[end - size : end])
                break
            kept += len(chunk)
        return Replacement(start, len(self) - kept, new[start : len(new) - kept])

    def _chunk_ends(self) -> list[int]:
        if self._ends is None:
            self._ends = list(accumulate(self._lengths))
        return self._ends

    def _chunk_at(self, offset: int) -> tuple[int, int]:
        """The chunk an offset is in, and the offset that chunk starts at."""
        ends = self._chunk_ends()
        index = min(bisect_right(ends, offset), len(ends) - 1)
        return index, ends[index] - self._lengths[index]

    def _line_start(self, line: int) -> tuple[int, int, int]:
        """Chunk, place in the chunk, and start of the chunk; past the last line: past the last chunk."""
        if line == 0:
            return 0, 0, 0
        breaks = list(accumulate(self._breaks))
        index = bisect_left(breaks, line)
        if index == len(breaks):
            return index, 0, len(self)
        chunk = self._chunks[index]
        before = line - (breaks[index] - self._breaks[index])
        within = len(chunk) - len(chunk.split("\n", before)[-1])
        return index, within, self._chunk_ends()[index] - len(chunk)

    def _put(self, first: int, stop: int, text: str) -> None:
        if len(text) < CHUNK_CODE_POINTS // 8 and stop - first < len(self._chunks):
            if stop < len(self._chunks):
                text, stop = text + self._chunks[stop], stop + 1
            else:
                text, first = self._chunks[first - 1] + text, first - 1
        self._fill(first, stop, text)

    def _fill(self, first: int, stop: int, text: str) -> None:
        """Chunks of this text in the place of those from `first` up to `stop`."""
        chunks = _cut(text)
        self._chunks[first:stop] = chunks
        self._lengths[first:stop] = [len(chunk) for chunk in chunks]
        self._bytes[first:stop] = [_utf8_length(chunk) for chunk in chunks]
        self._breaks[first:stop] = [chunk.count("\n") for chunk in chunks]
        self._ends = None


def common_prefix(first: str, second: str) -> int:
    """How many code points both begin with."""
    low, high = 0, min(len(first), len(second))
    while low < high:
        middle = (low + high + 1) // 2
        if first[low:middle] == second[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low


def common_suffix(first: str, second: str) -> int:
    """How many code points both end with."""
    low, high = 0, min(len(first), len(second))
    ends = len(first), len(second)
    while low < high:
        middle = (low + high + 1) // 2
        if first[ends[0] - middle : ends[0] - low] == second[ends[1] - middle : ends[1] - low]:
            low = middle
        else:
            high = middle - 1
    return low


def _utf8_length(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode())


def _cut(text: str) -> list[str]:
    if len(text) <= 2 * CHUNK_CODE_POINTS:
        return [text]
    size = CHUNK_CODE_POINTS
    return [text[at : at + size] for at in range(0, len(text), size)]
