"""Mutants of genuine updates in a child process: no crash, no panic, no fork, no lost file.

CM_SOAK_RUNS sets how many (100,000 in CI; ten million for a soak, which takes about half an hour);
CM_SOAK_SEED sets the seed that a failure prints.
"""

import os
from collections.abc import Callable

import pytest

from tests.support.child_process import run_module

RUNS = int(os.environ.get("CM_SOAK_RUNS", "100000"))
SEED = os.environ.get("CM_SOAK_SEED", "1")


@pytest.mark.slow
@pytest.mark.timeout(120 + RUNS // 1000)
def test_no_mutant_crashes_forks_or_takes_a_file_away(
    record_property: Callable[[str, object], None],
) -> None:
    child = run_module(
        "tests.support.admission_mutants", str(RUNS), SEED, timeout_seconds=110 + RUNS / 1000
    )
    assert child.returncode == 0, child.stderr[-4000:]
    assert "panicked" not in child.stderr
    assert "Admitted" in child.stdout, "a corpus of which nothing gets in shows nothing"
    record_property("mutants", RUNS)
