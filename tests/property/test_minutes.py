"""The fold of meter facts: additive, replayable, and deaf to facts that cannot be."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_server.meter import facts, minutes, rating
from cm_server.meter.facts import CapRaised, CountingStarted, CountingStopped, MeterEnded, MeterFact
from cm_server.meter.minutes import FactsContradict
from cm_wire.money import Money
from tests.support.money_world import terms

OPENED = terms(Money(1000, "USD"), 1800)
spans = st.lists(
    st.tuples(st.integers(0, 400_000), st.integers(0, 900_000), st.booleans()), max_size=8
)


def history(cut: list[tuple[int, int, bool]]) -> list[MeterFact]:
    """Counted stretches between gaps; a true third member is a restart into a new boot."""
    made: list[MeterFact] = [OPENED]
    now, boot = 0, 1
    for gap, length, restart in cut:
        now += gap
        made.append(started(now, f"b{boot}", boot))
        now += length
        made.append(stopped(now, f"b{boot}", boot))
        boot += restart
    made.append(MeterEnded(ended_utc_ms=now + 5, why="learner-ended"))
    return made


def started(at: int, boot: str = "b1", epoch: int = 1) -> CountingStarted:
    return CountingStarted(boot=boot, epoch=epoch, from_ms=at, from_utc_ms=at)


def stopped(at: int, boot: str = "b1", epoch: int = 1) -> CountingStopped:
    return CountingStopped(boot=boot, epoch=epoch, until_ms=at, until_utc_ms=at, why="idle")


@given(spans)
def test_counted_time_is_the_sum_of_stretches_up_to_the_cap(
    cut: list[tuple[int, int, bool]],
) -> None:
    folded = minutes.fold(history(cut))
    assert folded.counted_ms == min(sum(length for _, length, _ in cut), 1_800_000)
    assert folded.amount == rating.gross(folded.billed_seconds, OPENED.price)


@given(spans, st.integers(1, 7), st.integers(0, 900_000))
def test_cutting_a_stretch_in_two_changes_nothing(
    cut: list[tuple[int, int, bool]], where: int, at: int
) -> None:
    if where > len(cut) or cut[where - 1][2]:
        return
    gap, length, restart = cut[where - 1]
    at = min(at, length)
    finer = [*cut[: where - 1], (gap, at, False), (0, length - at, restart), *cut[where:]]
    assert minutes.fold(history(finer)).counted_ms == minutes.fold(history(cut)).counted_ms


@given(spans)
def test_a_replay_through_the_log_gives_the_same(cut: list[tuple[int, int, bool]]) -> None:
    known = history(cut)
    again = [facts.from_payload(facts.payload_of(fact)) for fact in known]
    assert again == known
    assert minutes.fold(again) == minutes.fold(known)


@given(spans)
def test_every_billed_minute_is_listed_with_its_time_and_every_other_with_its_reason(
    cut: list[tuple[int, int, bool]],
) -> None:
    folded = minutes.fold(history(cut))
    pieces = minutes.billed_pieces(folded)
    assert sum(piece.seconds for piece in pieces) == folded.billed_seconds
    assert [piece.number for piece in pieces] == list(range(1, len(pieces) + 1))
    for piece in pieces:
        assert sum(last - first for first, last in piece.spans) == piece.seconds * 1000
    tail = sum(
        gap.until_utc_ms - gap.from_utc_ms
        for gap in minutes.unbilled(folded)
        if gap.why == "step-not-completed"
    )
    assert tail == folded.counted_ms - folded.billed_seconds * 1000


@given(st.permutations(range(7)), st.integers(1, 7))
def test_facts_in_any_other_order_are_refused_or_bill_no_more(order: list[int], upto: int) -> None:
    true = history([(0, 60_000, False), (5, 60_000, False)])
    mixed = [true[index % len(true)] for index in order][:upto]
    try:
        folded = minutes.fold(mixed)
    except FactsContradict:
        return
    # With a stop and the next start left out, the gap counts: that facts are missing is for the log's seal to show.
    assert folded.counted_ms <= 60_000 + 5 + 60_000


def test_the_watermark_adds_what_is_proved_and_never_beyond_the_cap() -> None:
    running = minutes.fold([OPENED, started(1000)])
    assert running.counted_at(500) == 0
    assert running.counted_at(61_000) == 60_000
    assert running.counted_at(10**9) == 1_800_000
    assert minutes.fold([OPENED]).counted_at(10**9) == 0


CONTRADICTIONS: list[tuple[str, list[MeterFact]]] = [
    ("no meter fact", []),
    ("does not open", [started(0)]),
    ("opened twice", [OPENED, OPENED]),
    ("started twice", [OPENED, started(0), started(1)]),
    ("did not run", [OPENED, stopped(1)]),
    ("another boot", [OPENED, started(0), stopped(1, "b2")]),
    ("before it started", [OPENED, started(5), stopped(1)]),
    ("before it had stopped", [OPENED, started(0), stopped(9), started(5)]),
    ("wrote after epoch", [OPENED, started(0, epoch=2), stopped(9, epoch=1)]),
    ("wrote after epoch", [OPENED, started(0, epoch=2), stopped(9, epoch=2), started(9, epoch=1)]),
    ("less than it was", [OPENED, CapRaised(cap_seconds=1800)]),
    ("while it ran", [OPENED, started(0), MeterEnded(ended_utc_ms=1, why="")]),
    ("follows the end", [OPENED, MeterEnded(ended_utc_ms=1, why=""), started(2)]),
    ("cap is negative", [msgspec.structs.replace(OPENED, cap_seconds=-1)]),
]


@pytest.mark.parametrize(("why", "known"), CONTRADICTIONS)
def test_facts_that_cannot_have_happened_bill_nothing(why: str, known: list[MeterFact]) -> None:
    with pytest.raises(FactsContradict, match=why):
        minutes.fold(known)


def test_the_free_part_and_the_last_incomplete_step_are_named() -> None:
    free = msgspec.structs.replace(OPENED, free_seconds=30)
    end = MeterEnded(ended_utc_ms=100_000, why="learner-ended")
    folded = minutes.fold([free, started(0), stopped(100_000), end])
    assert folded.billed_seconds == 60
    assert {gap.why for gap in minutes.unbilled(folded)} >= {"free-part", "step-not-completed"}
