"""Which state an ask may go to, and by what. The diagram in the docs is drawn from this table.

`nobody` is not the end: the ask stays open, nothing is held on the learner's card meanwhile, and the search begins anew
when a mentor who fits comes free. Nobody is rung before the ask is `funded`: the money for its cap is held. A guess that
would be wrong: `matched` can go back, when the mentor never turns up.
"""

from types import MappingProxyType
from typing import Final, Literal

from cm_wire import faults
from cm_wire.asking import AskState

Event = Literal[
    "posted",
    "funded",
    "rang",
    "found-nobody",
    "someone-came",
    "accepted",
    "cancelled",
    "card-refused",
    "expired",
    "no-show",
]

OPEN: Final[frozenset[AskState]] = frozenset({"searching", "offered", "nobody"})

TRANSITIONS: Final = MappingProxyType[tuple[AskState, Event], AskState](
    {
        ("searching", "funded"): "searching",
        ("searching", "rang"): "offered",
        ("searching", "found-nobody"): "nobody",
        ("searching", "cancelled"): "cancelled",
        ("searching", "card-refused"): "cancelled",
        ("searching", "expired"): "expired",
        ("offered", "rang"): "offered",
        ("offered", "accepted"): "matched",
        ("offered", "found-nobody"): "nobody",
        ("offered", "cancelled"): "cancelled",
        ("offered", "expired"): "expired",
        ("nobody", "someone-came"): "searching",
        ("nobody", "cancelled"): "cancelled",
        ("nobody", "expired"): "expired",
        ("matched", "no-show"): "searching",
    }
)

_SAID: Final = MappingProxyType[AskState, str](
    {
        "searching": "is looking for a mentor",
        "offered": "is being offered to mentors",
        "nobody": "is waiting for a mentor",
        "matched": "has been taken by a mentor",
        "cancelled": "was cancelled",
        "expired": "has expired",
    }
)


def after(state: AskState, event: Event) -> AskState:
    """The state `event` leads to; `faults.Refused` (`wrong-state`) when it cannot happen now."""
    following = TRANSITIONS.get((state, event))
    if following is None:
        raise faults.refusal("wrong-state", f"This ask {_SAID[state]}.", "Post a new ask.")
    return following
