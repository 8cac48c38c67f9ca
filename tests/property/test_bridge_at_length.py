"""A million random operations against each kind of editor's bridge, in every run: one text, no key lost or doubled.

`CM_SOAK_RUNS` is how many plans each kind gets (default 190, of 200 operations); `CM_SOAK_SEED` is the first seed. A plan
that fails is saved; put it into `plans/` and it is replayed from then on.
"""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.property.test_bridge_convergence import GUESSING, MISPLACING
from tests.support import bridge_alone, bridge_plan
from tests.support.bridge_plan import KINDS, TYPING

OPERATIONS = 200
RUNS = int(os.environ.get("CM_SOAK_RUNS", "190"))
FIRST_SEED = int(os.environ.get("CM_SOAK_SEED", "0"))
PLANS = sorted((Path(__file__).parent / "plans").glob("*.json"))


def test_they_are_a_million() -> None:
    assert RUNS * OPERATIONS * len(KINDS) >= 1_000_000 or "CM_SOAK_RUNS" in os.environ


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.timeout(300 + RUNS)
def test_texts_are_one_and_no_key_is_lost_or_doubled(
    kind: str, tmp_path: Path, record_property: Callable[[str, object], None]
) -> None:
    misread = 0
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        plan = bridge_plan.make_plan(seed, (kind, kind), OPERATIONS, TYPING)
        try:
            outcome = bridge_alone.carry_out(plan)
            assert outcome.converged, outcome.texts
            if kind not in GUESSING | MISPLACING:
                assert (outcome.lost, outcome.doubled) == ("", ""), f"seed {seed}"
        except Exception:
            bridge_plan.save(plan, tmp_path / f"plan_{seed}.json")
            raise
        misread += len(outcome.lost) + len(outcome.doubled)
    record_property("random operations", RUNS * OPERATIONS)
    if kind in MISPLACING:
        assert misread <= RUNS * OPERATIONS // 1000 + 1, "more than one in a thousand changes"


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_plan_that_once_failed_is_carried_out(path: Path) -> None:
    outcome = bridge_alone.carry_out(bridge_plan.saved(path))
    assert outcome.converged
    assert (outcome.lost, outcome.doubled) == ("", "")
