"""Simulated editors and networks around the real code of a session: all texts are one, and no key is lost or doubled.

`CM_SOAK_RUNS` is how many plans each pair of editors gets (default 3); `CM_SOAK_SEED` is the first seed. A plan that
fails is saved.
"""

import os
from pathlib import Path

import pytest

from cm_server.session import update_log
from tests.support import bridge_plan, session_plan, simulated_loop
from tests.support.bridge_plan import EVERYTHING, TYPING, Plan
from tests.support.session_plan import Outcome
from tests.support.simulated_network import INTERNET, Weather

RUNS = int(os.environ.get("CM_SOAK_RUNS", "3"))
FIRST_SEED = int(os.environ.get("CM_SOAK_SEED", "0"))
PLANS = sorted((Path(__file__).parent / "plans").glob("*.json"))

PAIRS = [
    ("strict", "plugin"),
    ("plugin", "plugin, debounced"),
    ("plugin, slow", "strict, crlf"),
    ("neovim", "plugin"),
    ("eglot, error answers", "strict, whole text"),
    ("emacs, code points", "answer first"),
]


SLOW = Weather(least_ms=200, most_ms=600)


def outcome_of(plan: Plan, folder: Path, weather: Weather = INTERNET) -> Outcome:
    try:
        outcome = simulated_loop.run(session_plan.carry_out(plan, weather))
        assert outcome.converged, outcome.texts
        assert not outcome.closed, "genuine traffic was refused"
    except BaseException:
        bridge_plan.save(plan, folder / f"plan_{plan.seed}.json")
        raise
    return outcome


@pytest.mark.parametrize("kinds", PAIRS, ids=" and ".join)
def test_no_key_is_lost_or_doubled_between_two_editors_through_the_server(
    kinds: tuple[str, str], tmp_path: Path
) -> None:
    whats = (*TYPING, "network")
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        outcome = outcome_of(bridge_plan.make_plan(seed, kinds, 80, whats), tmp_path)
        assert (outcome.lost, outcome.doubled) == ("", ""), f"seed {seed}"


@pytest.mark.parametrize("kinds", PAIRS, ids=" and ".join)
def test_all_texts_are_one_whatever_the_users_and_the_network_do(
    kinds: tuple[str, str], tmp_path: Path
) -> None:
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        outcome_of(bridge_plan.make_plan(seed, kinds, 80, EVERYTHING), tmp_path)


def test_a_snapshot_holds_what_its_number_names_also_while_much_waits_for_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else, after a crash, an update in it would come again as known, and reach nobody who was away."""
    monkeypatch.setattr(update_log, "ENTRIES_AT_ONCE", 1)
    for seed in range(FIRST_SEED, FIRST_SEED + 2 * RUNS):
        outcome_of(
            bridge_plan.make_plan(seed, ("plugin", "strict"), 80, (*TYPING, "network")), tmp_path
        )


def test_connections_that_come_back_go_on_by_number(tmp_path: Path) -> None:
    whats = (*TYPING, "network")
    plans = [bridge_plan.make_plan(seed, ("plugin", "strict"), 80, whats) for seed in range(9)]
    assert sum(outcome_of(plan, tmp_path).resumed for plan in plans) > len(plans)


def test_who_types_on_while_a_slow_connection_comes_back_is_not_taken_for_out_of_step(
    tmp_path: Path,
) -> None:
    whats = (*TYPING, "network")
    for seed in range(FIRST_SEED, FIRST_SEED + 2 * RUNS):
        plan = bridge_plan.make_plan(seed, ("plugin", "plugin"), 80, whats)
        outcome = outcome_of(plan, tmp_path, SLOW)
        assert (outcome.lost, outcome.doubled) == ("", ""), f"seed {seed}"


@pytest.mark.parametrize("path", PLANS, ids=lambda path: path.stem)
def test_plan_that_once_failed_is_carried_out(path: Path, tmp_path: Path) -> None:
    outcome = outcome_of(bridge_plan.saved(path), tmp_path)
    assert (outcome.lost, outcome.doubled) == ("", "")
