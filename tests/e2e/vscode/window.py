"""What a person does in a window of VS Code: keys, the palette, the light bulb, buttons, pickers; and what they see.

The selectors are those of the VS Code that `install_vscode.sh` names; they are all in here.
"""

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser, Locator, Page, Playwright
from playwright.sync_api import TimeoutError as NotInTime

from tests.e2e.vscode.code_server import VisualStudioCode

PATIENCE_MS: Final = 60_000
TOAST_COMES_MS: Final = 20_000
START_MS: Final = 150_000
EMPTY_PLACE: Final = (200, 17)
"""For the mouse on a picture: what it rests on would explain itself."""
MENU_SETTLES_MS: Final = 700
"""After a selection change VS Code asks for code actions by itself; a menu opened into that is closed again."""

CHROMIUM_FLAGS: Final = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1",
]


@contextmanager
def chromium(playwright: Playwright) -> Iterator[Browser]:
    browser = playwright.chromium.launch(
        executable_path="/usr/bin/chromium", headless=True, args=CHROMIUM_FLAGS
    )
    try:
        yield browser
    finally:
        browser.close()


class Window:
    def __init__(self, page: Page, code: VisualStudioCode) -> None:
        self.page = page
        self.code = code
        page.set_default_timeout(PATIENCE_MS)

    @classmethod
    def open(cls, browser: Browser, code: VisualStudioCode, size: tuple[int, int]) -> "Window":
        clipboard = ["clipboard-read", "clipboard-write"]
        page = browser.new_page(
            viewport={"width": size[0], "height": size[1]}, permissions=clipboard
        )
        # The workbench is a script of 19 MB; its "load" event says nothing.
        page.goto(code.address, wait_until="commit", timeout=START_MS)
        page.wait_for_selector(".monaco-workbench", timeout=START_MS)
        code.connect()
        return cls(page, code)

    def close(self) -> None:
        self.page.close()

    def close_and_open_again(self) -> None:
        """As a person closes a window and opens the folder again: another extension host, the same profile."""
        self.page.reload(wait_until="commit", timeout=START_MS)
        self.page.wait_for_selector(".monaco-workbench", timeout=START_MS)
        self.code.connect()

    def press(self, keys: str) -> None:
        self.page.keyboard.press(keys)

    def type_text(self, text: str, ms_a_key: int = 30) -> None:
        self.page.keyboard.type(text, delay=ms_a_key)

    def focus_editor(self) -> None:
        self.code.js(
            "await vscode.commands.executeCommand('workbench.action.focusActiveEditorGroup')"
        )

    def run(self, title: str) -> None:
        """By the command palette."""
        self.page.bring_to_front()
        self.press("F1")
        box = self.page.locator(".quick-input-widget input.input")
        box.wait_for(state="visible")
        box.fill(f">{title}")
        row = self.page.locator(".quick-input-list .monaco-list-row", has_text=title).first
        row.click()

    def take_from_light_bulb(self, title: str, place: tuple[int, int, int, int]) -> None:
        """Puts the cursor there, opens the menu as Ctrl+. does, and takes the action."""
        rows = self.page.locator(".action-widget .monaco-list-row.action", has_text=title)
        for _ in range(5):
            self.code.select(*place)
            self.focus_editor()
            self.page.wait_for_timeout(MENU_SETTLES_MS)
            self.press("Control+.")
            try:
                rows.first.wait_for(state="visible", timeout=4_000)
            except NotInTime:
                self.press("Escape")
                continue
            return
        raise AssertionError(f"there is no {title!r} in the light bulb's menu")

    def show_hover(self, text: str) -> None:
        """By its keys at the caret, again until it says `text`: what answers it may be far away."""
        said = self.page.locator(".monaco-hover:visible", has_text=text)
        for _ in range(5):
            self.focus_editor()
            self.press("Control+k")
            self.press("Control+i")
            try:
                said.first.wait_for(state="visible", timeout=5_000)
            except NotInTime:
                self.press("Escape")
                continue
            return
        raise AssertionError(f"no hover says {text!r}")

    def click_action(self, title: str) -> None:
        self.page.locator(".action-widget .monaco-list-row.action", has_text=title).first.click()

    def take_from_context_menu(self, title: str, place: Locator, leads_to: str) -> None:
        """Opens the menu at `place` and takes the item, again until a picker shows `leads_to`.

        VS Code lets the mouse go unheard in a menu's first 100 ms, so that a slow right click takes nothing.
        """
        item = self.page.locator(".monaco-menu .action-item", has_text=title).first
        for _ in range(5):
            place.click(button="right")
            item.hover()
            self.page.wait_for_timeout(MENU_SETTLES_MS)
            item.click()
            try:
                self.picker(leads_to, patience_ms=10_000)
            except NotInTime:
                self.press("Escape")
                continue
            return
        raise AssertionError(f"{title!r} in the context menu leads to no {leads_to!r}")

    def fill(self, text: str, expecting: str) -> None:
        """Answers an input box whose prompt or title says `expecting`."""
        shown = self.picker(expecting)
        self.page.locator(".quick-input-widget input.input").fill(text)
        self.press("Enter")
        shown.first.wait_for(
            state="hidden"
        )  # another picker opened before that would take its place

    def pick(self, label: str, expecting: str) -> None:
        self.picker(expecting)
        self.page.locator(".quick-input-list .monaco-list-row", has_text=label).first.click()

    def picker(self, expecting: str, patience_ms: int = PATIENCE_MS) -> Locator:
        """The picker that is open, once it shows `expecting` as text or placeholder."""
        widget = self.page.locator(".quick-input-widget:visible")
        said = widget.filter(has_text=re.compile(re.escape(expecting)))
        held = widget.filter(has=self.page.locator(f'input[placeholder*="{expecting}"]'))
        found = said.or_(held)
        found.first.wait_for(state="visible", timeout=patience_ms)
        return found

    def notification(self, text: str) -> Locator:
        """The notification that says `text`; behind the bell where VS Code has put its toast away."""
        found = self.page.locator(".notification-list-item", has_text=text)
        try:
            found.first.wait_for(state="visible", timeout=TOAST_COMES_MS)
        except NotInTime:
            self.code.js("await vscode.commands.executeCommand('notifications.showList')")
            found.first.wait_for(state="visible")
        return found.first

    def answer(self, text: str, button: str) -> None:
        """Presses a button of the notification that says `text`."""
        self.notification(text).get_by_role("button", name=button, exact=True).click()

    def answer_dialogue(self, button: str) -> None:
        dialogue = self.page.locator(".monaco-dialog-box")
        dialogue.get_by_role("button", name=button, exact=True).click()

    def status(self, text: str | re.Pattern[str]) -> Locator:
        found = self.page.locator(".statusbar-item", has_text=text)
        found.first.wait_for(state="visible")
        return found.first

    def labels_in_text(self) -> list[str]:
        """The texts that decorations draw beside the code: names, notes."""
        found: list[str] = self.page.evaluate(
            """() => [...document.querySelectorAll('.view-line [class*=ced-]')].flatMap((element) =>
                ['::before', '::after'].map((which) => getComputedStyle(element, which).content))
                .filter((content) => content && content !== 'none' && content !== 'normal')"""
        )
        return [label.strip('"').strip() for label in found]

    def clear_notifications(self) -> None:
        self.code.js("await vscode.commands.executeCommand('notifications.clearAll')")

    def photograph(self, name: str) -> None:
        """Writes a screenshot where `CODEMENTOR_SCREENSHOTS` says, if it does."""
        folder = os.environ.get("CODEMENTOR_SCREENSHOTS")
        if folder:
            self.page.bring_to_front()
            Path(folder).mkdir(parents=True, exist_ok=True)
            self.page.mouse.move(*EMPTY_PLACE)
            self.page.screenshot(path=str(Path(folder) / f"{name}.png"))
