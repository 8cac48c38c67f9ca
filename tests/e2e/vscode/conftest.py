"""One VS Code installation, one build, one Chromium and one server for all tests of this folder."""

import os
import subprocess
import sys
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, sync_playwright

from cm_server.demo import stage
from tests.e2e.vscode import code_server, window
from tests.e2e.vscode.code_server import VisualStudioCode
from tests.e2e.vscode.window import Window

SIZE = (1360, 820)


@pytest.fixture(scope="session")
def packages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    missing = code_server.missing()
    if missing and os.environ.get("CODEMENTOR_EDITORS") == "required":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    return code_server.build(tmp_path_factory.mktemp("packages"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright, window.chromium(playwright) as opened:
        yield opened


class Server:
    """A running demo server, as the people of the tests need it."""

    def __init__(self, running: stage.Server) -> None:
        self.running = running

    def variables(self, email: str) -> dict[str, str]:
        """What makes an editor's cm-lsp that person's."""
        return self._with_token(self.running.tokens()[email])

    def new_mentor(self, name: str) -> dict[str, str]:
        """The variables of a mentor of that name, made as an operator makes one."""
        program = str(Path(sys.executable).with_name("cm-server"))
        place = ["--data", str(self.running.data)]
        who = ["new@example.org", "--name", name, "--mentor", "--price", "10.00"]
        command = [program, "user", "add", *place, *who, "--skills", "python:5"]
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        return self._with_token(done.stdout.split()[-1])

    def _with_token(self, token: str) -> dict[str, str]:
        return {"CM_SERVER_URL": self.running.address, "CM_TOKEN": token}


@contextmanager
def serving(folder: Path, clock_factor: int = 1) -> Iterator[Server]:
    """Offers stay open for minutes, since a machine that does much at once must not lose them; on a picture they
    show the seconds they have in life.
    """
    folder.mkdir(exist_ok=True)
    offer_seconds = "15" if "CODEMENTOR_SCREENSHOTS" in os.environ else str(600 * clock_factor)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CM_OFFER_WINDOW_SECONDS", offer_seconds)
        patch.setenv("CM_ASK_EXPIRES_SECONDS", str(1200 * clock_factor))
        patch.setenv("CM_TRIAGE_MINUTES", str(60 * clock_factor))
        with stage.serving(folder / "data", clock_factor) as running:
            yield Server(running)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """Of the test's own: a second try must not meet the session that the first one left behind."""
    with serving(tmp_path / "server") as running:
        yield running


@pytest.fixture(scope="module")
def shared_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """For tests that leave nothing behind on it."""
    with serving(tmp_path_factory.mktemp("server")) as running:
        yield running


class StartCode(Protocol):
    def __call__(
        self, name: str, variables: dict[str, str], *, trusts: bool = True
    ) -> VisualStudioCode: ...


@pytest.fixture(scope="module")
def start_code(
    packages: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[StartCode]:
    """Starts a VS Code of the given name with the given environment; all end with the module."""
    with ExitStack() as exits:

        def start(name: str, variables: dict[str, str], *, trusts: bool = True) -> VisualStudioCode:
            folder = tmp_path_factory.mktemp(name)
            code = VisualStudioCode(folder, packages, variables, trusts=trusts)
            exits.callback(code.stop)
            code.start()
            return code

        yield start


@pytest.fixture(scope="module")
def open_window(
    browser: Browser, request: pytest.FixtureRequest
) -> Iterator[Callable[[VisualStudioCode], Window]]:
    with ExitStack() as exits:

        def show(code: VisualStudioCode) -> Window:
            opened = Window.open(browser, code, SIZE)
            exits.callback(opened.close)
            opened_windows.append(opened)
            return opened

        opened_windows: list[Window] = []
        request.node.stash[WINDOWS] = opened_windows
        yield show


WINDOWS = pytest.StashKey[list[Window]]()


FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    item.stash[FAILED] = item.stash.get(FAILED, False) or report.failed
    return report


@pytest.fixture(autouse=True)
def evidence(request: pytest.FixtureRequest) -> Iterator[None]:
    """What was on screen when a test failed, and what the extension wrote into its log."""
    yield
    if not request.node.stash.get(FAILED, False):
        return
    folder = code_server.PROJECT / "artifacts"
    folder.mkdir(exist_ok=True)
    for number, shown in enumerate(request.node.parent.stash.get(WINDOWS, [])):
        if shown.page.is_closed():
            continue
        name = f"{request.node.name}-{number}"
        shown.page.screenshot(path=str(folder / f"{name}.png"))
        (folder / f"{name}.log").write_text(shown.code.log())
