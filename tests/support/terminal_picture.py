"""A picture of what stands on a screen of tmux, as a terminal would show it: for the documentation, made by a command.

Owns: tmux's colours to HTML (rich), HTML to PNG (Chromium). Written only where `CODEMENTOR_SCREENSHOTS` names a folder.
"""

import io
import os
import subprocess
from collections.abc import Sequence
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
<pre><code>{code}</code></pre>"""


def photograph(name: str, tmux: Sequence[str], target: str, columns: int) -> None:
    folder = os.environ.get("CODEMENTOR_SCREENSHOTS")
    if not folder:
        return
    command = [*tmux, "capture-pane", "-p", "-e", "-t", target]
    shown = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    with ThreadPoolExecutor(1) as thread:  # its event loop wants a thread without another
        thread.submit(_draw, _html(shown.rstrip("\n"), columns), Path(folder) / f"{name}.png").result()


def _html(ansi: str, columns: int) -> str:
    console = Console(record=True, width=columns, file=io.StringIO(), force_terminal=True)
    for line in ansi.split("\n"):
        console.print(Text.from_ansi(line), overflow="crop", no_wrap=True, crop=True)
    return console.export_html(theme=MONOKAI, code_format=FORMAT)


def _draw(html: str, place: Path) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright, window.chromium(playwright) as browser:
        page = browser.new_page(device_scale_factor=2)
        page.set_content(html)
        page.locator("body").screenshot(path=str(place))
