import asyncio
import json
import shutil
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from cm_server import app as composition
from cm_server import schema
from cm_server.app import App
from cm_server.people import accounts, auth, rules
from cm_server.people.accounts import Profile
from cm_server.people.person import Person
from cm_server.settings import Settings
from tests.support.manual_clock import ManualClock

MENTOR = Profile(
    price_per_quarter=rules.checked_price("10", "USD"),
    skills=rules.checked_skills("python:5,asyncio"),
    spoken_languages=("en", "de"),
    years=9,
    headline="Back ends",
)


@pytest.fixture
async def app(tmp_path: Path, clock: ManualClock) -> AsyncIterator[App]:
    built = composition.build(Settings(data_folder=tmp_path / "data"), clock)
    schema.migrate(built.database.engine)
    await built.start()
    yield built
    await built.stop()


@pytest.fixture
async def client(app: App) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(app.asgi, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url="http://server") as opened:
        yield opened


@pytest.fixture
async def ada(app: App) -> Person:
    return await accounts.add(app.clock, app.database, app.new_id, "ada@example.org", "Ada", MENTOR)


async def bearer(app: App, person: Person, days: int = 1) -> dict[str, str]:
    return {"Authorization": f"Bearer {await auth.issue(app.clock, app.database, person.id, days)}"}


def problem(answer: httpx.Response) -> dict[str, Any]:
    assert answer.headers["content-type"] == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == answer.status_code
    assert told["title"]
    return told


async def test_who_the_token_belongs_to(app: App, client: httpx.AsyncClient, ada: Person) -> None:
    answer = await client.get("/api/v1/me", headers=await bearer(app, ada))
    assert answer.json() == {
        "id": ada.id,
        "email": "ada@example.org",
        "name": "Ada",
        "is_mentor": True,
    }
    assert answer.headers["cache-control"] == "no-store"


async def test_a_mentor_reads_and_changes_their_own_profile(
    app: App, client: httpx.AsyncClient, ada: Person
) -> None:
    headers = await bearer(app, ada)
    change = {
        "price_per_quarter": {"minor": 1250, "currency": "USD"},
        "skills": [{"name": "Rust", "level": 4, "years": 6}, {"name": "wasm"}],
        "spoken_languages": ["DE"],
        "hours": "Mon-Fri 09:00-17:30,  sat 10:00-12:00",
        "time_zone": "Europe/Berlin",
    }
    changed = await client.patch("/api/v1/me/mentor", headers=headers, json=change)
    assert changed.status_code == 200
    assert changed.json() == (await client.get("/api/v1/me/mentor", headers=headers)).json()
    told = changed.json()
    assert told["skills"] == [
        {"name": "rust", "level": 4, "years": 6},
        {"name": "wasm", "level": 3, "years": 0},
    ]
    assert (told["hours"], told["time_zone"], told["spoken_languages"]) == (
        "mon-fri 09:00-17:30, sat 10:00-12:00", "Europe/Berlin", ["de"],
    )  # fmt: skip
    assert (told["years"], told["headline"]) == (9, "Back ends")
    assert told["vetting"] == "not-vetted"
    assert told["measured"]["sessions"] == 0
    assert told["measured"]["rating"] is None


@pytest.mark.parametrize(
    ("change", "field", "limit"),
    [
        ({"price_per_quarter": {"minor": 60_000, "currency": "USD"}}, "price", 50_000),
        ({"price_per_quarter": {"minor": 1_000, "currency": "EUR"}}, "price", None),
        ({"price_per_quarter": {"minor": "x", "currency": "USD"}}, "price_per_quarter.minor", None),
        ({"skills": []}, "skills", None),
        ({"skills": [{"name": "python", "level": 6}]}, "skills", 5),
        ({"skills": [{"name": "python", "years": 71}]}, "skills", 70),
        ({"skills": [{"name": f"s{number}"} for number in range(51)]}, "skills", 50),
        ({"spoken_languages": ["english"]}, "languages", None),
        ({"years": -1}, "years", 70),
        ({"hours": "always"}, "hours", 200),
        ({"hours": "mon 25:00-26:00"}, "hours", 200),
        ({"time_zone": "../etc/passwd"}, "time_zone", None),
        ({"vetting": "vetted"}, "vetting", None),
        ({"measured": {"rating": 5}}, "measured", None),
    ],
)
async def test_what_may_not_be_in_a_profile_is_named_with_its_limit_and_changes_nothing(
    app: App,
    client: httpx.AsyncClient,
    ada: Person,
    change: dict[str, Any],
    field: str,
    limit: int | None,
) -> None:
    headers = await bearer(app, ada)
    before = (await client.get("/api/v1/me/mentor", headers=headers)).json()
    refused = await client.patch(
        "/api/v1/me/mentor", headers=headers, json={"headline": "new", **change}
    )
    told = problem(refused)
    assert (refused.status_code, told["code"], told["field"]) == (422, "bad-value", field)
    assert told.get("limit") == limit
    assert (await client.get("/api/v1/me/mentor", headers=headers)).json() == before


async def test_anybody_becomes_a_mentor_by_a_price_and_skills(
    app: App, client: httpx.AsyncClient
) -> None:
    lea = await accounts.add(app.clock, app.database, app.new_id, "lea@example.org", "Lea")
    headers = await bearer(app, lea)
    assert (await client.get("/api/v1/me/mentor", headers=headers)).status_code == 404
    early = await client.patch("/api/v1/me/mentor", headers=headers, json={"headline": "Hi"})
    assert problem(early)["field"] == "price"
    first = {"price_per_quarter": {"minor": 900, "currency": "USD"}, "skills": [{"name": "go"}]}
    assert (await client.patch("/api/v1/me/mentor", headers=headers, json=first)).status_code == 200
    assert (await client.get("/api/v1/me", headers=headers)).json()["is_mentor"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [(b"{", 400, "bad-message"), (b"[]", 422, "bad-value"), (b" " * 300_000, 413, "too-large")],
)
async def test_a_body_that_is_no_profile_is_refused(
    app: App, client: httpx.AsyncClient, ada: Person, body: bytes, status: int, code: str
) -> None:
    headers = await bearer(app, ada)
    answer = await client.patch("/api/v1/me/mentor", headers=headers, content=body)
    assert (answer.status_code, problem(answer)["code"]) == (status, code)
    nobody = await client.patch("/api/v1/me/mentor", content=body)
    assert nobody.status_code == 401


async def test_what_a_mentor_offers_is_told_without_their_address(
    app: App, client: httpx.AsyncClient, ada: Person
) -> None:
    answer = await client.get(f"/api/v1/mentors/{ada.id}", headers=await bearer(app, ada))
    assert answer.json()["skills"] == [
        {"name": "asyncio", "level": 3, "years": 0},
        {"name": "python", "level": 5, "years": 0},
    ]
    assert answer.json()["price_per_quarter"] == {"minor": 1000, "currency": "USD"}
    assert "ada@example.org" not in answer.text


async def test_every_wrong_token_gets_the_same_refusal(
    app: App, client: httpx.AsyncClient, ada: Person, clock: ManualClock
) -> None:
    expired, revoked = await bearer(app, ada), await bearer(app, ada, days=30)
    clock.jump_wall(86_400)
    assert (await client.get("/api/v1/me", headers=revoked)).status_code == 200
    await auth.revoke_all(app.database, ada.id)
    ticket = await auth.issue_ticket(clock, app.database, ada.id, 60)
    wrong = [
        expired,
        revoked,
        {"Authorization": "Bearer cmt_" + "x" * 43},
        {"Authorization": "Bearer " + "x" * 10_000},
        {"Authorization": f"Bearer {ticket}"},
        {"Authorization": "Bearer "},
        {"Authorization": "bearer \x7f"},
    ]
    answers = [await client.get("/api/v1/me", headers=header) for header in wrong]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.text for answer in answers}) == 1
    assert {answer.headers["www-authenticate"] for answer in answers} == {
        'Bearer realm="codementor"'
    }
    assert problem(answers[0])["code"] == "sign-in"


@pytest.mark.parametrize(
    "header", [{}, {"Authorization": "Basic eDp5"}, {"Authorization": "cmt_x"}]
)
async def test_without_a_token_it_says_how_to_send_one(
    client: httpx.AsyncClient, header: dict[str, str]
) -> None:
    answer = await client.get("/api/v1/me", headers=header)
    assert answer.status_code == 401
    assert "Authorization: Bearer" in problem(answer)["detail"]


async def test_a_token_in_the_address_is_not_taken(
    app: App, client: httpx.AsyncClient, ada: Person
) -> None:
    token = (await bearer(app, ada))["Authorization"].removeprefix("Bearer ")
    answer = await client.get("/api/v1/me", params={"token": token})
    assert answer.status_code == 401
    assert token not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "status", "code"),
    [
        ("GET", "/nowhere", 404, "no-such-route"),
        ("GET", "/api/v1/nowhere", 404, "no-such-route"),
        ("GET", "/api/v1/mentors/%2e%2e%2fme", 404, "no-such-route"),
        ("GET", "/api/v1/mentors/%00", 404, "no-such-person"),
        ("GET", "/api/v1/mentors/" + "x" * 10_000, 404, "no-such-person"),
        ("GET", "/api/v1/mentors/%E2%80%AE%1b[2J", 404, "no-such-person"),
        ("DELETE", "/api/v1/me", 405, "wrong-method"),
        ("GET", "/api/v1/tickets", 405, "wrong-method"),
        ("POST", "/healthz", 405, "wrong-method"),
    ],
)
async def test_what_is_not_there_is_a_problem_not_a_page(
    app: App, client: httpx.AsyncClient, ada: Person, method: str, path: str, status: int, code: str
) -> None:
    answer = await client.request(method, path, headers=await bearer(app, ada))
    told = problem(answer)
    assert (answer.status_code, told["code"]) == (status, code)
    assert (status == 405) == ("allow" in answer.headers)
    assert len(told["detail"]) < 200
    assert "\x1b" not in told["detail"]


async def test_a_ticket_works_once_and_not_for_long(
    app: App, client: httpx.AsyncClient, ada: Person, clock: ManualClock
) -> None:
    header = await bearer(app, ada)
    first = (await client.post("/api/v1/tickets", headers=header)).json()["token"]
    late = (await client.post("/api/v1/tickets", headers=header)).json()["token"]
    answers = await asyncio.gather(
        *(auth.redeem_ticket(clock, app.database, first) for _ in range(20)),
        return_exceptions=True,
    )
    assert [answer for answer in answers if answer == ada] == [ada]
    clock.jump_wall(app.settings.ticket_seconds)
    with pytest.raises(Exception, match="no longer valid"):
        await auth.redeem_ticket(clock, app.database, late)


async def test_a_lasting_token_is_no_ticket(app: App, ada: Person, clock: ManualClock) -> None:
    token = await auth.issue(clock, app.database, ada.id, 1)
    with pytest.raises(Exception, match="not known"):
        await auth.redeem_ticket(clock, app.database, token)
    assert await auth.authenticate(clock, app.database, token) == ada


async def test_health_needs_no_token_and_no_database(app: App, client: httpx.AsyncClient) -> None:
    shutil.rmtree(app.settings.data_folder)
    assert (await client.get("/healthz")).json()["status"] == "ok"


async def test_ready_says_no_when_the_database_is_gone(app: App, client: httpx.AsyncClient) -> None:
    assert (await client.get("/readyz")).status_code == 200
    path = app.settings.data_folder / "codementor.sqlite3"
    away = path.rename(path.with_suffix(".away"))
    answer = await client.get("/readyz")
    assert (answer.status_code, answer.json()) == (
        503,
        {"status": "unavailable", "why": "database"},
    )
    away.rename(path)
    assert (await client.get("/readyz")).status_code == 200


async def test_a_request_after_the_database_is_gone_says_when_to_come_back(
    app: App, client: httpx.AsyncClient, ada: Person
) -> None:
    header = await bearer(app, ada)
    await app.database.close()
    answer = await client.post("/api/v1/tickets", headers=header)
    assert answer.status_code == 503
    assert int(answer.headers["retry-after"]) > 0
    assert problem(answer)["code"] == "unavailable"


async def test_a_bug_tells_the_caller_a_reference_and_nothing_else(
    app: App, client: httpx.AsyncClient, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("/secret/path")

    monkeypatch.setattr(accounts, "mentor", broken)
    answer = await client.get(f"/api/v1/mentors/{ada.id}", headers=await bearer(app, ada))
    told = problem(answer)
    assert (told["code"], len(told["ref"])) == ("internal", 8)
    assert "secret" not in answer.text


async def test_the_description_names_every_route_and_type_it_answers_with(
    app: App, client: httpx.AsyncClient, ada: Person
) -> None:
    document = (await client.get("/api/v1/openapi.json")).json()
    assert document["openapi"] == "3.1.0"
    served = {route.path for route in app.asgi.routes if "openapi" not in route.path}  # type: ignore[attr-defined]
    described = set(document["paths"])
    assert {path for path in served if path.startswith("/api/v1/")} >= described
    assert {"/api/v1/me", "/api/v1/tickets", "/api/v1/mentors/{mentor_id}"} <= described
    text = json.dumps(document)
    schemas = document["components"]["schemas"]
    assert {"Me", "MentorShown", "Money", "Problem", "Ticket"} <= set(schemas)
    references = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert references <= set(schemas)
    answer = (await client.get("/api/v1/me", headers=await bearer(app, ada))).json()
    assert set(schemas["Me"]["required"]) == set(answer)
