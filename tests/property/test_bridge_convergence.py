"""Two editors with any habits, two bridges, two CRDT documents, a network: the texts are always one.

`CM_SOAK_RUNS` is how many plans each kind of editor gets (default 12); `CM_SOAK_SEED` is the first seed.
A plan that fails is saved; put it into `plans/` and it is replayed from then on.
"""

import os
from pathlib import Path

import pytest

from tests.support import bridge_plan
from tests.support.bridge_plan import EVERYTHING, KINDS, TYPING, Outcome, Plan
from tests.support.simulated_network import INTERNET, STORM, Weather

RUNS = int(os.environ.get("CM_SOAK_RUNS", "12"))
FIRST_SEED = int(os.environ.get("CM_SOAK_SEED", "0"))
PLANS = sorted((Path(__file__).parent / "plans").glob("*.json"))

GUESSING = {"liar, whole text", "sloppy, whole text", "pulls, whole text"}
"""Whole texts from an editor whose answers are worth nothing: what is typing can only be guessed."""

MISPLACING = {
    kind for kind in KINDS if kind.startswith(("leaky", "sloppy", "pulls, sloppy"))
} - GUESSING
"""Puts stale edits where they do not belong, over what was just typed: repaired, but not always read right."""


def outcome_of(plan: Plan, path: Path, weather: Weather = INTERNET) -> Outcome:
    """The outcome; a plan that fails is kept so that it can be replayed."""
    try:
        outcome = bridge_plan.carry_out(plan, weather)
        assert outcome.converged, outcome.texts
    except Exception:
        bridge_plan.save(plan, path / f"plan_{plan.seed}.json")
        raise
    return outcome


@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_one_and_no_key_is_lost_or_doubled_while_both_type(
    kind: str, tmp_path: Path
) -> None:
    wrong = 0
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        plan = bridge_plan.make_plan(seed, (kind, kind), 60, TYPING)
        outcome = outcome_of(plan, tmp_path)
        wrong += len(outcome.lost) + len(outcome.doubled)
        if kind not in GUESSING | MISPLACING:
            assert not wrong, f"seed {seed}: lost {outcome.lost!r}, doubled {outcome.doubled!r}"
    if kind in MISPLACING:
        assert wrong <= RUNS * 60 // 1000 + 1, "more than one letter in a thousand changes"


@pytest.mark.parametrize("kind", KINDS)
def test_texts_are_one_whatever_the_users_do_in_whichever_editors(
    kind: str, tmp_path: Path
) -> None:
    names = list(KINDS)
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        other = names[seed % len(names)]
        kinds = (kind, other) if seed % 2 else (other, kind)
        outcome_of(bridge_plan.make_plan(seed, kinds, 60, EVERYTHING), tmp_path)


def test_texts_are_one_after_a_network_that_drops_doubles_and_reorders(tmp_path: Path) -> None:
    names = list(KINDS)
    for seed in range(FIRST_SEED, FIRST_SEED + 3 * RUNS):
        kinds = names[seed % len(names)], names[seed * 7 % len(names)]
        outcome_of(bridge_plan.make_plan(seed, kinds, 60, EVERYTHING), tmp_path, STORM)


def test_nothing_is_sent_back_to_the_editor_that_typed_it(tmp_path: Path) -> None:
    plan = bridge_plan.make_plan(3, ("strict", "strict"), 60, TYPING)
    alone = [action for action in plan.actions if action.side == 0]
    outcome = outcome_of(Plan(plan.seed, plan.kinds, "start\n", tuple(alone)), tmp_path)
    assert outcome.counts["sent"] == outcome.counts["echoed"] <= 2 * len(alone)
    assert outcome.texts[0] != "start\n"


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_plan_that_once_failed_is_carried_out(path: Path, tmp_path: Path) -> None:
    outcome = outcome_of(bridge_plan.saved(path), tmp_path)
    assert (outcome.lost, outcome.doubled) == ("", "")
