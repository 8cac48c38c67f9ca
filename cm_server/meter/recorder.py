"""Live meters: hears signs of life and writes when counting starts and stops.

Owns: the live meters of this process and the order of their facts. Does not own: the decisions (`counting`), the sums
(`minutes`), what people see (`display`), who ends a session, holds: whoever raises a cap has held the money first.
A guess that would be wrong: the methods that hear (`joined`, `left`, `hear`, `set_sync`) write nothing. They note the
moment; the next review, at most a tick later, writes the fact with that moment in it, so lateness moves no money.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Final

import structlog
from sqlmodel import Session

from cm_server.clock import Clock
from cm_server.db import Database, StorageUnavailable
from cm_server.meter import counting, minutes, rating, store
from cm_server.meter.counting import MeterRules, Party, Situation
from cm_server.meter.display import Display, LiveMeter, MeterListener
from cm_server.meter.facts import (
    CapRaised,
    CountingStarted,
    CountingStopped,
    MeterEnded,
    MeterFact,
    MeterOpened,
)
from cm_server.meter.minutes import Minutes
from cm_server.session import events
from cm_server.session.events import Moment
from cm_wire import faults
from cm_wire.ids import PersonId, SessionId
from cm_wire.session import MeterView, PausedWhy, Role

TICK_SECONDS: Final = 1
TICKS_PER_CHECKPOINT: Final = 5
DEFAULT_RULES: Final = MeterRules()

_log = structlog.stdlib.get_logger(__name__)

Beside = Callable[[Session, SessionId, MeterFact, Moment, PersonId], None]
"""What else happens in the transaction that writes a fact (the session's state moves); may refuse by raising."""


class Recorder:
    def __init__(
        self,
        clock: Clock,
        database: Database,
        listener: MeterListener,
        *,
        rules: MeterRules = DEFAULT_RULES,
        beside: Beside | None = None,
    ) -> None:
        self._clock = clock
        self._database = database
        self._rules = rules
        self._display = Display(clock, rules, listener)
        self._beside = beside
        self._live: dict[SessionId, LiveMeter] = {}

    # --- owning meters ---

    async def open(self, session_id: SessionId, terms: MeterOpened) -> None:
        """Open and own a meter; use `store.open_meter` and `take` to open it within another transaction."""
        at = events.moment(self._clock)
        await self._database.write(lambda s: store.open_meter(s, session_id, terms, at))
        await self.take(session_id)

    async def take(self, session_id: SessionId) -> bool:
        """Own a meter from now on, here and nowhere else. The gap before is not billed.

        False when it has ended, or when the process that owns it is alive.
        """
        at = events.moment(self._clock)

        def take_over(session: Session) -> store.Taken | None:
            store.stay_alive(session, at, self._rules.lease_ms)
            taken = store.take_over(session, session_id, at)
            if taken and taken.stopped and self._beside:
                self._beside(session, session_id, taken.stopped, at, events.SERVER)
            return taken

        taken = await self._database.write(take_over)
        if taken is None:
            return False
        parties = {role: Party(paused=role in taken.paused_by.split()) for role in counting.ROLES}
        situation = Situation(parties["learner"], parties["mentor"])
        self._live[session_id] = LiveMeter(
            session_id, taken.minutes, taken.epoch, situation, at.monotonic_ms
        )
        return True

    async def take_unfinished(self) -> list[SessionId]:
        """At start: every meter whose process is gone."""
        sessions = await self._database.read(store.unfinished)
        return [session_id for session_id in sessions if await self.take(session_id)]

    async def take_abandoned(self) -> list[SessionId]:
        """Now and then: the meters of other processes that are gone."""
        boot = self._clock.boot_id
        sessions = await self._database.read(lambda s: store.unfinished(s, not_of=boot))
        return [session_id for session_id in sessions if await self.take(session_id)]

    def release(self, session_id: SessionId) -> None:
        """Let go without a fact; whoever takes it next stops an open stretch at the last checkpoint."""
        self._live.pop(session_id, None)

    def owns(self, session_id: SessionId) -> bool:
        return session_id in self._live

    # --- hearing; nothing here waits or fails, and an unknown session is none of ours ---

    def joined(self, session_id: SessionId, role: Role) -> None:
        if live := self._live.get(session_id):
            live.situation.party(role).connected = True
            self.hear(session_id, role, active=True)

    def left(self, session_id: SessionId, role: Role) -> None:
        """Their last connection closed: known at once, not after the silence limit."""
        if live := self._live.get(session_id):
            live.situation.party(role).connected = False
            live.situation.forbid(self._clock.monotonic_ms(), counting.away(role))

    def hear(self, session_id: SessionId, role: Role, *, active: bool = False) -> None:
        """Any frame is a sign of life; `active` when a person did something (typed, moved, said)."""
        if live := self._live.get(session_id):
            now_ms = self._clock.monotonic_ms()
            live.situation.party(role).hear(now_ms, self._rules, active=active)

    def set_sync(self, session_id: SessionId, *, in_sync: bool) -> None:
        if live := self._live.get(session_id):
            live.situation.in_sync = in_sync
            if not in_sync:
                live.situation.forbid(self._clock.monotonic_ms(), "out-of-sync")

    # --- commands ---

    async def start(self, session_id: SessionId, *, by: PersonId) -> MeterView:
        """The learner's go; refuses while either is away or the texts differ, since nothing would count."""
        live = self._owned(session_id)
        async with live.writing:
            if live.minutes.state != "triage":
                raise faults.refusal("wrong-state", "The meter has been started already.")
            why = self._display.hindrance(live)
            if why:
                raise faults.refusal("wrong-state", _CANNOT_START.get(why, _CANNOT_START[""]))
            await self._begin(live, by)
        return self.view(session_id, "learner")

    async def pause(self, session_id: SessionId, role: Role, *, by: PersonId) -> MeterView:
        """Counts as soon as it is heard; each pause is lifted by who made it."""
        live = self._owned(session_id)
        async with live.writing:
            self._require_started(live)
            live.situation.party(role).paused = True
            if live.minutes.running is not None:
                why: PausedWhy = "learner-paused" if role == "learner" else "mentor-paused"
                live.situation.forbid(self._hand_cut(live), why)
            await self._write_pauses(live)
            await self._review(live, by)
        return self.view(session_id, role)

    async def resume(self, session_id: SessionId, role: Role, *, by: PersonId) -> MeterView:
        live = self._owned(session_id)
        async with live.writing:
            self._require_started(live)
            live.situation.party(role).paused = False
            self.hear(session_id, role, active=True)
            await self._write_pauses(live)
            await self._review(live, by)
            self._display.tell(live)
        return self.view(session_id, role)

    async def extend(self, session_id: SessionId, cap_seconds: int, *, by: PersonId) -> MeterView:
        """Raise the cap; the caller holds the money for it already."""
        live = self._owned(session_id)
        async with live.writing:
            self._require_open(live)
            if cap_seconds > live.minutes.cap_seconds:
                await self._write(live, [CapRaised(cap_seconds=cap_seconds)], by)
                live.lapsed = False
            await self._review(live, by)
            self._display.tell(live)
        return self.view(session_id, "learner")

    async def end(
        self, session_id: SessionId, why: str, *, by: PersonId = events.SERVER
    ) -> Minutes:
        """Final. The amount is none that both were not shown while it ran."""
        live = self._owned(session_id)
        async with live.writing:
            self._require_open(live)
            ending: list[MeterFact] = []
            if live.minutes.running is not None:
                live.situation.forbid(self._hand_cut(live), "")
                ending.append(self._stopped(live, counting.watermark(live.situation), ""))
            ending.append(MeterEnded(ended_utc_ms=events.moment(self._clock).at_ms, why=why))
            await self._write(live, ending, by)
            self._display.tell(live)
        self._live.pop(session_id, None)
        return live.minutes

    def view(self, session_id: SessionId, role: Role) -> MeterView:
        """As last shown; never ahead of what is proved."""
        return self._display.view_of(self._owned(session_id), role)

    # --- time ---

    async def run(self) -> None:
        """Tick for ever; an unavailable database delays facts and bills nothing for it."""
        ticks = 0
        while True:
            await self._clock.sleep(TICK_SECONDS)
            ticks += 1
            try:
                await self.tick()
                if ticks % TICKS_PER_CHECKPOINT == 0:
                    await self.checkpoint()
            except StorageUnavailable as unavailable:
                _log.warning("meter facts wait for the database", reason=str(unavailable))

    async def tick(self) -> None:
        """Review every meter once; only those whose counting starts or stops wait for the database."""
        due = [live for live in tuple(self._live.values()) if self._is_due(live)]
        results = await asyncio.gather(*map(self._review_alone, due), return_exceptions=True)
        unavailable = [result for result in results if isinstance(result, BaseException)]
        if unavailable:
            raise unavailable[0]

    async def checkpoint(self) -> None:
        """Keep what all running meters have shown, and that their owner lives, in one transaction."""
        if not self._live:
            return
        at = events.moment(self._clock)
        running = [live for live in self._live.values() if live.minutes.running is not None]
        proofs = [self._proof(live) for live in running]

        def keep(session: Session) -> set[SessionId]:
            store.stay_alive(session, at, self._rules.lease_ms)
            return store.checkpoint(session.connection(), proofs) if proofs else set()

        lost = await self._database.write(keep)
        for session_id in lost & self._live.keys():
            self._lose(session_id)

    # --- below ---

    def _is_due(self, live: LiveMeter) -> bool:
        """Show what is proved by now, and say whether a fact must be written."""
        now_ms = self._clock.monotonic_ms()
        if live.minutes.running is not None:
            self._display.show(live, now_ms)
            return self._display.stop(live, now_ms) is not None
        if live.minutes.state != "paused" or live.writing.locked():
            return False
        why = self._display.hindrance(live)
        self._display.check_lapse(live, why, now_ms)
        if live.shown is None or why != live.shown.paused_why:
            self._display.tell(live)
        return why == ""

    async def _review_alone(self, live: LiveMeter) -> None:
        async with live.writing:
            try:
                await self._review(live, events.SERVER)
            except store.Fenced:
                return  # told and dropped where it was noticed
            except StorageUnavailable:
                raise
            except Exception:  # noqa: BLE001 - a named guard
                # One meter's fault must not stop the others. It stays as it is, and bills nothing more.
                _log.exception("a meter could not be reviewed", session=live.session_id)

    async def _review(self, live: LiveMeter, by: PersonId) -> None:
        now_ms = self._clock.monotonic_ms()
        if live.minutes.running is not None:
            self._display.show(live, now_ms)
            stop = self._display.stop(live, now_ms)
            if stop is not None:
                await self._write(live, [self._stopped(live, stop.until_ms, stop.why)], by)
                live.paused_since_ms = now_ms
                live.lapsed = False
                self._display.tell(live)
        elif live.minutes.state == "paused" and self._display.hindrance(live) == "":
            await self._begin(live, by)

    async def _begin(self, live: LiveMeter, by: PersonId) -> None:
        at = events.moment(self._clock)
        started = CountingStarted(
            boot=at.boot_id, epoch=live.epoch, from_ms=at.monotonic_ms, from_utc_ms=at.at_ms
        )
        live.situation.begin_stretch(at.monotonic_ms)
        live.shown_ms = at.monotonic_ms
        await self._write(live, [started], by)
        self._display.tell(live)

    async def _write(self, live: LiveMeter, facts: Sequence[MeterFact], by: PersonId) -> None:
        """Durable first, then believed."""
        at = events.moment(self._clock)
        after = live.minutes
        for fact in facts:
            after = minutes.advanced(after, fact)

        def write(session: Session) -> None:
            store.write_facts(session, live.session_id, live.epoch, facts, at=at, by=by)
            if self._beside is not None:
                for fact in facts:
                    self._beside(session, live.session_id, fact, at, by)

        try:
            await self._database.write(write)
        except store.Fenced:
            self._lose(live.session_id)
            raise
        live.minutes = after

    async def _write_pauses(self, live: LiveMeter) -> None:
        paused_by = " ".join(r for r in counting.ROLES if live.situation.party(r).paused)
        try:
            await self._database.write(
                lambda s: store.write_pauses(s, live.session_id, live.epoch, paused_by)
            )
        except store.Fenced:
            self._lose(live.session_id)
            raise

    def _stopped(self, live: LiveMeter, until_ms: int, why: PausedWhy) -> CountingStopped:
        at = events.moment(self._clock)
        running = live.minutes.running
        assert running is not None
        until_ms = max(until_ms, running.from_ms)
        return CountingStopped(
            boot=running.boot,
            epoch=live.epoch,
            until_ms=until_ms,
            until_utc_ms=at.at_ms - (at.monotonic_ms - until_ms),
            why=why,
        )

    def _hand_cut(self, live: LiveMeter) -> int:
        """Where a person's pause or end cuts the open stretch; a stop that was due before it comes first."""
        stop = self._display.stop(live, self._clock.monotonic_ms())
        proved_ms = counting.watermark(live.situation) if stop is None else stop.until_ms
        shown = live.minutes.counted_at(live.shown_ms)
        plan = live.minutes.terms.price.plan
        return counting.end_at(live.minutes, proved_ms, rating.billed_seconds(shown, plan))

    def _proof(self, live: LiveMeter) -> dict[str, Any]:
        at = events.moment(self._clock)
        running = live.minutes.running
        assert running is not None
        proved_ms = max(live.shown_ms, running.from_ms)
        return {
            "session": live.session_id,
            "held_epoch": live.epoch,
            "boot": running.boot,
            "proved": proved_ms,
            "proved_utc": at.at_ms - (at.monotonic_ms - proved_ms),
        }

    def _lose(self, session_id: SessionId) -> None:
        _log.warning("another process owns the meter now", session=session_id)
        self._live.pop(session_id, None)

    def _owned(self, session_id: SessionId) -> LiveMeter:
        live = self._live.get(session_id)
        if live is None:
            raise faults.refusal(
                "session-over", "This session's meter does not run here.", "Open the receipt."
            )
        return live

    def _require_started(self, live: LiveMeter) -> None:
        if live.minutes.state == "triage":
            raise faults.refusal("wrong-state", "The meter has not been started; time is free.")
        self._require_open(live)

    def _require_open(self, live: LiveMeter) -> None:
        if live.minutes.state == "ended":
            raise faults.refusal("session-over", "This session has ended.", "Open the receipt.")


_CANNOT_START: Final = {
    "learner-away": "You are not in the session yet; open the shared file first.",
    "mentor-away": "The mentor is not in the session right now, so nothing would count.",
    "out-of-sync": "The shared texts are not equal on both sides yet; wait a moment.",
    "cap-reached": "The cap leaves no time to count; extend it first.",
    "": "The meter cannot start yet.",
}
