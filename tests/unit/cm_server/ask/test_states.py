from typing import get_args

import pytest

from cm_server.ask import states
from cm_wire.asking import AskState
from cm_wire.faults import Refused

FINAL: tuple[AskState, ...] = ("cancelled", "expired")


@pytest.mark.parametrize("state", FINAL)
def test_nothing_happens_to_an_ask_that_is_over(state: AskState) -> None:
    for event in get_args(states.Event):
        with pytest.raises(Refused) as refused:
            states.after(state, event)
        assert refused.value.fault.code == "wrong-state"


def test_every_open_ask_can_be_cancelled_and_can_expire() -> None:
    for state in states.OPEN:
        assert states.after(state, "cancelled") == "cancelled"
        assert states.after(state, "expired") == "expired"


def test_only_an_ask_on_offer_can_be_accepted() -> None:
    accepting = [before for before, event in states.TRANSITIONS if event == "accepted"]
    assert accepting == ["offered"]


def test_an_ask_that_found_nobody_is_rung_only_after_its_search_began_anew() -> None:
    with pytest.raises(Refused):
        states.after("nobody", "rang")
    assert states.after("nobody", "someone-came") == "searching"


def test_every_state_can_be_reached_from_the_first() -> None:
    reached: set[AskState] = {"searching"}
    while True:
        more = {after for (before, _), after in states.TRANSITIONS.items() if before in reached}
        if more <= reached:
            break
        reached |= more
    assert reached == set(get_args(AskState))
