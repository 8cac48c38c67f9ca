import asyncio
from datetime import timedelta

import httpx
import pytest

from cm_server.payment_service.faults import CallFault
from tests.support.stand_in import StandIn, error

pytestmark = pytest.mark.asyncio


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


@pytest.mark.parametrize("authorization", ["", "Bearer sk_live_1", "Basic sk_test_x", "Bearer"])
async def test_only_test_keys_are_taken(stand_in: StandIn, authorization: str) -> None:
    answer = await stand_in.http.get("/v1/balance", headers={"Authorization": authorization})
    assert answer.status_code == 401


async def test_unknown_routes_answer_in_stripes_shape(stand_in: StandIn) -> None:
    for answer in (await stand_in.post("/v1/payouts"), await stand_in.post("/v1/balance")):
        assert answer.status_code == 404
        assert "Unrecognized request URL" in answer.json()["error"]["message"]


async def test_calls_on_behalf_of_an_account_are_refused(stand_in: StandIn) -> None:
    answer = await stand_in.http.get("/v1/balance", headers={"Stripe-Account": "acct_1"})
    assert error(answer) == (400, "account_invalid")


async def test_a_replay_is_marked_and_changes_nothing(stand_in: StandIn) -> None:
    first = await stand_in.post("/v1/customers", key="k", email="a@example.org")
    again = await stand_in.post("/v1/customers", key="k", email="a@example.org")
    assert again.json() == first.json()
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert len(list(stand_in.service.world.state.customers)) == 1


async def test_a_key_with_another_body_or_path_is_refused(stand_in: StandIn) -> None:
    await stand_in.post("/v1/customers", key="k", email="a@example.org")
    other = await stand_in.post("/v1/customers", key="k", email="b@example.org")
    elsewhere = await stand_in.post("/v1/refunds", key="k", email="a@example.org")
    for answer in (other, elsewhere):
        assert answer.status_code == 400
        assert answer.json()["error"]["type"] == "idempotency_error"


async def test_a_key_is_forgotten_after_a_day(stand_in: StandIn) -> None:
    first = await stand_in.post("/v1/customers", key="k", email="a@example.org")
    stand_in.clock.advance(timedelta(hours=24))
    later = await stand_in.post("/v1/customers", key="k", email="a@example.org")
    assert later.json()["id"] != first.json()["id"]


async def test_declines_are_remembered_but_parameter_faults_are_not(stand_in: StandIn) -> None:
    paying = await stand_in.learner("pm_card_chargeCustomerFail")
    form = {"currency": "usd", "confirm": "true", **paying}
    bad = await stand_in.post("/v1/payment_intents", key="k", amount="ten", **form)
    assert error(bad) == (400, "parameter_invalid_integer")
    declined = await stand_in.post("/v1/payment_intents", key="k", amount="1000", **form)
    assert error(declined) == (402, "card_declined")
    again = await stand_in.post("/v1/payment_intents", key="k", amount="1000", **form)
    assert again.headers["idempotent-replayed"] == "true"
    assert again.json() == declined.json()


async def test_a_500_is_remembered_and_a_429_is_not(stand_in: StandIn) -> None:
    stand_in.faults.calls.extend([CallFault.STORED_500, CallFault.RATE_LIMITED, None, None])
    statuses = [
        (await stand_in.post("/v1/customers", key=key, email="a@example.org")).status_code
        for key in ("a", "b", "a", "b")
    ]
    assert statuses == [500, 429, 500, 200]


async def test_a_lost_answer_leaves_its_effect_behind(stand_in: StandIn) -> None:
    stand_in.faults.calls.append(CallFault.LOST_AFTER)
    with pytest.raises(httpx.TransportError):
        await stand_in.post("/v1/customers", key="k", email="a@example.org")
    assert len(list(stand_in.service.world.state.customers)) == 1
    again = await stand_in.post("/v1/customers", key="k", email="a@example.org")
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_key_in_use_is_a_conflict(stand_in: StandIn) -> None:
    stand_in.faults.calls.append(CallFault.SLOW)
    both = await asyncio.gather(
        stand_in.post("/v1/customers", key="k", email="a@example.org"),
        stand_in.post("/v1/customers", key="k", email="a@example.org"),
    )
    assert sorted(answer.status_code for answer in both) == [200, 409]


async def test_a_seeded_fault_plan_repeats_itself() -> None:
    heard = []
    for _ in range(2):
        stand_in = StandIn()
        stand_in.faults.call_rate = 0.7
        statuses: list[int | str] = []
        for number in range(30):
            try:
                answer = await stand_in.post("/v1/customers", key=f"k{number}")
                statuses.append(answer.status_code)
            except httpx.TransportError:
                statuses.append("lost")
        heard.append(statuses)
    assert heard[0] == heard[1]
    assert set(heard[0]) == {200, 409, 429, 500, "lost"}


async def test_lists_page_from_new_to_old(stand_in: StandIn) -> None:
    paying = await stand_in.learner()
    made = [
        (await stand_in.made("/v1/payment_intents", amount="100", currency="usd", **paying))["id"]
        for _ in range(5)
    ]
    seen: list[str] = []
    page = await stand_in.get("/v1/payment_intents", limit="2")
    while page["has_more"]:
        seen += [item["id"] for item in page["data"]]
        page = await stand_in.get("/v1/payment_intents", limit="2", starting_after=seen[-1])
    seen += [item["id"] for item in page["data"]]
    assert seen == made[::-1]


async def test_expand_puts_the_object_in_place_of_its_id(stand_in: StandIn) -> None:
    made = await stand_in.charge()
    plain = await stand_in.get(f"/v1/payment_intents/{made['id']}")
    path = "latest_charge.balance_transaction"
    full = await stand_in.get(f"/v1/payment_intents/{made['id']}", **{"expand[0]": path})
    assert full["latest_charge"]["id"] == plain["latest_charge"]
    assert full["latest_charge"]["balance_transaction"]["fee"] == 59
