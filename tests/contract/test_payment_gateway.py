"""What billing relies on, held by every gateway alike: the fake and Stripe's library on the
stand-in, in process and over a real socket."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import TypeVar

import pytest

from cm_server.billing import gateway_reports as reports
from cm_server.billing.gateway import GatewayRefused, GatewayUnavailable, WebhookRefused
from cm_server.billing.gateway_outcomes import (
    AccountRef,
    ActionRequired,
    AlreadyCaptured,
    Captured,
    CaptureLost,
    CardRef,
    ChargeRef,
    CustomerRef,
    Declined,
    Held,
    HoldOutcome,
    Parked,
    Refunded,
    RefundFailed,
    ReversalShort,
    Reversed,
    Transferred,
    Voided,
)
from cm_server.billing.gateway_reports import BalanceKind, DisputeStatus
from cm_wire.money import Money
from tests.support import payment_worlds
from tests.support.fake_bank import Card
from tests.support.fake_gateway import Fault
from tests.support.payment_worlds import RETURN_URL, PaymentWorld

T = TypeVar("T")
TEN = Money(1000, "USD")
SEVEN = Money(700, "USD")
WORLDS = {
    "fake": payment_worlds.fake,
    "in process": payment_worlds.in_process,
    "over loopback": payment_worlds.over_loopback,
}


@pytest.fixture(params=WORLDS)
async def world(request: pytest.FixtureRequest) -> AsyncIterator[PaymentWorld]:
    async with WORLDS[request.param]() as made:
        yield made


async def new_learner(world: PaymentWorld, card: Card = Card.GOOD) -> tuple[CustomerRef, CardRef]:
    customer = await world.gateway.create_customer(
        "p:U1:cus:1", email="learner@example.org", metadata={"user": "U1"}
    )
    return customer, await world.save_card(customer, card)


async def hold(
    world: PaymentWorld, card: Card = Card.GOOD, amount: Money = TEN, key: str = "p:S1:hold:1:a1"
) -> HoldOutcome:
    customer, ref = await new_learner(world, card)
    return await world.gateway.hold(
        key, customer, ref, amount, metadata={"session": "S1"}, return_url=RETURN_URL
    )


async def held(world: PaymentWorld) -> Held:
    outcome = await hold(world)
    assert isinstance(outcome, Held)
    return outcome


async def charged(
    world: PaymentWorld, card: Card = Card.GOOD, key: str = "p:S2:charge:1"
) -> Captured:
    customer, ref = await new_learner(world, card)
    outcome = await world.gateway.charge_off_session(key, customer, ref, TEN, metadata={})
    assert isinstance(outcome, Captured)
    return outcome


async def ready_mentor(world: PaymentWorld) -> AccountRef:
    account = await new_mentor(world)
    page = await world.gateway.onboarding_page(
        "p:U2:link:1", account, done_url=RETURN_URL, again_url="https://editor.invalid/again"
    )
    await world.finish_onboarding(account, page)
    return account


async def new_mentor(world: PaymentWorld) -> AccountRef:
    return await world.gateway.create_mentor_account(
        "p:U2:acct:1", email="mentor@example.org", name="Mentor", country="US", metadata={}
    )


async def transferred(world: PaymentWorld, source: ChargeRef) -> tuple[AccountRef, Transferred]:
    account = await ready_mentor(world)
    outcome = await world.gateway.transfer(
        "p:S2:tr:1", account, SEVEN, source=source, group="S2", metadata={}
    )
    assert isinstance(outcome, Transferred)
    return account, outcome


async def entries(world: PaymentWorld) -> list[reports.BalanceEntry]:
    since = world.clock.now() - timedelta(days=60)
    return [entry async for entry in world.gateway.balance_entries(since)]


async def until_answered(call: Callable[[], Awaitable[T]]) -> T:
    for _ in range(5):
        try:
            return await call()
        except GatewayUnavailable:
            continue
    raise AssertionError("five calls under one key went unanswered")


async def test_hold_reserves_for_seven_days_and_takes_nothing(world: PaymentWorld) -> None:
    outcome = await held(world)
    assert outcome.amount == TEN
    assert outcome.capture_before == world.clock.now() + timedelta(days=7)
    assert await world.gateway.look_up_hold(outcome.ref) == outcome
    assert await entries(world) == []


async def test_capture_takes_a_part_once_with_its_fee(world: PaymentWorld) -> None:
    reserved = await held(world)
    captured = await world.gateway.capture("p:S1:cap:1", reserved.ref, SEVEN)
    assert isinstance(captured, Captured)
    assert (captured.amount, captured.fee) == (SEVEN, Money(50, "USD"))
    assert await world.gateway.look_up_hold(reserved.ref) == captured
    assert await world.gateway.capture("p:S1:cap:other", reserved.ref, SEVEN) == captured
    with pytest.raises(GatewayRefused):
        await world.gateway.capture("p:S1:cap:more", reserved.ref, TEN)
    (line,) = await entries(world)
    assert (line.kind, line.net_minor, line.source) == (BalanceKind.CHARGE, 650, captured.charge)


@pytest.mark.parametrize(("minor", "code"), [(1001, "amount_too_large"), (49, "amount_too_small")])
async def test_capture_outside_the_limits_is_refused_and_the_hold_stays(
    world: PaymentWorld, minor: int, code: str
) -> None:
    reserved = await held(world)
    with pytest.raises(GatewayRefused) as refused:
        await world.gateway.capture("p:S1:cap:1", reserved.ref, Money(minor, "USD"))
    assert refused.value.code == code
    assert await world.gateway.look_up_hold(reserved.ref) == reserved


async def test_void_gives_back_and_says_so_again(world: PaymentWorld) -> None:
    reserved = await held(world)
    voided = await world.gateway.void("p:S1:void:1", reserved.ref)
    assert isinstance(voided, Voided)
    assert await world.gateway.void("p:S1:void:2", reserved.ref) == voided
    lost = await world.gateway.capture("p:S1:cap:1", reserved.ref, SEVEN)
    assert isinstance(lost, CaptureLost)
    assert await entries(world) == []


async def test_void_after_capture_names_the_charge(world: PaymentWorld) -> None:
    reserved = await held(world)
    captured = await world.gateway.capture("p:S1:cap:1", reserved.ref, SEVEN)
    assert isinstance(captured, Captured)
    late = await world.gateway.void("p:S1:void:1", reserved.ref)
    assert late == AlreadyCaptured(reserved.ref, captured.charge, SEVEN)


async def test_hold_expires_by_itself_and_capture_is_lost(world: PaymentWorld) -> None:
    reserved = await held(world)
    world.clock.advance(timedelta(days=7))
    assert await world.gateway.look_up_hold(reserved.ref) == Voided(reserved.ref, "expired")
    lost = await world.gateway.capture("p:S1:cap:1", reserved.ref, SEVEN)
    assert lost == CaptureLost(reserved.ref, "expired")


@pytest.mark.parametrize(
    ("card", "code"),
    [(Card.DECLINED, "card_declined"), (Card.INSUFFICIENT_FUNDS, "insufficient_funds")],
)
async def test_declined_card_is_an_outcome_that_is_found_again(
    world: PaymentWorld, card: Card, code: str
) -> None:
    outcome = await hold(world, card)
    assert isinstance(outcome, Declined)
    assert outcome.code == code
    customer, _ = await new_learner(world, card)
    assert await world.gateway.find_hold("p:S1:hold:1:a1", customer) == outcome
    assert outcome.ref is not None
    assert isinstance(await world.gateway.void("p:S1:void:1", outcome.ref), Voided)


async def test_challenge_passed_in_the_browser_becomes_a_hold(world: PaymentWorld) -> None:
    asked = await hold(world, Card.CHALLENGE)
    assert isinstance(asked, ActionRequired)
    await world.answer_challenge(asked, passed=True)
    assert isinstance(await world.gateway.look_up_hold(asked.ref), Held)


async def test_challenge_refused_in_the_browser_declines(world: PaymentWorld) -> None:
    asked = await hold(world, Card.CHALLENGE)
    assert isinstance(asked, ActionRequired)
    await world.answer_challenge(asked, passed=False)
    assert isinstance(await world.gateway.look_up_hold(asked.ref), Declined)


async def test_void_ends_a_hold_that_waits_for_its_challenge(world: PaymentWorld) -> None:
    asked = await hold(world, Card.CHALLENGE)
    assert isinstance(asked, ActionRequired)
    assert isinstance(await world.gateway.void("p:S1:void:1", asked.ref), Voided)


async def test_off_session_charge_of_a_card_that_asks_is_declined(world: PaymentWorld) -> None:
    customer, card = await new_learner(world, Card.CHALLENGE)
    outcome = await world.gateway.charge_off_session("k", customer, card, TEN, metadata={})
    assert isinstance(outcome, Declined)
    assert outcome.code == "authentication_required"


async def test_hold_below_the_networks_minimum_is_refused(world: PaymentWorld) -> None:
    with pytest.raises(GatewayRefused) as refused:
        await hold(world, amount=Money(49, "USD"))
    assert refused.value.code == "amount_too_small"
    assert isinstance(await hold(world, amount=Money(50, "USD"), key="p:S1:hold:1:a2"), Held)


async def test_equal_repeats_have_one_effect(world: PaymentWorld) -> None:
    first = await charged(world)
    customer, card = await new_learner_again(world)
    for _ in range(3):
        again = await world.gateway.charge_off_session(
            "p:S2:charge:1", customer, card, TEN, metadata={}
        )
        assert again == first
    assert len(await entries(world)) == 1


async def new_learner_again(world: PaymentWorld) -> tuple[CustomerRef, CardRef]:
    """The same learner: `create_customer` under its old key."""
    customer = await world.gateway.create_customer(
        "p:U1:cus:1", email="learner@example.org", metadata={"user": "U1"}
    )
    saved = await world.gateway.saved_card(customer)
    assert saved is not None
    return customer, saved.ref


async def test_one_key_with_other_arguments_is_refused(world: PaymentWorld) -> None:
    await charged(world)
    customer, card = await new_learner_again(world)
    with pytest.raises(GatewayRefused) as refused:
        await world.gateway.charge_off_session("p:S2:charge:1", customer, card, SEVEN, metadata={})
    assert refused.value.code == "idempotency_key_reuse"
    assert len(await entries(world)) == 1


@pytest.mark.parametrize("fault", [Fault.LOST_BEFORE, Fault.LOST_AFTER])
async def test_a_broken_connection_and_a_repeat_charge_once(
    world: PaymentWorld, fault: Fault
) -> None:
    customer, card = await new_learner(world)
    world.strike(fault)
    outcome = await until_answered(
        lambda: world.gateway.charge_off_session("k1", customer, card, TEN, metadata={})
    )
    assert isinstance(outcome, Captured)
    assert len(await entries(world)) == 1
    assert await world.gateway.find_hold("k1", customer) == outcome


async def test_a_stored_500_comes_back_until_a_find_settles_it(world: PaymentWorld) -> None:
    customer, card = await new_learner(world)
    world.strike(Fault.STORED_500)
    for _ in range(3):
        with pytest.raises(GatewayUnavailable) as unknown:
            await world.gateway.charge_off_session("k1", customer, card, TEN, metadata={})
        assert unknown.value.status == 500
    assert await world.gateway.find_hold("k1", customer) is None
    assert await entries(world) == []


async def test_an_outage_is_unavailable_for_commands_and_questions(world: PaymentWorld) -> None:
    reserved = await held(world)
    world.go_down()
    with pytest.raises(GatewayUnavailable):
        await world.gateway.capture("p:S1:cap:1", reserved.ref, SEVEN)
    with pytest.raises(GatewayUnavailable):
        await world.gateway.look_up_hold(reserved.ref)


async def test_saved_card_is_the_last_one_and_knows_its_twin(world: PaymentWorld) -> None:
    customer = await world.gateway.create_customer("c1", email="a@example.org", metadata={})
    assert await world.gateway.saved_card(customer) is None
    await world.save_card(customer, Card.DECLINED)
    await world.save_card(customer, Card.GOOD)
    other = await world.gateway.create_customer("c2", email="b@example.org", metadata={})
    await world.save_card(other, Card.GOOD)
    first, second = await world.gateway.saved_card(customer), await world.gateway.saved_card(other)
    assert first is not None
    assert second is not None
    assert (first.last4, first.ref != second.ref) == ("4242", True)
    assert first.fingerprint == second.fingerprint


async def test_refunds_sum_up_to_the_charge_and_no_further(world: PaymentWorld) -> None:
    await charged(world, key="p:S1:charge:1")
    paid = await charged(world)
    part = await world.gateway.refund("p:S2:re:1", paid.charge, SEVEN, metadata={})
    assert isinstance(part, Refunded)
    assert part.amount == SEVEN
    assert await world.gateway.look_up_refund(part.ref) == part
    assert await world.gateway.find_refund("p:S2:re:1", paid.charge) == part
    assert await world.gateway.find_refund("p:S2:re:2", paid.charge) is None
    too_much = await world.gateway.refund("p:S2:re:2", paid.charge, Money(301, "USD"), metadata={})
    assert isinstance(too_much, RefundFailed)
    rest = await world.gateway.refund("p:S2:re:3", paid.charge, Money(300, "USD"), metadata={})
    assert isinstance(rest, Refunded)


async def test_transfer_waits_for_onboarding(world: PaymentWorld) -> None:
    paid = await charged(world)
    account = await new_mentor(world)
    early = await world.gateway.transfer(
        "tr1", account, SEVEN, source=paid.charge, group="S2", metadata={}
    )
    assert isinstance(early, Parked)
    assert early.code == "account_not_ready"
    before = await world.gateway.look_up_account(account)
    assert (before.can_receive, before.missing != ()) == (False, True)
    assert await ready_mentor(world) == account
    assert (await world.gateway.look_up_account(account)).can_receive
    later = await world.gateway.transfer(
        "tr2", account, SEVEN, source=paid.charge, group="S2", metadata={}
    )
    assert isinstance(later, Transferred)
    assert await world.gateway.find_transfer("tr2", "S2") == later
    assert await world.gateway.find_transfer("tr1", "S2") is None


async def test_transfer_above_its_source_is_parked(world: PaymentWorld) -> None:
    paid = await charged(world)
    account = await ready_mentor(world)
    outcome = await world.gateway.transfer(
        "tr1", account, Money(1001, "USD"), source=paid.charge, group="S2", metadata={}
    )
    assert isinstance(outcome, Parked)
    assert outcome.code == "balance_insufficient"


async def test_account_that_loses_its_capability_says_what_is_missing(world: PaymentWorld) -> None:
    account = await ready_mentor(world)
    await world.lose_capability(account)
    found = await world.gateway.look_up_account(account)
    assert not found.can_receive
    assert found.missing


async def test_reversal_takes_back_at_most_what_was_paid(world: PaymentWorld) -> None:
    _, paid = await transferred(world, (await charged(world)).charge)
    part = await world.gateway.reverse("rv1", paid.ref, Money(500, "USD"), metadata={})
    assert isinstance(part, Reversed)
    assert await world.gateway.find_reversal("rv1", paid.ref) == part
    found = await world.gateway.find_transfer("p:S2:tr:1", "S2")
    assert found is not None
    assert found.reversed_minor == 500
    more = await world.gateway.reverse("rv2", paid.ref, Money(500, "USD"), metadata={})
    assert isinstance(more, ReversalShort)


async def test_reversal_from_an_empty_account_moves_nothing(world: PaymentWorld) -> None:
    account, paid = await transferred(world, (await charged(world)).charge)
    await world.empty_account(account)
    before = await entries(world)
    outcome = await world.gateway.reverse("rv1", paid.ref, SEVEN, metadata={})
    assert isinstance(outcome, ReversalShort)
    assert outcome.code == "balance_insufficient"
    assert await entries(world) == before


async def test_statement_explains_the_balance_to_the_unit(world: PaymentWorld) -> None:
    await charged(world, key="p:S1:charge:1")
    paid = await charged(world)
    _, payout = await transferred(world, paid.charge)
    await world.gateway.reverse("rv1", payout.ref, Money(300, "USD"), metadata={})
    await world.gateway.refund("re1", paid.charge, Money(400, "USD"), metadata={})
    lines = await entries(world)
    (balance,) = await world.gateway.balances()
    assert balance.available_minor + balance.pending_minor == sum(e.net_minor for e in lines)
    assert [line.kind for line in reversed(lines)] == [
        BalanceKind.CHARGE,
        BalanceKind.CHARGE,
        BalanceKind.TRANSFER,
        BalanceKind.REVERSAL,
        BalanceKind.REFUND,
    ]


async def test_dispute_takes_the_money_and_can_be_contested_once(world: PaymentWorld) -> None:
    paid = await charged(world, Card.DISPUTED)
    opened = [e.subject for e in await believed(world) if e.type == "charge.dispute.created"]
    (subject,) = opened
    assert isinstance(subject, reports.DisputeChanged)
    found = await world.gateway.look_up_dispute(subject.dispute.ref)
    assert found == subject.dispute
    assert (found.status, found.charge, found.amount) == (
        DisputeStatus.NEEDS_RESPONSE,
        paid.charge,
        TEN,
    )
    contested = await world.gateway.contest_dispute("ev1", found.ref, evidence="the meter's log")
    assert contested.status is DisputeStatus.UNDER_REVIEW


async def believed(world: PaymentWorld) -> list[reports.GatewayEvent]:
    now = world.clock.now()
    delivered = await world.webhooks()
    return [world.gateway.verify_webhook(body, signed, now=now) for body, signed in delivered]


async def test_webhooks_name_the_key_of_what_they_report(world: PaymentWorld) -> None:
    reserved = await held(world)
    captured = await world.gateway.capture("p:S1:cap:1", reserved.ref, SEVEN)
    assert isinstance(captured, Captured)
    await world.gateway.refund("re1", captured.charge, Money(100, "USD"), metadata={})
    by_type = {event.type: event.subject for event in await believed(world)}
    succeeded = by_type["payment_intent.succeeded"]
    assert isinstance(succeeded, reports.HoldChanged)
    assert (succeeded.ref, succeeded.key) == (reserved.ref, "p:S1:hold:1:a1")
    assert isinstance(succeeded.state, Captured)
    assert (succeeded.state.charge, succeeded.state.amount) == (captured.charge, SEVEN)
    refund = by_type["refund.created"]
    assert isinstance(refund, reports.RefundChanged)
    assert refund.key == "re1"
    assert await believed(world) == []


async def test_forged_stale_and_future_webhooks_are_refused(world: PaymentWorld) -> None:
    await held(world)
    body, signed = (await world.webhooks())[-1]
    now = world.clock.now()
    for moved in (timedelta(seconds=301), -timedelta(seconds=301)):
        with pytest.raises(WebhookRefused):
            world.gateway.verify_webhook(body, signed, now=now + moved)
    for forged in (body + b" ", body[:-1]):
        with pytest.raises(WebhookRefused):
            world.gateway.verify_webhook(forged, signed, now=now)
    with pytest.raises(WebhookRefused):
        world.gateway.verify_webhook(body, None, now=now)


async def test_events_of_the_past_equal_the_webhooks(world: PaymentWorld) -> None:
    reserved = await held(world)
    await world.gateway.void("p:S1:void:1", reserved.ref)
    delivered = await believed(world)
    since = world.clock.now() - timedelta(days=1)
    listed = [event async for event in world.gateway.events(since)]
    assert listed == delivered[::-1]
    assert len(listed) >= 3
