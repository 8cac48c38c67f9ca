"""The meter in words: one line for a statusline, a progress or a lens. Pure."""

from types import MappingProxyType
from typing import Final

from cm_lsp import lsp_ext
from cm_wire.money import Money
from cm_wire.session import MeterView, PausedWhy

_WHY: Final = MappingProxyType[PausedWhy, str](
    {
        "": "paused",
        "learner-paused": "paused by the learner",
        "mentor-paused": "paused by the mentor",
        "learner-away": "paused: the learner's connection is lost",
        "mentor-away": "paused: the mentor's connection is lost",
        "idle": "paused: nobody is doing anything",
        "out-of-sync": "paused: the texts are not in step",
        "cap-reached": "paused: the cap is reached",
        "server-restarted": "paused: the server was restarted",
    }
)


def text(meter: MeterView) -> str:
    """Such as `▶ 4:05 · $2.67 of $20.00`; what a mentor earns stands behind it."""
    minutes, seconds = divmod(meter.counted_seconds, 60)
    money = f"{meter.amount} of {meter.cap_amount}"
    earned = f" · yours {meter.mentor_share}" if meter.mentor_share is not None else ""
    clock = f"{minutes}:{seconds:02}"
    match meter.state:
        case "triage":
            return "free until the learner starts the meter"
        case "running":
            warning = " · the cap is near" if meter.warned else ""
            return f"▶ {clock} · {money}{earned}{warning}"
        case "paused":
            return f"⏸ {clock} · {money}{earned} · {_WHY[meter.paused_why]}"
        case "ended":
            return f"■ {clock} · {meter.amount}{earned}"


def shape(meter: MeterView) -> lsp_ext.Meter:
    """What a plugin is told."""
    return lsp_ext.Meter(
        session_id=meter.session_id,
        state=meter.state,
        counted_seconds=meter.counted_seconds,
        billed_seconds=meter.billed_seconds,
        amount=meter.amount.minor,
        currency=meter.amount.currency,
        cap_amount=meter.cap_amount.minor,
        cap_seconds=meter.cap_seconds,
        paused_why=meter.paused_why,
        warned=meter.warned,
        text=text(meter),
    )


def per_minute(price_per_quarter: Money) -> str:
    """A price as the product shows it: per 15 minutes, as the mentor states it."""
    return f"{price_per_quarter} per 15 min"
