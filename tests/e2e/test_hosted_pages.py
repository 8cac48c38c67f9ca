"""The payment service's pages in a real browser: a card saved, a declined one, the bank's question, a mentor's account.

With CODEMENTOR_SCREENSHOTS the pages are kept as pictures there.
"""

import os
import re
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from playwright.async_api import Page, async_playwright, expect

from tests.e2e.vscode.window import CHROMIUM_FLAGS, PATIENCE_MS
from tests.support import fake_editor, server_process
from tests.support.server_process import ServerProcess, cm_server

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.skipif(
        shutil.which("chromium") is None and os.environ.get("CODEMENTOR_EDITORS") != "required",
        reason="There is no Chromium to show the pages in. Try: make vscode",
    ),
]
SIZE: Final = (720, 560)
DEMO: Final = "DEMO: NO REAL MONEY. Never enter a real card or real data here."
CHALLENGED: Final = "4000 0027 6000 3184"


@pytest.fixture
async def page() -> AsyncIterator[Page]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), headless=True, args=CHROMIUM_FLAGS
        )
        page = await browser.new_page(viewport={"width": SIZE[0], "height": SIZE[1]})
        page.set_default_timeout(PATIENCE_MS)
        expect.set_options(timeout=PATIENCE_MS)
        yield page
        await browser.close()


@dataclass
class Nia:
    """A learner without a card, and a mentor who is online."""

    editor: Any
    about: dict[str, Any]
    mentor: Any

    async def card_page(self) -> str:
        return str((await self.editor.command("card"))["url"])


@asynccontextmanager
async def nia_and_mira(tmp_path: Path) -> AsyncIterator[Nia]:
    data = tmp_path / "data"
    with server_process.running(data, ["--demo"]) as server:
        token = cm_server("user", "add", "nia@example.org", data=data).stdout.strip()
        async with (
            fake_editor.running(server.address, token, tmp_path / "nia", answers=_send) as editor,
            fake_editor.running(
                server.address, _mira(server), tmp_path / "mira", claims={"offers": True}
            ) as mentor,
        ):
            uri = (tmp_path / "nia" / "app.py").as_uri()
            editor.open(uri, "1 / 0\n")
            selected = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
            about = {"uri": uri, "range": selected, "question": "why?", "confirm": False}
            await mentor.command("goOnline")
            yield Nia(editor, about, mentor)


def _send(text: str, titles: Sequence[str]) -> str | None:
    return titles[1]


def _mira(server: ServerProcess) -> str:
    line = next(line for line in server.printed if "Mira Okafor" in line)
    return next(word for word in line.split() if word.startswith("cmt_"))


async def look(page: Page, name: str) -> None:
    """It says that it is a demo, where one looks first and so that it can be read; kept as a picture when asked for."""
    banner = page.get_by_role("note")
    await expect(banner).to_have_text(DEMO)
    await expect(banner).to_be_in_viewport(ratio=1)
    box = await banner.bounding_box()
    assert box is not None
    assert box["y"] < 100
    assert await page.title() != ""
    assert (await page.title()).startswith("DEMO: ")
    if folder := os.environ.get("CODEMENTOR_SCREENSHOTS"):
        await page.screenshot(path=Path(folder) / f"demo-{name}.png")


async def save(page: Page, number: str) -> None:
    await page.get_by_label("Test card number").fill(number)
    await page.get_by_role("button", name="Save this card").click()


async def test_a_card_is_saved_and_what_is_no_test_card_or_declined_is_said(
    tmp_path: Path, page: Page
) -> None:
    async with nia_and_mira(tmp_path) as nia:
        await page.goto(await nia.card_page())
        await look(page, "card")
        await save(page, "4111 1111 1111 1111")
        await expect(page.get_by_role("alert")).to_have_text(
            "Only the published test cards work here."
        )
        await save(page, "4000 0000 0000 0002")
        await expect(page.get_by_role("alert")).to_have_text("Your card was declined.")
        await look(page, "card-declined")
        await save(page, "4242 4242 4242 4242")
        await expect(page.get_by_role("heading")).to_have_text("Your card is saved")
        assert await nia.editor.command("ask", **nia.about)


async def test_a_card_that_saves_and_is_declined_rings_nobody(tmp_path: Path, page: Page) -> None:
    async with nia_and_mira(tmp_path) as nia:
        await page.goto(await nia.card_page())
        await save(page, "4000 0000 0000 0341")
        await expect(page.get_by_role("heading")).to_have_text("Your card is saved")
        error = await nia.editor.refusal("ask", **nia.about)
        assert "Your card was declined" in error.message
        assert "Nothing was taken" in error.message


@pytest.mark.parametrize("agreed", [True, False])
async def test_the_banks_question_is_answered_in_the_browser(
    tmp_path: Path,
    page: Page,
    agreed: bool,
) -> None:
    async with nia_and_mira(tmp_path) as nia:
        await page.goto(await nia.card_page())
        await save(page, CHALLENGED)
        await expect(page.get_by_role("heading")).to_have_text("Your card is saved")
        assert await nia.editor.command("ask", **nia.about)
        said = nia.editor.said
        await nia.editor.until(lambda: "/challenge/" in " ".join(said()), "the bank's question")
        await page.goto(re.findall(r"http\S+/challenge/\w+", " ".join(said()))[-1])
        await look(page, "bank")
        await expect(page.get_by_text("is this payment of $")).to_be_visible()
        await page.get_by_role("button", name="Yes" if agreed else "No").click()
        await expect(page.get_by_role("heading")).to_have_text("Thank you")
        if agreed:
            await nia.mentor.until(lambda: nia.mentor.last("offer"), "the offer")
        else:
            await nia.editor.until(lambda: "nobody was asked" in " ".join(said()), "the end")


async def test_a_mentor_says_where_to_be_paid(tmp_path: Path, page: Page) -> None:
    async with nia_and_mira(tmp_path) as nia:
        await page.goto((await nia.mentor.command("payouts"))["url"])
        await page.get_by_label("Country").select_option("Austria")
        await page.get_by_role("button", name="Go on").click()
        await look(page, "onboarding")
        await page.get_by_role("button", name="I have entered everything").click()
        await expect(page.get_by_role("heading")).to_have_text("Thank you")
        await expect(page.get_by_text("What you have earned is sent to you.")).to_be_visible()
