"""A picture of what stands on a terminal, for the documentation: its colours to HTML (rich), that to PNG (Chromium).

Written only where `CODEMENTOR_SCREENSHOTS` names a folder.
"""

import io
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from playwright.sync_api import sync_playwright
from rich.console import Console
from rich.terminal_theme import MONOKAI
from rich.text import Text

from tests.e2e.vscode import window

FORMAT = """<!doctype html><meta charset="utf-8">
<style>
  {stylesheet}
  body {{ margin: 0; display: inline-block; background: {background}; color: {foreground}; padding: 10px 14px; }}
  pre {{ margin: 0; font: 14px/1.25 'DejaVu Sans Mono', monospace; }}
</style>
<pre><code style="font: inherit">{code}</code></pre>"""


def are_wanted() -> bool:
    return bool(os.environ.get("CODEMENTOR_SCREENSHOTS"))


def write(name: str, ansi: str, columns: int) -> None:
    """`ansi`: lines of text with escape sequences, as wide as the terminal at most."""
    place = Path(os.environ["CODEMENTOR_SCREENSHOTS"]) / f"{name}.png"
    with ThreadPoolExecutor(1) as thread:  # its event loop wants a thread without another
        thread.submit(_draw, _html(ansi.rstrip("\n"), columns), place).result()


def _html(ansi: str, columns: int) -> str:
    console = Console(
        record=True,
        width=columns,
        file=io.StringIO(),
        force_terminal=True,
        color_system="truecolor",
    )
    for line in ansi.split("\n"):
        console.print(Text.from_ansi(line), overflow="crop", no_wrap=True, crop=True)
    return console.export_html(theme=MONOKAI, code_format=FORMAT)


def _draw(html: str, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, window.chromium(playwright) as browser:
        page = browser.new_page(device_scale_factor=2)
        page.set_content(html)
        page.locator("body").screenshot(path=str(place))
