import json
from collections import Counter
from datetime import timedelta

import pytest
import stripe

from cm_server.payment_service.embedded import WebhookRoute
from cm_server.payment_service.faults import DeliveryFault
from tests.support.stand_in import SECRET, StandIn

pytestmark = pytest.mark.asyncio


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


def ids(stand_in: StandIn) -> list[str]:
    return [json.loads(body)["id"] for body, _ in stand_in.received]


async def some_events(stand_in: StandIn) -> list[str]:
    await stand_in.hold()
    return [event.id for event in stand_in.service.world.state.events]


async def test_each_event_is_delivered_once_and_signed(stand_in: StandIn) -> None:
    expected = await some_events(stand_in)
    await stand_in.service.deliver_due()
    await stand_in.service.deliver_due()
    assert ids(stand_in) == expected
    for body, signature in stand_in.received:
        stripe.WebhookSignature.verify_header(body, signature, SECRET)


async def test_an_event_shows_its_object_as_it_was_then(stand_in: StandIn) -> None:
    held = await stand_in.hold()
    await stand_in.made(f"/v1/payment_intents/{held['id']}/capture")
    await stand_in.service.deliver_due()
    shown = {
        event["type"]: event["data"]["object"]["status"]
        for event in (json.loads(body) for body, _ in stand_in.received)
        if event["type"].startswith("payment_intent.")
    }
    assert shown == {
        "payment_intent.created": "requires_confirmation",
        "payment_intent.amount_capturable_updated": "requires_capture",
        "payment_intent.succeeded": "succeeded",
    }


async def test_a_refusing_receiver_is_tried_again_for_three_days(stand_in: StandIn) -> None:
    await stand_in.made("/v1/customers", email="a@example.org")
    stand_in.receiver_status = 500
    attempts = 0
    for _ in range(24 * 60):
        stand_in.clock.advance(timedelta(minutes=5))
        attempts += await stand_in.service.deliver_due()
    assert 10 <= attempts <= 15
    assert set(Counter(ids(stand_in)).values()) == {attempts}


async def test_a_receiver_that_comes_back_gets_what_it_missed(stand_in: StandIn) -> None:
    expected = await some_events(stand_in)
    stand_in.receiver_status = 503
    await stand_in.service.deliver_due()
    stand_in.receiver_status = 200
    stand_in.received.clear()
    stand_in.clock.advance(timedelta(minutes=1))
    await stand_in.service.deliver_due()
    assert ids(stand_in) == expected


async def test_faults_lose_double_and_delay(stand_in: StandIn) -> None:
    first, second, third, *rest = await some_events(stand_in)
    stand_in.faults.deliveries.extend([DeliveryFault.LOST, DeliveryFault.TWICE, DeliveryFault.LATE])
    await stand_in.service.deliver_due()
    assert ids(stand_in) == [second, second, *rest]
    stand_in.clock.advance(timedelta(hours=1))
    await stand_in.service.deliver_due()
    assert ids(stand_in) == [second, second, *rest, third]
    assert first not in ids(stand_in)


async def test_shuffled_deliveries_are_complete_but_out_of_order(stand_in: StandIn) -> None:
    stand_in.faults.shuffle = True
    expected = await some_events(stand_in) + await some_events(stand_in)
    await stand_in.service.deliver_due()
    assert ids(stand_in) != expected
    assert set(ids(stand_in)) == set(expected)


async def test_early_webhooks_arrive_before_the_answer(stand_in: StandIn) -> None:
    stand_in.faults.early = True
    await stand_in.made("/v1/customers", email="a@example.org")
    assert len(stand_in.received) == 1


async def test_events_are_listed_for_thirty_days(stand_in: StandIn) -> None:
    for _ in range(3):
        await stand_in.made("/v1/customers", email="a@example.org")
    expected = [event.id for event in stand_in.service.world.state.events]
    listed = await stand_in.get("/v1/events", limit="100")
    assert [event["id"] for event in listed["data"]] == expected[::-1]
    stand_in.clock.advance(timedelta(days=30, seconds=1))
    assert (await stand_in.get("/v1/events"))["data"] == []


async def test_a_receiver_that_breaks_is_owed_the_event(stand_in: StandIn) -> None:
    await stand_in.made("/v1/customers", email="a@example.org")

    async def broken(body: bytes, signature: str) -> int:
        raise ConnectionError("the receiver broke")

    working = stand_in.service.webhook_route
    stand_in.service.webhook_route = WebhookRoute(SECRET, broken)
    with pytest.raises(ConnectionError):
        await stand_in.service.deliver_due()
    stand_in.service.webhook_route = working
    stand_in.clock.advance(timedelta(minutes=1))
    await stand_in.service.deliver_due()
    assert len(stand_in.received) == 1
