"""The way of a person without a card, from the refused ask to the accepted one, through the pages of the embedded service."""

import re
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import httpx
import pytest

from cm_server.clock import SystemClock
from cm_server.pages import LINK_SECONDS
from tests.support import fake_editor, server_process, world
from tests.support.fake_gateway import FakeGateway
from tests.support.manual_clock import ManualClock
from tests.support.server_process import cm_server
from tests.support.world import World


@pytest.fixture
async def here(tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    async with world.running(tmp_path / "data", clock) as running:
        yield running


@pytest.fixture
async def browser(here: World) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{here.port}") as opened:
        yield opened


def bearer(someone: world.Someone) -> dict[str, str]:
    return {"Authorization": f"Bearer {someone.token}"}


async def link(browser: httpx.AsyncClient, someone: world.Someone, page: str) -> str:
    answer = await browser.post(f"/api/v1/me/{page}", headers=bearer(someone))
    assert answer.status_code == 201, answer.text
    url: str = answer.json()["url"]
    return url


async def test_a_link_leads_through_this_server_to_the_providers_page_once(
    here: World, browser: httpx.AsyncClient
) -> None:
    lea = await here.learner(card=None)
    url = await link(browser, lea, "card-page")
    assert url.startswith(f"http://127.0.0.1:{here.port}/pages/card?ticket=")
    assert lea.token not in url
    first = await browser.get(url)
    assert (first.status_code, first.headers["referrer-policy"]) == (303, "no-referrer")
    assert first.headers["location"].startswith("https://")
    again = await browser.get(url)
    assert again.status_code == 410
    assert "works once" in again.text


@pytest.mark.parametrize("ticket", ["", "x", "cmt_" + "x" * 43, "%00", "x" * 5000])
async def test_a_made_up_link_says_where_to_get_one(
    browser: httpx.AsyncClient, ticket: str
) -> None:
    answer = await browser.get(f"/pages/card?ticket={ticket}")
    assert answer.status_code == 410
    assert "editor" in answer.text


async def test_an_old_link_and_a_lasting_token_open_nothing(
    here: World, browser: httpx.AsyncClient
) -> None:
    lea = await here.learner(card=None)
    url = await link(browser, lea, "card-page")
    here.clock.jump_wall(LINK_SECONDS)
    assert (await browser.get(url)).status_code == 410
    assert (await browser.get(f"/pages/card?ticket={lea.token}")).status_code == 410
    assert (await browser.get("/api/v1/me", headers=bearer(lea))).status_code == 200


async def test_when_the_provider_does_not_answer_the_page_says_so(
    here: World, browser: httpx.AsyncClient
) -> None:
    lea = await here.learner(card=None)
    url = await link(browser, lea, "card-page")
    gateway = here.app.payments.gateway
    assert isinstance(gateway, FakeGateway)
    gateway.unavailable = True
    answer = await browser.get(url)
    assert answer.status_code == 503
    assert "does not answer" in answer.text


async def test_only_mentors_are_paid_and_only_in_countries_that_can_be(
    here: World, browser: httpx.AsyncClient
) -> None:
    lea, mo = await here.learner(), await here.mentor()
    page = "/api/v1/me/payout-page"
    refused = await browser.post(page, headers=bearer(lea))
    assert (refused.status_code, refused.json()["code"]) == (403, "not-allowed")
    for country in ("de/../x", "de", "ZZ", "KP", ""):
        wrong = await browser.post(page, params={"country": country}, headers=bearer(mo))
        assert (wrong.status_code, wrong.json()["field"]) == (422, "country")
    right = await browser.post(page, params={"country": "DE"}, headers=bearer(mo))
    assert "/pages/payout?country=DE&ticket=" in right.json()["url"]
    assert (await browser.get(right.json()["url"])).status_code == 303
    assert (await browser.get("/pages/payout?country=de&ticket=x")).status_code == 422


async def test_a_mentor_says_once_in_which_country_they_are_paid(
    here: World, browser: httpx.AsyncClient
) -> None:
    mo = await here.mentor()
    asked = await browser.get(await link(browser, mo, "payout-page"))
    assert asked.status_code == 200
    assert '<option value="DE">Germany</option>' in asked.text
    assert "selected" not in asked.text
    ticket = hidden_ticket(asked.text)
    went_on = await browser.get("/pages/payout", params={"country": "DE", "ticket": ticket})
    assert went_on.status_code == 303
    again = await browser.get("/pages/payout", params={"country": "FR", "ticket": ticket})
    assert again.status_code == 410
    known = await browser.get(await link(browser, mo, "payout-page"))
    assert known.status_code == 303


def hidden_ticket(page: str) -> str:
    found = re.search(r'name="ticket" value="([^"]+)"', page)
    assert found is not None, page
    return found[1]


@pytest.mark.parametrize("path", ["", "/card", "/nothing", "/onboarded", "/onboarding"])
async def test_every_way_back_from_the_provider_ends_on_a_page(
    browser: httpx.AsyncClient, path: str
) -> None:
    answer = await browser.get(f"/paid{path}")
    assert answer.status_code == 200
    assert answer.headers["content-security-policy"].startswith("default-src 'none'")
    assert "editor" in answer.text


def send(text: str, titles: Sequence[str]) -> str | None:
    return titles[1]


async def test_who_was_made_on_the_command_line_saves_a_card_and_then_asks(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with server_process.running(data, ["--demo"]) as server:
        token = cm_server("user", "add", "nia@example.org", data=data).stdout.strip()
        async with (
            fake_editor.running(server.address, token, tmp_path / "nia", answers=send) as editor,
            httpx.AsyncClient(follow_redirects=True) as browser,
        ):
            uri = (tmp_path / "nia" / "app.py").as_uri()
            editor.open(uri, "1 / 0\n")
            first = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
            about = {"uri": uri, "range": first, "question": "why?", "confirm": False}
            mira = _demo_token(server, "Mira Okafor")
            async with fake_editor.running(server.address, mira, tmp_path / "mira") as mentor:
                await mentor.command("goOnline")
                error = await editor.refusal("ask", **about)
                assert "no card saved" in error.message
                (url,) = [shown for shown in editor.shown() if shown.startswith("http")]
                assert url in error.message
                assert url.startswith(f"{server.address}/pages/card?")
                form = await browser.get(url)
                assert "DEMO: NO REAL MONEY" in form.text
                done = await browser.post(
                    form.url, data={"card": "4242 4242 4242 4242", "answer": "save"}
                )
                assert "Your card is saved" in done.text
                assert await editor.command("ask", **about)

                paid = (await mentor.command("payouts"))["url"]
                asked = await browser.get(paid)
                chosen = {"country": "DE", "ticket": hidden_ticket(asked.text)}
                onboarding = await browser.get(f"{server.address}/pages/payout", params=chosen)
                end = await browser.post(onboarding.url, data={"answer": "done"})
                assert "is sent to you" in end.text


def _demo_token(server: server_process.ServerProcess, name: str) -> str:
    line = next(line for line in server.printed if name in line)
    return next(word for word in line.split() if word.startswith("cmt_"))


async def test_a_server_that_names_another_address_opens_no_page_of_another(
    tmp_path: Path,
) -> None:
    async with world.running(
        tmp_path / "data", SystemClock(), public_url="https://elsewhere.example.org"
    ) as here:
        lea = await here.learner(card=None)
        address = f"http://127.0.0.1:{here.port}"
        async with fake_editor.running(address, lea.token, tmp_path / "lea") as editor:
            url = (await editor.command("card"))["url"]
            assert url.startswith(f"{address}/pages/card?")
            assert editor.shown() == [url]
