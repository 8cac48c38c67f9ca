"""How often one caller may knock at the server, over real sockets where it is about sockets."""

from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.support import world
from tests.support.manual_clock import ManualClock
from tests.support.world import Someone, World

WRONG = {"Authorization": "Bearer cmt_nobody"}


@pytest.fixture
async def here(tmp_path: Path, clock: ManualClock) -> AsyncIterator[World]:
    async with world.running(
        tmp_path,
        clock,
        requests_per_second=2,
        requests_burst=4,
        anonymous_requests_per_second=1,
        anonymous_requests_burst=3,
    ) as running:
        yield running


@pytest.fixture
async def client(here: World) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=here.app.settings.address) as opened:
        yield opened


def with_token(someone: Someone) -> dict[str, str]:
    return {"Authorization": f"Bearer {someone.token}"}


async def statuses(client: httpx.AsyncClient, times: int, path: str, **asked: object) -> list[int]:
    return [(await client.get(path, **asked)).status_code for _ in range(times)]  # type: ignore[arg-type]


async def test_a_token_has_its_burst_and_then_its_rate(
    here: World, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    token = with_token(await here.learner())
    assert await statuses(client, 5, "/api/v1/me", headers=token) == [200] * 4 + [429]
    await clock.advance(1)
    assert await statuses(client, 3, "/api/v1/me", headers=token) == [200, 200, 429]


async def test_one_token_does_not_use_up_the_rate_of_another(
    here: World, client: httpx.AsyncClient
) -> None:
    eager = with_token(await here.learner("Lea"))
    patient = with_token(await here.learner("Jonas"))
    await statuses(client, 5, "/api/v1/me", headers=eager)
    assert await statuses(client, 1, "/api/v1/me", headers=patient) == [200]


async def test_what_is_too_often_says_the_limit_and_when_to_come_back(
    here: World, client: httpx.AsyncClient
) -> None:
    token = with_token(await here.learner())
    await statuses(client, 4, "/api/v1/me", headers=token)
    refused = await client.get("/api/v1/me", headers=token)
    assert refused.headers["retry-after"] == "2"
    told = refused.json()
    assert (told["code"], told["limit"]) == ("too-fast", 2)
    assert told["detail"] == "That is more than 2 requests a second. Slow down."


async def test_an_address_without_a_token_has_a_smaller_rate(client: httpx.AsyncClient) -> None:
    assert await statuses(client, 4, "/api/v1/openapi.json") == [200] * 3 + [429]


async def test_wrong_tokens_are_counted_for_their_address_however_many_they_are(
    here: World, client: httpx.AsyncClient, clock: ManualClock
) -> None:
    tokens = [{"Authorization": f"Bearer cmt_guess{number}"} for number in range(4)]
    answers = [(await client.get("/api/v1/me", headers=token)).status_code for token in tokens]
    assert answers == [401] * 3 + [429]
    token = with_token(await here.learner())
    assert await statuses(client, 1, "/api/v1/me", headers=token) == [429]
    await clock.advance(1)
    assert await statuses(client, 1, "/api/v1/me", headers=token) == [200]


async def test_wrong_tokens_at_a_socket_are_counted_too(here: World) -> None:
    for _ in range(3):
        socket = await connect(here.events_url, additional_headers=WRONG)
        await socket.wait_closed()
        assert socket.close_code == 4401
    with pytest.raises(InvalidStatus) as refused:
        await connect(here.events_url, additional_headers=WRONG)
    assert refused.value.response.status_code == 429
    assert refused.value.response.headers["retry-after"] == "2"


async def test_health_and_the_payment_providers_events_are_always_taken(
    client: httpx.AsyncClient,
) -> None:
    assert await statuses(client, 10, "/healthz") == [200] * 10
    events = [await client.post("/api/v1/payments/webhook", content=b"{}") for _ in range(10)]
    assert {event.status_code for event in events} == {400}
