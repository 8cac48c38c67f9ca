"""What we send and what the stand-in answers, held to Stripe's own published description."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from cm_server.payment_service import api
from tests.contract.test_stripe_requests_are_typed import every_command
from tests.support import stripe_spec
from tests.support.stand_in import StandIn
from tests.support.stripe_spec import Exchange
from tests.support.stripe_spec_pruning import CALLS

SPEC = stripe_spec.spec()
CREATE = ("POST", "/v1/payment_intents")


def request(method: str, path: str, body: str) -> Exchange:
    query, sent = (body, "") if method == "GET" else ("", body)
    return Exchange(method, path, query, sent.encode(), 200, {})


async def test_all_that_is_sent_and_answered_is_as_described_but_for_the_known_differences(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    recorder = await every_command(monkeypatch)
    found: set[str] = set()
    for sent, answer in zip(recorder.requests, recorder.answers, strict=True):
        status = 400 if "error" in answer else 200
        query = sent.url.query.decode()
        exchange = Exchange(sent.method, sent.url.path, query, sent.content, status, answer)
        found |= {*SPEC.of_request(exchange), *SPEC.of_answer(exchange)}
        if exchange.path == "/v1/events":
            found |= {said for event in answer["data"] for said in SPEC.of_event(event)}
    assert [complaint for complaint in found if not stripe_spec.is_known(complaint)] == []
    unmet = [known for known in stripe_spec.KNOWN if not any(known in said for said in found)]
    assert unmet == [], "no longer differences"


def test_every_call_of_the_stand_in_is_described() -> None:
    served = {f"{method} {re.sub('{[a-z]+}', 'x_1', path)}" for method, path, _ in api._RULES}
    described = {SPEC.call_of(*call.split(" ")) for call in served}
    assert described == {call for call in CALLS if "events" not in call or " /v1/" in call}


def test_the_pinned_library_is_newer_than_the_description() -> None:
    """When this fails, a newer description can be had: make the data anew and look at the known differences."""
    assert max(SPEC.versions.values()) < "2026-10-28.endive"


@pytest.mark.parametrize(
    ("method", "path", "body", "said"),
    [
        (*CREATE, "amount=1&currency=usd&ammount=1", "'ammount' was unexpected"),
        (*CREATE, "currency=usd", "'amount' is a required property"),
        (*CREATE, "amount=ten&currency=usd", "amount: 'ten' is not of type 'integer'"),
        (*CREATE, "amount=1&currency=usd&capture_method=by_hand", "'by_hand' is not one of"),
        (*CREATE, "amount=1&currency=usd&confirm=maybe", "'maybe' is not of type 'boolean'"),
        (*CREATE, "amount=1&currency=usd&metadata[a][b]=c", "metadata.a"),
        ("POST", "/v1/refunds", "charge=ch_1&reason=bogus", "'bogus' is not one of"),
        ("GET", "/v1/events", "created[since]=1", "created"),
        ("POST", "/v2/core/accounts", '{"dashboard":"expres"}', "'expres' is not one of"),
    ],
)
def test_a_wrong_request_is_found_and_named(method: str, path: str, body: str, said: str) -> None:
    assert any(said in complaint for complaint in SPEC.of_request(request(method, path, body)))


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("status", "holding", "'holding' is not one of"),
        ("amount", "10", "amount: '10' is not of type 'integer'"),
        ("amount_held", 10, "'amount_held' was unexpected"),
        ("created", ..., "'created' is a required property"),
    ],
)
async def test_a_wrong_answer_is_found_and_named(field: str, value: Any, said: str) -> None:
    made = await StandIn().hold()
    wrong = {**made, field: value} if value is not ... else dict(made)
    if value is ...:
        del wrong[field]
    exchange = Exchange(*CREATE, "", b"", 200, wrong)
    assert any(said in complaint for complaint in SPEC.of_answer(exchange))
    assert not list(SPEC.of_answer(Exchange(*CREATE, "", b"", 200, made)))


async def test_the_witness_hears_what_the_stand_in_lets_pass(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    stand_in = StandIn()
    monkeypatch.setattr(stripe_spec, "KNOWN", {})
    customer = (await stand_in.made("/v1/customers"))["id"]
    with pytest.raises(AssertionError, match="'allowed_payment_method_types' was unexpected"):
        await stand_in.post(
            "/v1/checkout/sessions",
            mode="setup",
            customer=customer,
            success_url="https://editor.invalid",
            **{"allowed_payment_method_types[0]": "card"},
        )


async def test_events_of_a_dispute_are_as_described() -> None:
    """The longest way through the shapes: a held, captured and disputed payment, told by webhooks."""
    stand_in = StandIn()
    hold = await stand_in.hold(token="pm_card_createDispute")
    await stand_in.made(f"/v1/payment_intents/{hold['id']}/capture")
    await stand_in.service.deliver_due()
    told = [json.loads(body)["type"] for body, _ in stand_in.received]
    assert "charge.dispute.created" in told
