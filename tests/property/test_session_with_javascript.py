"""The plans of simulated sessions, one person or both with the JavaScript Yjs on the server's wire.

A standard client sends what is typed at once, also while a slow connection comes back: nothing of that is refused.
`CM_SOAK_RUNS` is how many plans each pair gets (default 3); `CM_SOAK_SEED` is the first seed. A plan that fails is saved.
"""

import os
from pathlib import Path

import msgspec
import pytest

from tests.property.test_session_convergence import PLANS, SLOW, outcome_of
from tests.support import bridge_plan
from tests.support.bridge_plan import EVERYTHING, TYPING
from tests.support.session_plan import JAVASCRIPT
from tests.support.simulated_network import INTERNET, Weather

RUNS = int(os.environ.get("CM_SOAK_RUNS", "3"))
FIRST_SEED = int(os.environ.get("CM_SOAK_SEED", "0"))

PAIRS = [
    ("plugin", JAVASCRIPT),
    (JAVASCRIPT, "neovim"),
    (JAVASCRIPT, JAVASCRIPT),
]


@pytest.mark.parametrize("weather", [INTERNET, SLOW], ids=["internet", "slow"])
@pytest.mark.parametrize("kinds", PAIRS, ids=" and ".join)
def test_no_key_is_lost_or_doubled_and_nothing_refused(
    kinds: tuple[str, str], weather: Weather, tmp_path: Path
) -> None:
    whats = (*TYPING, "network")
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        outcome = outcome_of(bridge_plan.make_plan(seed, kinds, 80, whats), tmp_path, weather)
        assert (outcome.lost, outcome.doubled) == ("", ""), f"seed {seed}"


@pytest.mark.parametrize("kinds", PAIRS, ids=" and ".join)
def test_all_texts_are_one_whatever_they_and_the_network_do(
    kinds: tuple[str, str], tmp_path: Path
) -> None:
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        outcome_of(bridge_plan.make_plan(seed, kinds, 80, EVERYTHING), tmp_path)


@pytest.mark.parametrize("kinds", PAIRS, ids=" and ".join)
@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_saved_plan_is_carried_out(path: Path, kinds: tuple[str, str], tmp_path: Path) -> None:
    plan = msgspec.structs.replace(bridge_plan.saved(path), kinds=kinds)
    outcome = outcome_of(plan, tmp_path)
    assert (outcome.lost, outcome.doubled) == ("", "")
