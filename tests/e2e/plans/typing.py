"""The saved plans of `bridge_plan`, carried out by real editors: who types what when, and what became of the text.

Owns the clock and the verdict. How an editor presses the keys is its typist's. What a plan calls a side is a person here: 0 is
the learner, 1 the mentor. Delays are the machine's, so a plan that fails may pass the next time; its seed says what was typed.
"""

import sys
import time
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final, Protocol

from cm_server.demo.neovim import NotSeen
from tests.e2e.plain.actors import wait
from tests.support import bridge_plan
from tests.support.bridge_plan import EVERYTHING, TYPING, Action, Outcome, Plan
from tests.support.lsp_positions import plain

ACTIONS: Final = 60
PACES: Final = (0.0, 0.25, 1.0)
"""Of the plan's own pauses: as fast as the editors take keys, a burst, a person."""

LOOKS: Final = 5
"""In a row the texts must be one, to be at rest."""


class Typist(Protocol):
    """Somebody at a real editor that has the shared file open."""

    def begin(self, text: str) -> None:
        """Make this the whole text."""

    def act(self, action: Action) -> str:
        """Carry it out with the editor's own keys and commands; what was deleted by that."""

    def text(self) -> str: ...


class Cable(Protocol):
    """Between the mentor's editor and the server."""

    def cut(self) -> None: ...
    def mend(self) -> None: ...


def made(seed: int, *, letters_alone: bool = False) -> Plan:
    """Every second plan has all that users do in it, the others letters alone, whose fate is checked."""
    whats = TYPING if letters_alone or seed % 2 == 0 else EVERYTHING
    return bridge_plan.make_plan(seed, ("plugin", "plugin"), ACTIONS, whats)


def check(plan: Plan, people: Sequence[Typist], cable: Cable | None, folder: Path) -> None:
    """Each is said when it is done; a plan that fails is left in the folder."""
    began = time.monotonic()
    try:
        outcome = carry_out(plan, people, cable)
        if _is_of_letters_alone(plan):
            assert (outcome.lost, outcome.doubled) == ("", "")
    except BaseException:
        place = folder / f"plan_{plan.seed}.json"
        bridge_plan.save(plan, place)
        sys.stdout.write(f"the plan that failed, of seed {plan.seed}: {place}\n")
        raise
    seconds = time.monotonic() - began
    sys.stdout.write(f"plan of seed {plan.seed}: one text after {seconds:.1f} s\n")
    sys.stdout.flush()


def carry_out(plan: Plan, people: Sequence[Typist], cable: Cable | None = None) -> Outcome:
    """To rest; what is waited for in vain fails by the plan's seed."""
    people[0].begin(plan.start)
    _wait_for_one_text(plan, people)
    deleted = Counter[str]()
    pace = PACES[plan.seed // 2 % len(PACES)]
    began = time.monotonic()
    for action in plan.actions:
        _until(began + action.at_ms / 1000 * pace)
        if action.what != "network":
            deleted.update(people[action.side].act(action))
        elif cable is not None:
            cable.cut()
            _until(time.monotonic() + action.size / 10 * pace)
            cable.mend()
    return bridge_plan.outcome_of(plan, _wait_for_one_text(plan, people), deleted)


def _is_of_letters_alone(plan: Plan) -> bool:
    """Then nothing may be lost or doubled; an undo or a formatter takes away what nobody can count."""
    return all(action.what in TYPING for action in plan.actions)


def _wait_for_one_text(plan: Plan, people: Sequence[Typist]) -> list[str]:
    texts: list[str] = []

    def is_one() -> bool:
        texts[:] = [plain(person.text()) for person in people]
        return len(set(texts)) == 1

    try:
        wait(_Row(is_one, LOOKS), f"one text in both editors, plan of seed {plan.seed}")
    except NotSeen as failure:
        raise NotSeen(f"{failure}: {texts}") from None
    return texts


class _Row:
    """True once the condition held so many times in a row."""

    def __init__(self, condition: Callable[[], bool], times: int) -> None:
        self._condition = condition
        self._times = times
        self._held = 0

    def __call__(self) -> bool:
        self._held = self._held + 1 if self._condition() else 0
        return self._held == self._times


def _until(moment: float) -> None:
    time.sleep(max(0.0, moment - time.monotonic()))
