"""What goes wrong on purpose, by a plan that can be replayed.

Owns: the faults of calls and of webhook deliveries, and when they strike. Does not own: their
effect on state, which is none: a fault only changes what the caller hears, or when.
A reader would guess that faults are random: they come from a queue or from a seed.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass, field
from enum import StrEnum

SLOW_SECONDS = 20.0


class CallFault(StrEnum):
    LOST_BEFORE = "connection lost before"
    LOST_AFTER = "connection lost after"
    STORED_500 = "500, remembered under the key"
    KEY_IN_USE = "409, another call with this key is running"
    RATE_LIMITED = "429"
    SLOW = "slow"


class DeliveryFault(StrEnum):
    LOST = "lost for good"
    TWICE = "delivered twice"
    LATE = "late by an hour"


class ConnectionLost(Exception):  # noqa: N818 - it is the fault that is played, not one of ours
    """Ends the exchange without an answer; the outermost layer breaks the connection."""


@dataclass
class FaultPlan:
    """`calls` and `deliveries` strike first, in order; then `rate` (0 to 1) by `chance`.

    `shuffle` delivers due webhooks out of order; `early` delivers them before the API answers.
    """

    calls: deque[CallFault | None] = field(default_factory=deque)
    deliveries: deque[DeliveryFault | None] = field(default_factory=deque)
    call_rate: float = 0.0
    delivery_rate: float = 0.0
    shuffle: bool = False
    early: bool = False
    down: bool = False
    chance: random.Random = field(default_factory=lambda: random.Random(0))  # noqa: S311 - replayable

    def next_call(self) -> CallFault | None:
        if self.down:
            return CallFault.LOST_BEFORE
        if self.calls:
            return self.calls.popleft()
        if self.call_rate and self.chance.random() < self.call_rate:
            return self.chance.choice(list(CallFault))
        return None

    def next_delivery(self) -> DeliveryFault | None:
        if self.deliveries:
            return self.deliveries.popleft()
        if self.delivery_rate and self.chance.random() < self.delivery_rate:
            return self.chance.choice(list(DeliveryFault))
        return None
