"""What the meter writes into a session's event log: five facts from which every bill is recomputed.

Owns: their shape and their JSON. Does not own: the log itself (its numbers and hash chain) nor what the facts add up
to (`minutes`). `…_ms` are monotonic readings, which compare only within one `boot` and are what is billed; `…_utc_ms`
are wall times, for people only. What a client's clock said is nowhere in here.
"""

from typing import Final

import msgspec

from cm_server.meter import rating
from cm_wire.money import Money
from cm_wire.session import PausedWhy


class _Fact(msgspec.Struct, frozen=True, kw_only=True, tag_field="kind", tag=True):
    pass


class MeterOpened(_Fact, frozen=True, tag="meter-opened"):
    """The terms both agreed to; later changes of price, plan or commission do not touch this session."""

    price_per_quarter: Money
    free_seconds: int
    first_seconds: int
    increment_seconds: int
    commission_basis_points: int
    cap_seconds: int
    opened_utc_ms: int

    @property
    def price(self) -> rating.Price:
        plan = rating.Plan(self.free_seconds, self.first_seconds, self.increment_seconds)
        return rating.Price(self.price_per_quarter, plan)


class CountingStarted(_Fact, frozen=True, tag="counting-started"):
    """From `from_ms` on time may count: the learner's go, or whatever stopped it is over."""

    boot: str
    epoch: int
    from_ms: int
    from_utc_ms: int


class CountingStopped(_Fact, frozen=True, tag="counting-stopped"):
    """Time counted until `until_ms` of the boot it started in: the last moment that is proved, not when we noticed.

    `epoch` is the writer's, who after a crash is not the one that started. An empty `why` means that the end follows.
    """

    boot: str
    epoch: int
    until_ms: int
    until_utc_ms: int
    why: PausedWhy


class CapRaised(_Fact, frozen=True, tag="cap-raised"):
    """Written only after the money for the new cap is held."""

    cap_seconds: int


class MeterEnded(_Fact, frozen=True, tag="meter-ended"):
    """Nothing counts after this."""

    ended_utc_ms: int
    why: str


MeterFact = MeterOpened | CountingStarted | CountingStopped | CapRaised | MeterEnded
KINDS: Final = frozenset(
    ("meter-opened", "counting-started", "counting-stopped", "cap-raised", "meter-ended")
)


def kind_of(fact: MeterFact) -> str:
    return str(type(fact).__struct_config__.tag)


def payload_of(fact: MeterFact) -> bytes:
    """The fact as one JSON object, which repeats its kind."""
    return msgspec.json.encode(fact)


def from_payload(payload: str | bytes) -> MeterFact:
    """Raises `msgspec.ValidationError` when the payload is none of the facts."""
    fact: MeterFact = msgspec.json.decode(payload, type=MeterFact)
    return fact
