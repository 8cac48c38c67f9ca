"""Which of a session's holds pay its price: the fewest, oldest first, none below what a card takes.

Owns: that decision, exact and without search. Does not own: rounding (`meter.rating`) or captures.
"""

from collections.abc import Sequence


def allocate(amount_minor: int, holds_minor: Sequence[int], minimum_minor: int) -> tuple[int, ...]:
    """What to capture of each hold: 0, or between the minimum and the hold.

    The sum is `amount_minor`, or the most below it that can be captured: what no set of captures comes to is waived,
    never rounded up. Holds below the minimum cannot be used.
    """
    usable = [size if size >= minimum_minor else 0 for size in holds_minor]
    amount_minor = min(amount_minor, sum(usable))
    if amount_minor <= 0:
        return (0,) * len(holds_minor)
    count, covered = _fewest(usable, amount_minor)
    if count * minimum_minor > amount_minor:
        # One hold fewer covers too little and one more needs too much: take what the fewer cover.
        count, amount_minor = count - 1, covered
    chosen = _oldest(usable, count, amount_minor)
    captures = [minimum_minor if index in chosen else 0 for index in range(len(usable))]
    left = amount_minor - sum(captures)
    for index in sorted(chosen):
        more = min(left, usable[index] - minimum_minor)
        captures[index] += more
        left -= more
    return tuple(captures)


def _fewest(usable: Sequence[int], amount_minor: int) -> tuple[int, int]:
    """The least number of holds that covers the amount, and what one hold fewer covers at most."""
    covered = 0
    for count, size in enumerate(sorted(usable, reverse=True), start=1):
        if covered + size >= amount_minor:
            return count, covered
        covered += size
    raise AssertionError("the amount was limited to the sum")  # pragma: no cover


def _oldest(usable: Sequence[int], count: int, amount_minor: int) -> set[int]:
    """The first set of that many holds, in order of age, that covers the amount."""
    chosen: set[int] = set()
    missing = amount_minor
    for index, size in enumerate(usable):
        later = sorted(usable[index + 1 :], reverse=True)[: count - len(chosen) - 1]
        if len(chosen) < count and size and size + sum(later) >= missing:
            chosen.add(index)
            missing -= size
    return chosen
