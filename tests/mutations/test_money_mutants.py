"""The list of seeded bugs fits the code; `make mutants` shows that the tests notice each."""

import pytest

from tests.mutations.money_mutants import MUTANTS, ROOT, Mutant


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_the_text_it_replaces_stands_once(mutant: Mutant) -> None:
    assert (ROOT / mutant.file).read_text(encoding="utf-8").count(mutant.old) == 1
    assert mutant.old != mutant.new
    assert all((ROOT / tests).exists() for tests in mutant.tests)
