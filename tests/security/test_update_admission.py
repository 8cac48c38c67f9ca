"""The constructed updates against a guarded document, in a process of their own."""

import json
from typing import Any

import pytest

from tests.support.child_process import run_module
from tests.support.constructed_updates import CONSTRUCTED, CONTENTS

MODULE = "tests.support.constructed_updates"


@pytest.fixture(scope="module")
def decisions() -> dict[str, Any]:
    child = run_module(MODULE)
    assert child.returncode == 0, child.stderr[-2000:]
    assert "panicked" not in child.stderr
    return {line["name"]: line for line in map(json.loads, child.stdout.splitlines())}


@pytest.mark.parametrize("name", CONSTRUCTED)
def test_constructed_update_is_kept_out_for_the_right_reason(
    decisions: dict[str, Any], name: str
) -> None:
    assert decisions[name]["decided"] == CONSTRUCTED[name][0], decisions[name]["reason"]
    assert decisions[name]["reason"]


@pytest.mark.parametrize("name", CONSTRUCTED)
def test_constructed_update_changes_nothing(decisions: dict[str, Any], name: str) -> None:
    assert decisions[name]["contents"] == CONTENTS


def test_nested_value_ends_a_process_that_has_no_check() -> None:
    child = run_module(MODULE, "--unguarded", "nested arrays, 30,000 deep")
    assert child.returncode < 0


def test_empty_block_raises_past_except_exception_without_the_check() -> None:
    child = run_module(MODULE, "--unguarded", "a block without structs")
    assert "PanicException" in child.stderr


def test_file_becomes_a_string_without_the_check() -> None:
    child = run_module(MODULE, "--unguarded", "a file replaced by a string")
    assert json.loads(child.stdout)["a.py"] != CONTENTS["a.py"]
