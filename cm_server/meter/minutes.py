"""Turns a session's meter facts into the time both people are billed for; any replay gives the same.

Owns: which stretches count and why the others do not, and the refusal of facts that cannot be true. Does not own:
prices (`rating`), when counting starts and stops (`counting`), any clock or storage. A guess that would be wrong: the
sum is kept somewhere. It is folded from the facts each time; while running, the watermark adds what is proved so far.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, assert_never

from cm_server.meter import rating
from cm_server.meter.facts import (
    CapRaised,
    CountingStarted,
    CountingStopped,
    MeterEnded,
    MeterFact,
    MeterOpened,
)
from cm_wire.money import Money
from cm_wire.session import MeterState, PausedWhy

PIECE_SECONDS: Final = 60
"""A receipt names each billed minute."""


class FactsContradict(ValueError):  # noqa: N818 - reads as what was found
    """The facts cannot have happened in this order; nothing can be billed from them."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """A span of wall time for people to read; `counted_ms` is monotonic and the only thing that is billed.

    `why` says why a stretch without counted time has none; in a counted one it says why it stopped.
    """

    from_utc_ms: int
    until_utc_ms: int
    counted_ms: int
    why: str


@dataclass(frozen=True, slots=True)
class Piece:
    """A billed minute: its number from 1, and the wall time in which it was counted, in parts when it was interrupted."""

    number: int
    seconds: int
    spans: tuple[tuple[int, int], ...]


@dataclass(frozen=True, slots=True)
class Minutes:
    """What the facts so far come to. `running` is the open stretch, whose time is not in `counted_ms` yet."""

    terms: MeterOpened
    cap_seconds: int
    counted_ms: int = 0
    stretches: tuple[Stretch, ...] = ()
    state: MeterState = "triage"
    paused_why: PausedWhy = ""
    running: CountingStarted | None = None
    idle_since_utc_ms: int = 0
    proved: tuple[str, int] = ("", 0)
    epoch: int = 0

    @property
    def billed_seconds(self) -> int:
        return rating.billed_seconds(self.counted_ms, self.terms.price.plan)

    @property
    def amount(self) -> Money:
        return rating.gross(self.billed_seconds, self.terms.price)

    @property
    def cap_amount(self) -> Money:
        price = self.terms.price
        return rating.gross(rating.billed_seconds(self.cap_seconds * 1000, price.plan), price)

    def counted_at(self, watermark_ms: int) -> int:
        """Counted time when the open stretch is proved up to `watermark_ms`; never beyond the cap."""
        if self.running is None:
            return self.counted_ms
        proved_ms = max(0, watermark_ms - self.running.from_ms)
        return min(self.counted_ms + proved_ms, self.cap_seconds * 1000)


def fold(facts: Iterable[MeterFact]) -> Minutes:
    """All of a session's meter facts, in order; raises `FactsContradict` where they cannot be true."""
    so_far: Minutes | None = None
    for fact in facts:
        so_far = _opened(fact) if so_far is None else advanced(so_far, fact)
    if so_far is None:
        raise FactsContradict("there is no meter fact")
    return so_far


def advanced(so_far: Minutes, fact: MeterFact) -> Minutes:
    """One more fact."""
    _check(so_far.state != "ended", "a fact follows the end")
    match fact:
        case MeterOpened():
            raise FactsContradict("the meter was opened twice")
        case CountingStarted():
            return _started(so_far, fact)
        case CountingStopped():
            return _stopped(so_far, fact)
        case CapRaised():
            _check(fact.cap_seconds > so_far.cap_seconds, "the cap was raised to less than it was")
            return replace(so_far, cap_seconds=fact.cap_seconds)
        case MeterEnded():
            return _ended(so_far, fact)
        case _:  # pragma: no cover - closed union
            assert_never(fact)


def billed_pieces(minutes: Minutes) -> tuple[Piece, ...]:
    """Each billed minute with the wall time it was counted in; the pieces' seconds add up to the billed seconds."""
    cursor_ms = minutes.terms.free_seconds * 1000
    end_ms = cursor_ms + minutes.billed_seconds * 1000
    pieces: list[Piece] = []
    while cursor_ms < end_ms:
        until_ms = min(cursor_ms + PIECE_SECONDS * 1000, end_ms)
        spans = tuple(_wall_spans(minutes.stretches, cursor_ms, until_ms))
        pieces.append(Piece(len(pieces) + 1, (until_ms - cursor_ms) // 1000, spans))
        cursor_ms = until_ms
    return tuple(pieces)


def unbilled(minutes: Minutes) -> tuple[Stretch, ...]:
    """Every stretch that costs nothing, with its reason: uncounted time, the free part, the incomplete last step."""
    gaps = [stretch for stretch in minutes.stretches if stretch.counted_ms == 0]
    free_ms = min(minutes.terms.free_seconds * 1000, minutes.counted_ms)
    billed_until_ms = free_ms + minutes.billed_seconds * 1000
    for from_ms, until_ms, why in (
        (0, free_ms, "free-part"),
        (billed_until_ms, minutes.counted_ms, "step-not-completed"),
    ):
        gaps += [
            Stretch(first, last, 0, why)
            for first, last in _wall_spans(minutes.stretches, from_ms, until_ms)
        ]
    return tuple(sorted(gaps, key=lambda gap: (gap.from_utc_ms, gap.until_utc_ms)))


def _opened(fact: MeterFact) -> Minutes:
    if not isinstance(fact, MeterOpened):
        raise FactsContradict("the first fact does not open the meter")
    _check(fact.cap_seconds >= 0, "the cap is negative")
    fact.price  # noqa: B018 - a price or plan that cannot be raises here
    return Minutes(fact, fact.cap_seconds, idle_since_utc_ms=fact.opened_utc_ms)


def _started(so_far: Minutes, fact: CountingStarted) -> Minutes:
    _check(so_far.running is None, "counting started twice")
    _check(fact.epoch >= so_far.epoch, f"epoch {fact.epoch} wrote after epoch {so_far.epoch}")
    boot, proved_ms = so_far.proved
    if fact.boot == boot:
        _check(fact.from_ms >= proved_ms, "counting started before it had stopped")
    why = so_far.paused_why if so_far.state == "paused" else "triage"
    gap = Stretch(so_far.idle_since_utc_ms, fact.from_utc_ms, 0, why)
    return replace(
        so_far,
        running=fact,
        state="running",
        paused_why="",
        epoch=fact.epoch,
        stretches=(*so_far.stretches, gap),
    )


def _stopped(so_far: Minutes, fact: CountingStopped) -> Minutes:
    running = so_far.running
    if running is None:
        raise FactsContradict("counting stopped while it did not run")
    _check(fact.epoch >= so_far.epoch, f"epoch {fact.epoch} wrote after epoch {so_far.epoch}")
    _check(fact.boot == running.boot, "counting stopped by the clock of another boot")
    _check(fact.until_ms >= running.from_ms, "counting stopped before it started")
    counted_ms = so_far.counted_at(fact.until_ms)
    stretch = Stretch(
        running.from_utc_ms, fact.until_utc_ms, counted_ms - so_far.counted_ms, fact.why
    )
    return replace(
        so_far,
        counted_ms=counted_ms,
        running=None,
        state="paused",
        paused_why=fact.why,
        idle_since_utc_ms=fact.until_utc_ms,
        proved=(fact.boot, fact.until_ms),
        epoch=fact.epoch,
        stretches=(*so_far.stretches, stretch),
    )


def _ended(so_far: Minutes, fact: MeterEnded) -> Minutes:
    _check(so_far.running is None, "the meter ended while it ran")
    why = so_far.paused_why if so_far.state == "paused" else "triage"
    gap = Stretch(so_far.idle_since_utc_ms, fact.ended_utc_ms, 0, why or "ending")
    return replace(so_far, state="ended", paused_why="", stretches=(*so_far.stretches, gap))


def _wall_spans(
    stretches: tuple[Stretch, ...], from_ms: int, until_ms: int
) -> Iterable[tuple[int, int]]:
    """The wall times of the counted time between two points of it, each stretch read forward from its start."""
    before_ms = 0
    for stretch in stretches:
        first = max(from_ms, before_ms)
        last = min(until_ms, before_ms + stretch.counted_ms)
        if first < last:
            start = stretch.from_utc_ms - before_ms
            yield start + first, start + last
        before_ms += stretch.counted_ms


def _check(holds: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as an assertion
    if not holds:
        raise FactsContradict(otherwise)
