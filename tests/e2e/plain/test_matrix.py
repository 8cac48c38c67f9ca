"""Every kind of editor as the learner with every kind as the mentor, and each with a Yjs client in a browser.

Whole sessions: each step is read back from the editors, and the texts are equal at the end.
"""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cm_server.demo import stage
from tests.e2e.plain.casting import EDITORS, WAYS, Casting, Kind
from tests.e2e.plain.play import play

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

PAIRS = [
    *((learner, mentor) for learner in EDITORS for mentor in EDITORS),
    *(("browser", editor) for editor in EDITORS),
    *((editor, "browser") for editor in EDITORS),
]


class Servers:
    """One server for all, since each starts for seconds; a new one after a session that did not come to its end."""

    def __init__(self, factory: pytest.TempPathFactory) -> None:
        self._factory = factory
        self._exits = ExitStack()
        self._running: stage.Server | None = None

    def running(self) -> stage.Server:
        if self._running is None:
            data = self._factory.mktemp("server") / "data"
            self._running = self._exits.enter_context(stage.serving(data, 1))
        return self._running

    def stop(self) -> None:
        self._exits.close()
        self._running = None


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    servers = Servers(tmp_path_factory)
    yield servers
    servers.stop()


@pytest.mark.parametrize(("learner", "mentor"), PAIRS)
def test_a_whole_session(learner: Kind, mentor: Kind, servers: Servers, tmp_path: Path) -> None:
    with ExitStack() as exits:
        unless_it_ends_well = exits.enter_context(ExitStack())
        unless_it_ends_well.callback(servers.stop)
        casting = Casting(exits, servers.running(), tmp_path)
        people = casting.cast(learner, "learner"), casting.cast(mentor, "mentor")
        play(*people, tmp_path, ways=(WAYS[learner], WAYS[mentor]))
        unless_it_ends_well.pop_all()
