"""What was changed between two texts, guessed small: ends trimmed, then lines, then characters.

A formatter, a revert or an editor that reports whole documents gives two texts and no edits. A small
guess keeps cursors and the other side's concurrent typing where they belong; any guess ends in the right
text. The cost is bounded whatever the texts are: lines are matched by those that occur once (patience),
then by those that differ in blanks only, then one by one where their number is the same; characters are
searched within a budget, and what is left over becomes one replacement.
"""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Sequence

from cm_lsp.sharing.edits import Operation, Writer, replacement
from cm_lsp.sharing.indexed_text import common_prefix, common_suffix

SEARCH_STEPS = 200_000
"""How far the character search of one diff may go in all: some tens of milliseconds."""

MOST_CHANGES = 120
"""Two stretches with more single-character changes than this are replaced as a whole."""

SHORT = 4_000
"""Two stretches of together no more code points are compared without regard to lines."""

Pair = tuple[int, int]
Match = tuple[int, int, int]


def diff(old: str, new: str) -> Operation:
    """A small operation that turns `old` into `new`."""
    start = common_prefix(old, new)
    kept = common_suffix(old[start:], new[start:])
    before, after = old[start : len(old) - kept], new[start : len(new) - kept]
    if not before or not after:
        return replacement(start, start + len(before), after)
    search = _Search(start)
    # The fewest changes move the least of what others may be changing too; lines are for long texts.
    if len(before) + len(after) <= SHORT and search.fewest(before, after):
        return search.writer.operation()
    if "\n" in before or "\n" in after:
        search.lines(_lines(before), _lines(after))
    else:
        search.characters(before, after)
    return search.writer.operation()


class _Search:
    """Writes one operation from left to right, with what is left of the budget."""

    def __init__(self, start: int) -> None:
        self.writer = Writer()
        self.writer.retain(start)
        self._steps = SEARCH_STEPS

    def lines(self, old: Sequence[str], new: Sequence[str]) -> None:
        i = j = 0
        for k, m in _line_pairs(old, new):
            self.characters("".join(old[i:k]), "".join(new[j:m]))
            self.characters(old[k], new[m])
            i, j = k + 1, m + 1
        self.characters("".join(old[i:]), "".join(new[j:]))

    def characters(self, old: str, new: str) -> None:
        if old == new:
            self.writer.retain(len(old))
            return
        start = common_prefix(old, new)
        kept = common_suffix(old[start:], new[start:])
        before, after = old[start : len(old) - kept], new[start : len(new) - kept]
        self.writer.retain(start)
        self._middle(before, after)
        self.writer.retain(kept)

    def fewest(self, old: str, new: str) -> bool:
        """Writes a shortest script, if one is short enough to be found."""
        found = _shortest_script(old, new, MOST_CHANGES)
        if found is not None:
            self._write(found, old, new)
        return found is not None

    def _middle(self, old: str, new: str) -> None:
        matches: list[Match] = []
        if old and new:
            most = min(MOST_CHANGES, int(self._steps**0.5))
            found = _shortest_script(old, new, most)
            self._steps -= min(self._steps, most * most)
            matches = found or []
        self._write(matches, old, new)

    def _write(self, matches: Sequence[Match], old: str, new: str) -> None:
        i = j = 0
        for k, m, size in [*matches, (len(old), len(new), 0)]:
            self.writer.insert(new[j:m])
            self.writer.delete(k - i)
            self.writer.retain(size)
            i, j = k + size, m + size


def _lines(text: str) -> list[str]:
    """The lines with their ends."""
    *ended, last = text.split("\n")
    return [line + "\n" for line in ended] + ([last] if last else [])


def _line_pairs(old: Sequence[str], new: Sequence[str]) -> list[Pair]:
    """Which line became which, ascending on both sides."""
    pairs: list[Pair] = []
    for i, k, j, m in _gaps(_anchors(old, new, str), (0, len(old), 0, len(new)), pairs):
        squeezed = _anchors(old[i:k], new[j:m], _squeezed)
        shifted = [(i + a, j + b) for a, b in squeezed]
        for start, stop, first, last in _gaps(shifted, (i, k, j, m), pairs):
            if stop - start == last - first:
                pairs.extend(zip(range(start, stop), range(first, last), strict=True))
    return sorted(pairs)


def _gaps(
    anchors: Sequence[Pair], within: tuple[int, int, int, int], pairs: list[Pair]
) -> list[tuple[int, int, int, int]]:
    """The stretches between the anchors; the anchors go to `pairs`."""
    i, k, j, m = within
    gaps: list[tuple[int, int, int, int]] = []
    for a, b in anchors:
        gaps.append((i, a, j, b))
        i, j = a + 1, b + 1
    pairs.extend(anchors)
    return [*gaps, (i, k, j, m)]


def _anchors(old: Sequence[str], new: Sequence[str], key: Callable[[str], str]) -> list[Pair]:
    """Lines equal by `key` at both ends, and between them those that occur once on each side."""
    before, after = [key(line) for line in old], [key(line) for line in new]
    start, limit = 0, min(len(before), len(after))
    while start < limit and before[start] == after[start]:
        start += 1
    kept = 0
    while kept < limit - start and before[-1 - kept] == after[-1 - kept]:
        kept += 1
    stop, end = len(before) - kept, len(after) - kept
    unique = _unique_pairs(before, after, range(start, stop), range(start, end))
    head = [(at, at) for at in range(start)]
    return head + _longest_rising(unique) + [(stop + at, end + at) for at in range(kept)]


def _unique_pairs(
    before: Sequence[str], after: Sequence[str], old: range, new: range
) -> list[Pair]:
    in_old = Counter(before[i] for i in old)
    in_new = Counter(after[j] for j in new)
    place = {after[j]: j for j in new if in_new[after[j]] == 1}
    return [(i, place[before[i]]) for i in old if in_old[before[i]] == 1 and before[i] in place]


def _longest_rising(pairs: Sequence[Pair]) -> list[Pair]:
    """The longest subsequence whose second members rise (the first members do)."""
    tails: list[int] = []
    ends: list[int] = []
    previous: list[int] = []
    for at, (_, second) in enumerate(pairs):
        length = bisect_left(tails, second)
        previous.append(ends[length - 1] if length else -1)
        tails[length : length + 1] = [second]
        ends[length : length + 1] = [at]
    chain: list[Pair] = []
    at = ends[-1] if ends else -1
    while at >= 0:
        chain.append(pairs[at])
        at = previous[at]
    return chain[::-1]


def _squeezed(line: str) -> str:
    return "".join(line.split())


def _shortest_script(old: str, new: str, most: int) -> list[Match] | None:
    """The common stretches of a shortest edit script of at most `most` changes (Myers 1986)."""
    if abs(len(old) - len(new)) > most:
        return None
    furthest = {1: 0}
    trace: list[dict[int, int]] = []
    for changes in range(most + 1):
        trace.append(furthest.copy())
        for diagonal in range(-changes, changes + 1, 2):
            x = _step(furthest, diagonal, changes)
            y = x - diagonal
            while x < len(old) and y < len(new) and old[x] == new[y]:
                x, y = x + 1, y + 1
            furthest[diagonal] = x
            if x >= len(old) and y >= len(new):
                return _walk_back(trace, len(old), len(new))
    return None


def _step(furthest: dict[int, int], diagonal: int, changes: int) -> int:
    """Where the diagonal is entered: from above (an insertion) or from the left (a deletion)."""
    down = furthest.get(diagonal + 1, -1)
    right = furthest.get(diagonal - 1, -1)
    if diagonal == -changes or (diagonal != changes and right < down):
        return down
    return right + 1


def _walk_back(trace: list[dict[int, int]], x: int, y: int) -> list[Match]:
    matches: list[Match] = []
    for changes in range(len(trace) - 1, -1, -1):
        furthest, diagonal = trace[changes], x - y
        entered = _step(furthest, diagonal, changes)
        if x > entered:
            matches.append((entered, entered - diagonal, x - entered))
        down = entered == furthest.get(diagonal + 1, -1) and (
            diagonal == -changes
            or (diagonal != changes and furthest.get(diagonal - 1, -1) < entered)
        )
        x = entered if down else entered - 1
        y = x - (diagonal + 1 if down else diagonal - 1)
    return matches[::-1]
