"""What both people see of a live meter: the same amount, told when it changes, never ahead of what is proved.

Owns: a live meter's state in memory, its views, when they are told, when a pause has lasted too long. Does not own: facts
and their writing (`recorder`), the decisions (`counting`). A guess that would be wrong: what is shown follows what is
billed. It is the other way round: nothing is billed that was not shown while it ran.
"""

import asyncio
from dataclasses import dataclass, field
from typing import Protocol

from cm_server.clock import Clock
from cm_server.meter import counting, rating
from cm_server.meter.counting import MeterRules, Situation
from cm_server.meter.minutes import Minutes
from cm_wire.ids import SessionId
from cm_wire.session import MeterView, PausedWhy, Role


class MeterListener(Protocol):
    """Called on the event loop after the fact is durable; must not wait."""

    def meter_moved(self, session_id: SessionId, learner: MeterView, mentor: MeterView) -> None: ...

    def pause_lapsed(self, session_id: SessionId, why: PausedWhy) -> None:
        """The pause has lasted as long as it may; said once, and the session should end."""
        ...


@dataclass(slots=True)
class LiveMeter:
    session_id: SessionId
    minutes: Minutes
    epoch: int
    situation: Situation
    paused_since_ms: int
    shown_ms: int = 0
    shown: MeterView | None = None
    told_at_ms: int = 0
    lapsed: bool = False
    writing: asyncio.Lock = field(default_factory=asyncio.Lock)


@dataclass(frozen=True, slots=True)
class Display:
    clock: Clock
    rules: MeterRules
    listener: MeterListener

    def view_of(self, live: LiveMeter, role: Role) -> MeterView:
        """As last shown; never ahead of what is proved."""
        return _for_both(live, self.view(live))[counting.ROLES.index(role)]

    def stop(self, live: LiveMeter, now_ms: int) -> counting.Stop | None:
        return counting.stop(live.situation, live.minutes, now_ms, self.rules)

    def hindrance(self, live: LiveMeter) -> PausedWhy:
        now_ms = self.clock.monotonic_ms()
        return counting.hindrance(live.situation, live.minutes, now_ms, self.rules)

    def show(self, live: LiveMeter, now_ms: int) -> None:
        """What is shown may be billed; told when a number people see has changed, and now and then."""
        stop = self.stop(live, now_ms)
        proved_ms = counting.watermark(live.situation) if stop is None else stop.until_ms
        live.shown_ms = max(live.shown_ms, proved_ms)
        view, told = self.view(live), live.shown
        if (
            told is None
            or (view.state, view.amount, view.warned) != (told.state, told.amount, told.warned)
            or now_ms - live.told_at_ms >= self.rules.tell_every_ms
        ):
            self.tell(live)

    def tell(self, live: LiveMeter) -> None:
        live.shown = self.view(live)
        live.told_at_ms = self.clock.monotonic_ms()
        self.listener.meter_moved(live.session_id, *_for_both(live, live.shown))

    def view(self, live: LiveMeter) -> MeterView:
        known = live.minutes
        counted_ms = known.counted_at(live.shown_ms)
        billed = rating.billed_seconds(counted_ms, known.terms.price.plan)
        why: PausedWhy = ""
        if known.state == "paused":
            why = self.hindrance(live) or known.paused_why
        return MeterView(
            session_id=live.session_id,
            state=known.state,
            counted_seconds=counted_ms // 1000,
            billed_seconds=billed,
            amount=rating.gross(billed, known.terms.price),
            cap_amount=known.cap_amount,
            cap_seconds=known.cap_seconds,
            paused_why=why,
            warned=counting.is_warned(known, counted_ms, self.rules),
        )

    def check_lapse(self, live: LiveMeter, why: PausedWhy, now_ms: int) -> None:
        limit_ms = counting.lapse_after_ms(why, self.rules)
        if limit_ms is not None and not live.lapsed and now_ms - live.paused_since_ms >= limit_ms:
            live.lapsed = True
            self.listener.pause_lapsed(live.session_id, why)


def _for_both(live: LiveMeter, view: MeterView) -> tuple[MeterView, MeterView]:
    """The same numbers for both; the mentor also sees their share."""
    commission = rating.BasisPoints(live.minutes.terms.commission_basis_points)
    share, _ = rating.split(view.amount, commission)
    return view, MeterView(
        session_id=view.session_id,
        state=view.state,
        counted_seconds=view.counted_seconds,
        billed_seconds=view.billed_seconds,
        amount=view.amount,
        cap_amount=view.cap_amount,
        cap_seconds=view.cap_seconds,
        paused_why=view.paused_why,
        warned=view.warned,
        mentor_share=share,
    )
