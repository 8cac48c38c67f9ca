"""Which state a session may go to, and by what. The diagram in the docs is drawn from this table.

A guess that would be wrong: `paused` is one state however many reasons there are. Which reasons hold, and when the last
of them is gone, the meter knows; here a pause has the reason it was last given.
"""

from types import MappingProxyType
from typing import Final, Literal

from cm_wire import faults
from cm_wire.session import SessionState

Event = Literal[
    "opened",
    "diagnosed",
    "went-live",
    "paused",
    "resumed",
    "cap-extended",
    "mode-set",
    "file-shared",
    "file-unshared",
    "file-renamed",
    "texts-differed",
    "ended",
    "rated",
    "closed",
]
"""The kinds of events this stage writes. Other stages write kinds of their own into the same log; they move no state."""

EndedWhy = Literal[
    "learner-ended",
    "mentor-ended",
    "cap-reached",
    "triage-over",
    "idle",
    "nobody-there",
    "mentor-never-came",
    "hold-expires",
    "server-ended",
]

OPEN: Final[frozenset[SessionState]] = frozenset({"triage", "live", "paused"})
"""While a session is in one of these, its room may be entered and its files changed."""

TRANSITIONS: Final = MappingProxyType[tuple[SessionState, Event], SessionState](
    {
        ("triage", "diagnosed"): "triage",
        ("triage", "went-live"): "live",
        ("live", "diagnosed"): "live",
        ("live", "paused"): "paused",
        ("live", "cap-extended"): "live",
        ("paused", "diagnosed"): "paused",
        ("paused", "paused"): "paused",
        ("paused", "resumed"): "live",
        ("paused", "cap-extended"): "paused",
        **{
            (state, event): state
            for state in ("triage", "live", "paused")
            for event in (
                "mode-set",
                "file-shared",
                "file-unshared",
                "file-renamed",
                "texts-differed",
            )
        },
        ("triage", "ended"): "ended",
        ("live", "ended"): "ended",
        ("paused", "ended"): "ended",
        ("ended", "rated"): "ended",
        ("ended", "closed"): "closed",
    }
)

_SAID: Final = MappingProxyType[SessionState, tuple[str, str]](
    {
        "triage": ("is still in its free part", "The learner starts the meter first."),
        "live": ("is running", ""),
        "paused": ("is paused", "Resume it first."),
        "ended": ("has ended", "Ask again to go on."),
        "closed": ("is closed", "Ask again to go on."),
    }
)


def after(state: SessionState, event: Event) -> SessionState:
    """The state `event` leads to; `faults.Refused` (`wrong-state`, `session-over`) when it cannot happen now."""
    following = TRANSITIONS.get((state, event))
    if following is None:
        said, do = _SAID[state]
        code: faults.FaultCode = "wrong-state" if state in OPEN else "session-over"
        raise faults.refusal(code, f"This session {said}.", do)
    return following
