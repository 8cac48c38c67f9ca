from datetime import timedelta
from typing import Any

import httpx
import pytest

from tests.support.stand_in import BACK, StandIn

pytestmark = pytest.mark.asyncio
AGAIN = "https://editor.invalid/again"


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


async def setup_session(stand_in: StandIn) -> dict[str, Any]:
    customer = await stand_in.made("/v1/customers", email="a@example.org")
    return await stand_in.made(
        "/v1/checkout/sessions",
        mode="setup",
        customer=customer["id"],
        success_url=f"{BACK}?session={{CHECKOUT_SESSION_ID}}",
        cancel_url=AGAIN,
    )


async def submit(stand_in: StandIn, url: str, **form: str) -> httpx.Response:
    return await stand_in.http.post(url, data=form)


async def test_every_page_says_demo_and_allows_no_scripts(stand_in: StandIn) -> None:
    session = await setup_session(stand_in)
    held = await stand_in.hold(token="pm_card_authenticationRequired")
    challenge = held["next_action"]["redirect_to_url"]["url"]
    link = await onboarding_link(stand_in)
    for url in (session["url"], challenge, link, session["url"] + "x"):
        page = await stand_in.http.get(url)
        assert "DEMO: NO REAL MONEY" in page.text
        assert "<title>DEMO" in page.text
        assert page.headers["content-security-policy"].startswith("default-src 'none'")
        assert "<script" not in page.text


async def test_a_saved_card_sends_the_browser_back_with_the_session(stand_in: StandIn) -> None:
    session = await setup_session(stand_in)
    answer = await submit(stand_in, session["url"], card="4242-4242 4242 4242", answer="save")
    assert answer.status_code == 303
    assert answer.headers["location"] == f"{BACK}?session={session['id']}"
    methods = await stand_in.get(f"/v1/customers/{session['customer']}/payment_methods")
    assert [method["card"]["last4"] for method in methods["data"]] == ["4242"]
    assert (await stand_in.http.get(session["url"])).status_code == 410


@pytest.mark.parametrize(
    "number", ["4111111111111111", "", "<script>", "4000000000000002", "4" * 5000]
)
async def test_real_declined_and_odd_numbers_are_not_saved(stand_in: StandIn, number: str) -> None:
    session = await setup_session(stand_in)
    answer = await submit(stand_in, session["url"], card=number, answer="save")
    assert answer.status_code == 422
    assert 'role="alert"' in answer.text
    assert list(stand_in.service.world.state.payment_methods) == []
    assert (await stand_in.http.get(session["url"])).status_code == 200


async def test_cancelling_goes_to_the_cancel_address(stand_in: StandIn) -> None:
    session = await setup_session(stand_in)
    answer = await submit(stand_in, session["url"], answer="cancel")
    assert answer.headers["location"] == AGAIN
    assert list(stand_in.service.world.state.payment_methods) == []


async def test_a_setup_page_ends_after_a_day(stand_in: StandIn) -> None:
    session = await setup_session(stand_in)
    stand_in.clock.advance(timedelta(hours=24))
    assert (await stand_in.http.get(session["url"])).status_code == 410
    late = await submit(stand_in, session["url"], card="4242424242424242", answer="save")
    assert late.status_code == 410


async def test_a_challenge_is_answered_once(stand_in: StandIn) -> None:
    held = await stand_in.hold(token="pm_card_authenticationRequired")
    url = held["next_action"]["redirect_to_url"]["url"]
    assert (await submit(stand_in, url, answer="yes")).headers["location"] == BACK
    assert (await submit(stand_in, url, answer="no")).status_code == 410
    found = await stand_in.get(f"/v1/payment_intents/{held['id']}")
    assert found["status"] == "requires_capture"


async def test_a_used_or_old_onboarding_link_asks_for_a_new_one(stand_in: StandIn) -> None:
    used = await onboarding_link(stand_in)
    assert (await submit(stand_in, used, answer="done")).headers["location"] == BACK
    assert (await stand_in.http.get(used)).headers["location"] == AGAIN
    old = await onboarding_link(stand_in)
    stand_in.clock.advance(timedelta(minutes=10))
    assert (await submit(stand_in, old, answer="done")).headers["location"] == AGAIN
    statuses = [a.transfers_status for a in stand_in.service.world.state.accounts]
    assert statuses == ["active", "restricted"]


async def onboarding_link(stand_in: StandIn) -> str:
    transfers = {"stripe_balance": {"stripe_transfers": {"requested": True}}}
    account = await stand_in.http.post(
        "/v2/core/accounts",
        json={
            "identity": {"country": "US"},
            "configuration": {"recipient": {"capabilities": transfers}},
        },
    )
    onboarding = {"refresh_url": AGAIN, "return_url": BACK}
    link = await stand_in.http.post(
        "/v2/core/account_links",
        json={
            "account": account.json()["id"],
            "use_case": {"type": "account_onboarding", "account_onboarding": onboarding},
        },
    )
    return str(link.json()["url"])
