"""The plans of the property tests, typed into two real Neovims with a real server between them: the texts are one.

`CODEMENTOR_PLANS` is how many made plans there are beside the saved ones (default 8; `make typing` for hundreds), `CODEMENTOR_PLANS_SEED`
the first seed. A plan that fails is saved; put it into `tests/property/plans` and it is replayed everywhere from then on.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cm_server.demo import stage
from tests.e2e.plain.casting import Casting
from tests.e2e.plain.play import meet, told_by
from tests.e2e.plain.plugin_neovim import PluginNeovim
from tests.e2e.plans import typing
from tests.e2e.plans.neovim_typist import NeovimTypist
from tests.e2e.vscode import wire
from tests.support import bridge_plan
from tests.support.bridge_plan import Plan

RUNS = int(os.environ.get("CODEMENTOR_PLANS", "8"))
FIRST_SEED = int(os.environ.get("CODEMENTOR_PLANS_SEED", "0"))
SAVED = sorted((Path(__file__).parents[2] / "property" / "plans").glob("*.json"))

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300 + 20 * RUNS)]


def test_plans_typed_into_two_neovims_leave_one_text_in_both(
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("CM_TRIAGE_MINUTES", str(60 + RUNS))
    with ExitStack() as exits:
        server = exits.enter_context(stage.serving(tmp_path / "data", 1))
        cable = exits.enter_context(wire.to(server.address))
        casting = Casting(exits, server, tmp_path)
        learner = casting.cast("plugin", "learner")
        mentor = casting.cast("plugin", "mentor", address=cable.address)
        assert isinstance(learner, PluginNeovim)
        assert isinstance(mentor, PluginNeovim)
        with told_by(learner, mentor):
            meet(learner, mentor, tmp_path)
            people = [NeovimTypist(person.editor) for person in (learner, mentor)]
            for plan in _plans():
                typing.check(plan, people, cable, tmp_path)
    record_property("plans in two Neovims", RUNS + len(SAVED))


def _plans() -> Iterator[Plan]:
    yield from map(bridge_plan.saved, SAVED)
    for seed in range(FIRST_SEED, FIRST_SEED + RUNS):
        yield typing.made(seed)
