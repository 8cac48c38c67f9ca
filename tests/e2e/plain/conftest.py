"""One server for the sessions of many editors, one after the other: starting it costs as much as a session."""

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from cm_server.demo import stage

_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[_FAILED] = item.stash.get(_FAILED, False) or report.failed
    return report


class Running:
    """The server that is there, and how to have another."""

    def __init__(self, exits: ExitStack, folder: Path) -> None:
        self._exits = exits
        self._folder = folder
        self._started = 0
        self._server: stage.Server | None = None

    def server(self) -> stage.Server:
        if self._server is None:
            self._started += 1
            data = self._folder / str(self._started) / "data"
            data.parent.mkdir()
            self._server = self._exits.enter_context(stage.serving(data, 1))
        return self._server

    def stop(self) -> None:
        self._exits.close()
        self._server = None


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    with ExitStack() as exits, pytest.MonkeyPatch.context() as patch:
        patch.setenv("CM_ASKS_PER_TEN_MINUTES", "1000")
        patch.setenv("CM_ASKS_PER_DAY", "1000")
        yield Running(exits, tmp_path_factory.mktemp("server"))


@pytest.fixture
def server(running: Running, request: pytest.FixtureRequest) -> Iterator[stage.Server]:
    """A test that failed has left a session behind, and with it the server goes."""
    yield running.server()
    if request.node.stash.get(_FAILED, True):
        running.stop()
