"""What a newcomer finds: the ways to ask, the walkthrough, the view before the first session, the menu behind the status bar.

No way to ask starts cm-lsp or sends anything before the first question is answered.
"""

from collections.abc import Callable, Iterator

import pytest

from tests.e2e.vscode import scenes
from tests.e2e.vscode.code_server import VisualStudioCode
from tests.e2e.vscode.conftest import Server, StartCode
from tests.e2e.vscode.peer import wait
from tests.e2e.vscode.window import Window

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

QUESTION = "What do you want to know?"
OpenWindow = Callable[[VisualStudioCode], Window]


@pytest.fixture(scope="module")
def window(shared_server: Server, start_code: StartCode, open_window: OpenWindow) -> Window:
    opened = open_window(start_code("newcomer", shared_server.variables("jonas@example.org")))
    scenes.open_program(opened)
    return opened


@pytest.fixture(autouse=True)
def put_away(window: Window) -> Iterator[None]:
    yield
    window.press("Escape")


def test_the_walkthrough_leads_to_what_it_speaks_of(window: Window) -> None:
    window.run("Help: Welcome")
    page = window.page.locator(".gettingStartedContainer")
    page.locator(".getting-started-category", has_text="A mentor in your editor").click()
    for step, shown in (
        ("Ask from the light bulb", "Ask a mentor is in the list"),
        ("See what is sent", "Nothing is sent before you say"),
        ("Keep the meter in sight", "Warns at four fifths of the cap"),
        ("Help others", "your linters and your keys work on them"),
    ):
        page.locator(".step-title", has_text=step).click()
        text = window.page.frame_locator("iframe.webview").frame_locator("#active-frame")
        text.get_by_text(shown).first.wait_for()
    window.photograph("vscode-walkthrough")
    page.get_by_role("button", name="Go Online").first.wait_for()
    window.run("View: Close Editor")


def test_the_context_menu_asks(window: Window) -> None:
    window.code.open(window.code.work / scenes.PROGRAM)
    line = window.page.locator(".view-line", has_text="statistics.mean").first
    window.take_from_context_menu("Ask a Mentor", line, leads_to=QUESTION)


def test_two_keys_ask(window: Window) -> None:
    window.code.open(window.code.work / scenes.PROGRAM)
    window.focus_editor()
    window.press("Control+Alt+m")
    window.press("a")
    window.picker(QUESTION)


def test_the_view_before_the_first_session_leads_both_ways(window: Window) -> None:
    window.run("View: Show Codementor")
    view = window.page.locator(".pane", has_text="Session")
    view.get_by_role("button", name="Go Online").wait_for()
    view.get_by_role("button", name="Ask a Mentor").click()
    window.picker(QUESTION)


def test_the_menu_offers_a_mentor_what_a_mentor_needs(window: Window) -> None:
    wait(lambda: scenes.is_connected(window, "Jonas Weber"), "a connection")
    window.page.locator(".statusbar-item", has_text="Codementor").first.click()
    rows = window.page.locator(".quick-input-list .monaco-list-row")
    rows.first.wait_for()
    offered = window.page.locator(".quick-input-list").inner_text()
    for title in ("Ask a Mentor", "Go Online as a Mentor", "Save a Card", "Say Where to Be Paid"):
        assert title in offered
    window.press("Escape")
    wait(lambda: not window.page.locator(".quick-input-widget").first.is_visible(), "it to close")
    with window.page.context.expect_page() as opened:
        window.run("Codementor: Say Where to Be Paid")
    opened.value.get_by_role("heading").first.wait_for()
    opened.value.close()
