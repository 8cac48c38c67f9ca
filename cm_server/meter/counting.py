"""May time count now, and until when is it proved? Pure decisions over what is known of the two people.

Owns: silence, idleness, sync, pauses and the cap as reasons to stop. Does not own: the facts (`facts`), time, storage.
A guess that would be wrong: a stop takes effect when it is noticed. It takes effect at the last moment for which both
were proved present, so a late timer costs nobody anything.
"""

from dataclasses import dataclass
from typing import Final

from cm_server.meter import rating
from cm_server.meter.minutes import Minutes
from cm_wire.session import PausedWhy, Role

ROLES: Final[tuple[Role, ...]] = ("learner", "mentor")


@dataclass(frozen=True, slots=True)
class MeterRules:
    """How long silence and idleness may last, and when to warn; product numbers."""

    silence_ms: int = 10_000
    idle_ms: int = 180_000
    warn_percent: int = 80
    tell_every_ms: int = 5_000
    lapse_ms: int = 600_000
    cap_lapse_ms: int = 300_000
    lease_ms: int = 12_000
    """How long a process that is not heard of is taken to be alive; more than two checkpoints."""


@dataclass(slots=True)
class Party:
    """What the server itself knows of one person, on its own monotonic clock.

    `seen_ms` is the end of unbroken presence: a frame that comes after too long a silence moves `heard_ms` alone, until
    the silence has been dealt with as a stop.
    """

    connected: bool = False
    seen_ms: int = 0
    heard_ms: int = 0
    active_ms: int = 0
    paused: bool = False

    def hear(self, now_ms: int, rules: MeterRules, *, active: bool) -> None:
        if now_ms - self.seen_ms <= rules.silence_ms:
            self.seen_ms = max(self.seen_ms, now_ms)
        self.heard_ms = max(self.heard_ms, now_ms)
        if active:
            self.active_ms = max(self.active_ms, now_ms)


@dataclass(slots=True)
class Situation:
    """`block` is the earliest moment, and its reason, from which something known forbids counting in this stretch."""

    learner: Party
    mentor: Party
    in_sync: bool = True
    block: tuple[int, PausedWhy] | None = None

    def party(self, role: Role) -> Party:
        return self.learner if role == "learner" else self.mentor

    def forbid(self, from_ms: int, why: PausedWhy) -> None:
        if self.block is None or from_ms < self.block[0]:
            self.block = (from_ms, why)

    def begin_stretch(self, now_ms: int) -> None:
        """Presence starts anew: what was heard of each counts, what was silent before does not."""
        self.block = None
        for party in (self.learner, self.mentor):
            party.seen_ms = min(party.heard_ms, now_ms)


@dataclass(frozen=True, slots=True)
class Stop:
    until_ms: int
    why: PausedWhy


def watermark(situation: Situation) -> int:
    """Both were there up to here: the earlier of the two last signs of life, cut where counting was forbidden."""
    seen_ms = min(situation.learner.seen_ms, situation.mentor.seen_ms)
    return seen_ms if situation.block is None else min(seen_ms, situation.block[0])


def stop(situation: Situation, minutes: Minutes, now_ms: int, rules: MeterRules) -> Stop | None:
    """Why the open stretch must end, at the earliest reason; `None` while time goes on counting."""
    running = minutes.running
    if running is None:
        return None
    proved_ms = watermark(situation)
    reasons: list[Stop] = []
    if situation.block is not None:
        reasons.append(Stop(proved_ms, situation.block[1]))
    reasons += [
        Stop(proved_ms, away(role))
        for role in ROLES
        if now_ms - situation.party(role).seen_ms > rules.silence_ms
    ]
    idle_from_ms = _last_activity(situation, running.from_ms) + rules.idle_ms
    if idle_from_ms <= now_ms:
        reasons.append(Stop(min(proved_ms, idle_from_ms), "idle"))
    cap_at_ms = running.from_ms + minutes.cap_seconds * 1000 - minutes.counted_ms
    if cap_at_ms <= proved_ms:
        reasons.append(Stop(cap_at_ms, "cap-reached"))
    if not reasons:
        return None
    first = min(reasons, key=lambda reason: reason.until_ms)
    return Stop(max(first.until_ms, running.from_ms), first.why)


def hindrance(situation: Situation, minutes: Minutes, now_ms: int, rules: MeterRules) -> PausedWhy:
    """What keeps time from counting now; empty when nothing does."""
    if minutes.counted_ms >= minutes.cap_seconds * 1000:
        return "cap-reached"
    for role in ROLES:
        if situation.party(role).paused:
            return "learner-paused" if role == "learner" else "mentor-paused"
    for role in ROLES:
        party = situation.party(role)
        if not party.connected or now_ms - party.heard_ms > rules.silence_ms:
            return away(role)
    if not situation.in_sync:
        return "out-of-sync"
    if minutes.paused_why == "idle" and _last_activity(situation, 0) + rules.idle_ms <= now_ms:
        return "idle"
    return ""


def end_at(minutes: Minutes, proved_ms: int, shown_billed_seconds: int) -> int:
    """Where an open stretch is cut by a person's hand, so that the amount is none they were not shown while it ran."""
    running = minutes.running
    assert running is not None
    last_shown_ms = rating.next_step_ms(shown_billed_seconds, minutes.terms.price.plan) - 1
    counted_ms = min(minutes.counted_at(proved_ms), last_shown_ms)
    return running.from_ms + max(0, counted_ms - minutes.counted_ms)


def is_warned(minutes: Minutes, counted_ms: int, rules: MeterRules) -> bool:
    return counted_ms * 100 >= minutes.cap_seconds * 1000 * rules.warn_percent


def lapse_after_ms(why: PausedWhy, rules: MeterRules) -> int | None:
    """How long a pause may last before the session should end; `None`: as long as the people like."""
    if why == "cap-reached":
        return rules.cap_lapse_ms
    if why in ("learner-away", "mentor-away", "server-restarted", "out-of-sync", "idle"):
        return rules.lapse_ms
    return None


def away(role: Role) -> PausedWhy:
    return "learner-away" if role == "learner" else "mentor-away"


def _last_activity(situation: Situation, at_least_ms: int) -> int:
    """Either person's activity keeps the clock running; the start of a stretch counts as one."""
    return max(situation.learner.active_ms, situation.mentor.active_ms, at_least_ms)
