"""A person in a real Chromium, on a page that uses Yjs and y-websocket as their authors ship them.

Owns: building the page, opening it at the server's own address (no other origin may open its sockets), and what the person
does on it. What is typed goes through the keyboard, what is seen is read from the page.
"""

import shutil
import subprocess
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from playwright.sync_api import Page, sync_playwright

from tests.e2e.plain.actors import wait
from tests.e2e.vscode import code_server, window

HERE = Path(__file__).parent

_T = TypeVar("_T")


def missing() -> str:
    """What is not installed, with the cure; empty when all is there."""
    if shutil.which("npm", path=code_server.environment()["PATH"]) is None:
        return "There is no npm to fetch Yjs with. Try: make vscode"
    return "" if shutil.which("chromium") else "There is no Chromium. Try: make vscode"


def build(out: Path) -> None:
    """The page's script, bundled, into `out`."""
    variables = code_server.environment()
    if not (HERE / "node_modules" / ".package-lock.json").exists():
        flags = ["--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(["npm", "ci", *flags], cwd=HERE, env=variables, check=True)
    esbuild = str(HERE / "node_modules" / ".bin" / "esbuild")
    words = [esbuild, "client.js", "--bundle", "--format=esm", f"--outfile={out / 'client.js'}"]
    subprocess.run([*words, "--log-level=warning"], cwd=HERE, env=variables, check=True)


class BrowserActor:
    """All calls of the browser's library run in a thread of its own: it and the one that drives Neovim each want an event
    loop.
    """

    def __init__(self, name: str, role: str, page: Page, thread: ThreadPoolExecutor) -> None:
        self.name = name
        self.role = role
        self._page = page
        self._thread = thread

    def open(self, path: Path) -> None:
        """The learner's file is what will be asked about; a mentor needs none."""
        self._path = path
        wait(lambda: "connected as" in self._shown("state"), f"{self.name} to be connected")

    def go_online(self) -> None:
        self._call("person.control.send('GoOnline')")

    def go_offline(self) -> None:
        self._call("person.control.send('GoOffline')")

    def ask(self, line: int) -> None:
        asked = {"name": self._path.name, "text": self._path.read_text(encoding="utf-8")}
        self._call("person.ask(given.name, 'python', given.text)", asked)

    def accept(self) -> None:
        self._do(lambda page: page.click("#accept"))

    def text(self) -> str:
        return str(self._do(lambda page: page.input_value("#text")))

    def catch_up(self) -> None:
        """It does so by itself."""

    def insert_line(self, line: int, text: str) -> None:
        self.move_to(line)
        self._do(lambda page: page.keyboard.type(f"{text}\n"))

    def move_to(self, line: int) -> None:
        """As with the mouse: the caret to the line's beginning."""
        place = """(line) => {
          const area = document.getElementById('text');
          const index = area.value.split('\\n').slice(0, line).join('\\n').length + (line ? 1 : 0);
          area.focus();
          area.setSelectionRange(index, index);
          area.dispatchEvent(new Event('click'));
        }"""
        self._do(lambda page: page.wait_for_selector("#text:enabled"))
        self._do(lambda page: page.evaluate(place, line))

    def line(self) -> int:
        counted = "() => { const area = document.getElementById('text'); return area.value.slice(0, area.selectionStart).split('\\n').length - 1 }"
        return int(self._do(lambda page: page.evaluate(counted)))

    def sees_partner(self) -> dict[str, int]:
        _, _, line = self._shown("partner").rpartition(":")
        return {"page": int(line)} if line else {}

    def sees_meter(self) -> dict[str, str]:
        signs = {"running": "▶", "paused": "⏸", "ended": "■"}
        shown = self._shown("meter")
        state = shown.partition(" ")[0]
        return {"page": f"{signs[state]} {shown}"} if state in signs else {}

    def sees_pointer(self) -> dict[str, int]:
        shown = self._shown("pointer")
        return {"page": int(shown)} if shown else {}

    def hears(self, text: str) -> set[str]:
        return {"page"} if text in self._shown("said") else set()

    def diagnose(self, text: str) -> None:
        self._command("Diagnose", {"text": text, "minutes": 5})

    def let_type(self) -> None:
        wait(lambda: self._shown("state").startswith("triage"), "the session")
        self._command("SetMode", {"mode": "live"})
        wait(lambda: "· live ·" in self._shown("state"), "the mode to be live")

    def start_meter(self) -> None:
        wait(lambda: not self._shown("state").endswith("· "), "the diagnosis")
        self._command("StartMeter")

    def pause(self) -> None:
        self._command("PauseMeter")

    def resume(self) -> None:
        self._command("ResumeMeter")

    def extend(self) -> None:
        self._command("ExtendCap", {"minutes": 15})

    def chat(self, text: str) -> None:
        self._do(lambda page: page.fill("#chat input", text))
        self._do(lambda page: page.click("#chat button"))

    def point(self, line: int) -> None:
        place = {"line": line, "column": 0}
        self._command("PointAt", {"path": "app.py", "span": {"start": place, "end": place}})

    def follow(self) -> None:
        self.move_to(self.sees_partner()["page"])

    def end(self) -> None:
        self._command("EndSession")

    def rate(self) -> None:
        wait(lambda: self._shown("state").startswith("ended"), "the end")
        self._command("RateSession", {"stars": 5, "solved": True})

    def ask_money_back(self) -> None:
        self._command("RequestRefund", {"reason": "no help"})

    def receipt(self) -> str:
        return str(self._command("GetReceipt")["text"])

    def said(self) -> str:
        return str(self._do(lambda page: page.inner_text("body")))

    def _command(self, kind: str, members: dict[str, object] | None = None) -> Any:
        given = {"kind": kind, "members": members or {}}
        return self._call("person.command(given.kind, given.members)", given)

    def _call(self, expression: str, given: object = None) -> Any:
        script = (
            f"async (given) => {{ const person = window.codementor; return await {expression} }}"
        )
        return self._do(lambda page: page.evaluate(script, given))

    def _shown(self, name: str) -> str:
        return str(self._do(lambda page: page.text_content(f"#{name}")) or "")

    def _do(self, what: Callable[[Page], _T]) -> _T:
        return self._thread.submit(what, self._page).result()


@contextmanager
def opened(name: str, role: str, folder: Path, variables: dict[str, str]) -> Iterator[BrowserActor]:
    """A browser of its own with the page open and connected as who the token belongs to."""
    folder.mkdir(parents=True, exist_ok=True)
    build(folder)
    with ThreadPoolExecutor(1, thread_name_prefix="browser") as thread:
        playwright = thread.submit(sync_playwright().start).result()
        try:
            launched = thread.submit(
                playwright.chromium.launch,
                executable_path="/usr/bin/chromium",
                args=window.CHROMIUM_FLAGS,
            ).result()
            page = thread.submit(_open, launched.new_page, folder, variables).result()
            yield BrowserActor(name, role, page, thread)
            thread.submit(launched.close).result()
        finally:
            thread.submit(playwright.stop).result()


def _open(new_page: Callable[[], Page], folder: Path, variables: dict[str, str]) -> Page:
    page = new_page()
    # A page of the server's own, so that the browser knows it for one of this machine; then ours in its place.
    page.goto(f"{variables['CM_SERVER_URL']}/healthz")
    page.set_content((HERE / "page.html").read_text(encoding="utf-8"))
    page.add_script_tag(path=folder / "client.js", type="module")
    page.wait_for_function("window.codementor")
    page.evaluate("(token) => window.codementor.connect(token)", variables["CM_TOKEN"])
    return page
