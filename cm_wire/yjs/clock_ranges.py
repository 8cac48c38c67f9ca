"""A set of clocks of one client, as ranges: what is known to be deleted.

Owns membership only. Ranges are half open, apart from one another and ascending.
"""

from bisect import bisect_left, bisect_right

from cm_wire.yjs.structs import Clock


class ClockRanges:
    """Grows only; a lookup costs the logarithm of the number of ranges."""

    __slots__ = ("_ends", "_starts")

    def __init__(self) -> None:
        self._starts: list[Clock] = []
        self._ends: list[Clock] = []

    def __len__(self) -> int:
        """Count the ranges, not the clocks in them."""
        return len(self._starts)

    def add(self, start: Clock, end: Clock) -> None:
        """Put [start, end) in, joining it with what it meets."""
        first = bisect_left(self._ends, start)
        after = bisect_right(self._starts, end)
        if first < after:
            start = min(start, self._starts[first])
            end = max(end, self._ends[after - 1])
        self._starts[first:after] = [start]
        self._ends[first:after] = [end]

    def missing(self, start: Clock, end: Clock) -> list[tuple[Clock, Clock]]:
        """Return the parts of [start, end) that are not in, ascending."""
        gaps: list[tuple[Clock, Clock]] = []
        index = bisect_right(self._ends, start)
        while start < end:
            if index == len(self._starts) or self._starts[index] >= end:
                gaps.append((start, end))
                break
            if self._starts[index] > start:
                gaps.append((start, self._starts[index]))
            start = self._ends[index]
            index += 1
        return gaps
