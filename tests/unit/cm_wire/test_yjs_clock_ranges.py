from hypothesis import given
from hypothesis import strategies as st

from cm_wire.yjs.clock_ranges import ClockRanges

ranges = st.tuples(st.integers(0, 40), st.integers(1, 10)).map(lambda r: (r[0], r[0] + r[1]))


@given(st.lists(ranges), ranges)
def test_ranges_are_the_set_of_their_clocks(
    added: list[tuple[int, int]], asked: tuple[int, int]
) -> None:
    known = ClockRanges()
    clocks: set[int] = set()
    for start, end in added:
        known.add(start, end)
        clocks.update(range(start, end))
    missing = [clock for start, end in known.missing(*asked) for clock in range(start, end)]
    assert missing == [clock for clock in range(*asked) if clock not in clocks]


@given(st.lists(ranges))
def test_ranges_that_meet_are_one(added: list[tuple[int, int]]) -> None:
    known = ClockRanges()
    clocks: set[int] = set()
    for start, end in added:
        known.add(start, end)
        clocks.update(range(start, end))
    assert len(known) == sum(1 for clock in clocks if clock - 1 not in clocks)
