"""What goes wrong in the night, each with its name: crashes, lost answers, odd webhooks, declined cards, late refunds."""

import pytest
from sqlmodel import Session, select

from cm_server.billing import (
    cases,
    charges,
    collection,
    inbox,
    ledger,
    outbox,
    payouts,
    reconcile,
    refunds,
    store,
    sweeper,
)
from cm_server.billing import gateway_outcomes as outcomes
from cm_server.billing.gateway import GatewayUnavailable, WebhookRefused
from cm_server.billing.model import Case, Hold, Payment
from cm_wire.faults import Refused
from cm_wire.ids import PersonId, SessionId
from cm_wire.money import Money
from tests.support.fake_bank import Card
from tests.support.fake_gateway import Fault
from tests.support.money_world import LEARNER, MENTOR, MoneyWorld


async def payment(world: MoneyWorld, session_id: SessionId) -> Payment:
    found = await world.database.read(lambda s: store.payment_of_session(s, session_id))
    assert found is not None
    return found


async def balances(world: MoneyWorld) -> dict[str, int]:
    return {b.code: b.minor for b in await world.database.read(ledger.balances)}


async def assert_clean(world: MoneyWorld) -> None:
    found = await reconcile.reconcile(world.till)
    assert found.is_clean, found


async def later(world: MoneyWorld, seconds: int = 600) -> None:
    await world.clock.advance(seconds)
    await sweeper.sweep(world.till)


# --- the answer is lost ---


@pytest.mark.parametrize("fault", list(Fault))
async def test_a_capture_whose_answer_is_lost_is_taken_once(
    world: MoneyWorld, fault: Fault
) -> None:
    session_id = await world.open(await world.hold())
    await world.serve(session_id, 600)
    world.gateway.faults.append(fault)
    await world.end(session_id)
    for _ in range(6):
        await later(world)
    assert (await payment(world, session_id)).state == "settled"
    assert world.bank.balance_minor("USD") == 666 - 49
    await assert_clean(world)


async def test_a_capture_lost_for_longer_than_keys_are_kept_is_looked_up(
    world: MoneyWorld,
) -> None:
    session_id = await world.open(await world.hold())
    await world.serve(session_id, 600)
    world.gateway.faults.append(Fault.LOST_AFTER)
    await world.end(session_id)
    world.gateway._answers.clear()
    await world.clock.advance(25 * 3600)
    await sweeper.sweep(world.till)
    assert (await payment(world, session_id)).state == "settled"
    await assert_clean(world)


async def test_a_hold_whose_answer_came_after_everybody_left_is_given_back(
    world: MoneyWorld,
) -> None:
    world.gateway.faults.extend([Fault.LOST_AFTER, Fault.LOST_BEFORE])
    with pytest.raises(Refused) as refused:
        await world.hold()
    assert refused.value.fault.code == "unavailable"
    for _ in range(3):
        await later(world)
    assert [type(i.state) for i in world.bank.intents.values()] == [outcomes.Voided]
    assert all(b.pending_minor == 0 for b in await world.database.read(ledger.balances))


async def test_an_hour_without_the_provider_delays_money_and_loses_none(world: MoneyWorld) -> None:
    session_id = await world.open(await world.hold())
    await world.serve(session_id, 600)
    world.gateway.unavailable = True
    issued = await world.end(session_id)
    assert issued.amount == Money(666, "USD")
    for _ in range(6):
        await later(world)
    world.gateway.unavailable = False
    await later(world)
    assert (await payment(world, session_id)).state == "settled"
    await assert_clean(world)


# --- webhooks ---


async def test_a_webhook_before_the_answer_and_three_times_after_it_books_once(
    world: MoneyWorld,
) -> None:
    session_id = await world.open(await world.hold())
    await world.serve(session_id, 600)
    world.gateway.faults.append(Fault.LOST_AFTER)
    await world.end(session_id)
    event = next(e for e in world.bank.sent if e.type == "payment_intent.succeeded")
    body, signature = world.bank.webhook(event)
    for _ in range(3):
        await inbox.receive(world.till, body, signature)
    assert (await payment(world, session_id)).state == "settled"
    await later(world)
    await assert_clean(world)


async def test_a_webhook_that_never_came_is_found(world: MoneyWorld) -> None:
    await world.save_card(Card.CHALLENGE)
    with pytest.raises(Refused) as refused:
        await world.hold()
    assert refused.value.fault.code == "payment-action-needed"
    assert "pay.invalid/challenge" in refused.value.fault.message
    hold = next(iter(world.bank.intents))
    world.bank.pass_challenge(hold)
    assert await sweeper.take_lost_events(world.till) > 0
    rows = await world.database.read(lambda s: s.exec(select(Payment)).all())
    assert [row.state for row in rows] == ["authorised"]


async def test_events_in_the_wrong_order_move_no_state_back(world: MoneyWorld) -> None:
    session_id, _ = await world.whole_session()
    for event in reversed(world.bank.sent):
        await inbox.take(world.till, event)
    assert (await payment(world, session_id)).state == "settled"
    await assert_clean(world)


async def test_forged_and_stale_webhooks_are_refused(world: MoneyWorld) -> None:
    await world.hold()
    body, signature = world.bank.webhook(world.bank.sent[-1])
    with pytest.raises(WebhookRefused):
        await inbox.receive(world.till, body, f"{signature}00")
    with pytest.raises(WebhookRefused):
        await inbox.receive(world.till, body, None)
    await world.clock.advance(301)
    with pytest.raises(WebhookRefused):
        await inbox.receive(world.till, body, signature)


# --- cards ---


@pytest.mark.parametrize("card", [Card.DECLINED, Card.INSUFFICIENT_FUNDS])
async def test_a_declined_card_rings_nobody_and_says_so(world: MoneyWorld, card: Card) -> None:
    await world.save_card(card)
    with pytest.raises(Refused) as refused:
        await world.hold()
    assert refused.value.fault.code == "card-declined"
    assert "Nothing was taken" in refused.value.fault.message


async def test_without_a_card_there_is_no_hold(world: MoneyWorld) -> None:
    await world.database.write(lambda s: s.delete(store.customer(s, LEARNER)))
    with pytest.raises(Refused) as refused:
        await world.hold()
    assert refused.value.fault.code == "card-needed"


async def test_a_passed_challenge_lets_the_ask_go_on(world: MoneyWorld) -> None:
    await world.save_card(Card.CHALLENGE)
    with pytest.raises(Refused):
        await world.hold()
    world.bank.pass_challenge(next(iter(world.bank.intents)))
    world.sessions = 0
    ask = await world.hold()
    assert (await world.database.read(lambda s: store.payments_of_ask(s, ask)))[
        0
    ].state == "authorised"


async def test_a_challenge_nobody_answers_is_given_up(world: MoneyWorld) -> None:
    await world.save_card(Card.CHALLENGE)
    with pytest.raises(Refused):
        await world.hold()
    await later(world, 601)
    await later(world)
    assert [type(i.state) for i in world.bank.intents.values()] == [outcomes.Voided]


async def test_a_cancelled_ask_gives_the_hold_back_at_once(world: MoneyWorld) -> None:
    ask = await world.hold()
    await charges.void(world.till, ask, 1)
    await charges.void(world.till, ask, 1)
    assert [type(i.state) for i in world.bank.intents.values()] == [outcomes.Voided]
    assert all(b.pending_minor == 0 for b in await world.database.read(ledger.balances))


async def test_a_hold_that_expired_is_charged_instead(world: MoneyWorld) -> None:
    session_id = await world.open(await world.hold())
    await world.serve(session_id, 600)
    await world.clock.advance(8 * 86_400)
    await world.end(session_id)
    await later(world)
    assert (await payment(world, session_id)).state == "settled"
    assert world.bank.balance_minor("USD") == 666 - 49
    await assert_clean(world)


async def test_a_charge_that_is_declined_becomes_a_debt_and_blocks_until_paid(
    world: MoneyWorld,
) -> None:
    session_id = await world.open(await world.hold())
    await world.serve(session_id, 600)
    await world.clock.advance(8 * 86_400)
    world.change_cards(Card.DECLINED)
    await world.end(session_id)
    await later(world)
    assert (await payment(world, session_id)).state == "owed"
    assert (await balances(world))[f"USD:learner:{LEARNER}:debt"] == 666
    with pytest.raises(Refused) as refused:
        await world.hold()
    assert refused.value.fault.code == "card-declined"
    with pytest.raises(Refused):
        await collection.charge(world.till, LEARNER)
    assert (await balances(world))[f"USD:learner:{LEARNER}:debt"] == 666
    await world.save_card()
    await collection.charge(world.till, LEARNER)
    assert (await payment(world, session_id)).state == "settled"
    assert (await balances(world))[f"USD:learner:{LEARNER}:debt"] == 0
    await assert_clean(world)


# --- amounts ---


async def test_a_session_in_triage_costs_nothing_and_gives_the_hold_back(
    world: MoneyWorld,
) -> None:
    session_id = await world.open(await world.hold(), start=False)
    await world.serve(session_id, 240)
    issued = await world.end(session_id)
    assert issued.amount == Money(0, "USD")
    assert (await payment(world, session_id)).state == "waived"
    assert [type(i.state) for i in world.bank.intents.values()] == [outcomes.Voided]
    with pytest.raises(Refused) as refused:
        await refunds.request(world.till, session_id, LEARNER, "")
    assert refused.value.fault.code == "wrong-state"


@pytest.mark.parametrize(("price", "charged"), [(735, 0), (750, 50)])
async def test_forty_nine_cents_are_waived_and_fifty_are_charged(
    world: MoneyWorld, price: int, charged: int
) -> None:
    session_id = await world.open(await world.hold(), price=price)
    await world.serve(session_id, 65)
    issued = await world.end(session_id)
    assert issued.amount.minor == charged
    await assert_clean(world)


async def test_an_extension_is_held_before_the_cap_rises(world: MoneyWorld) -> None:
    session_id = await world.open(await world.hold(666), cap_minutes=10)
    await world.serve(session_id, 500)
    await charges.extend(world.till, session_id, 1200)
    assert len(world.bank.intents) == 2
    await world.recorder.extend(session_id, 1200, by=LEARNER)
    await world.serve(session_id, 500)
    issued = await world.end(session_id)
    assert issued.amount == Money(1066, "USD")
    assert (await payment(world, session_id)).state == "settled"
    await assert_clean(world)


async def test_asking_again_for_an_extension_without_an_answer_holds_it_once(
    world: MoneyWorld,
) -> None:
    session_id = await world.open(await world.hold(666), cap_minutes=10)
    world.gateway.unavailable = True
    for _ in range(3):
        with pytest.raises(Refused) as refused:
            await charges.extend(world.till, session_id, 1200)
        assert refused.value.fault.code == "unavailable"
    world.gateway.unavailable = False
    await charges.extend(world.till, session_id, 1200)
    await later(world)
    held = [i for i in world.bank.intents.values() if isinstance(i.state, outcomes.Held)]
    assert [intent.amount.minor for intent in held] == [666, 667]


async def test_an_extension_the_bank_asks_about_goes_on_once_answered(world: MoneyWorld) -> None:
    session_id = await world.open(await world.hold(666), cap_minutes=10)
    world.change_cards(Card.CHALLENGE)
    for _ in range(2):
        with pytest.raises(Refused) as refused:
            await charges.extend(world.till, session_id, 1200)
        assert refused.value.fault.code == "payment-action-needed"
    _, asked = world.bank.intents
    world.bank.pass_challenge(asked)
    await charges.extend(world.till, session_id, 1200)
    assert [type(i.state) for i in world.bank.intents.values()] == [outcomes.Held, outcomes.Held]


@pytest.mark.parametrize("answered", [True, False])
async def test_an_extension_the_bank_never_agreed_to_leaves_cap_and_price_as_they_were(
    world: MoneyWorld,
    answered: bool,
) -> None:
    session_id = await world.open(await world.hold(666), cap_minutes=10)
    world.change_cards(Card.CHALLENGE)
    with pytest.raises(Refused):
        await charges.extend(world.till, session_id, 1200)
    if answered:
        _, asked = world.bank.intents
        world.bank.refuse_challenge(asked)
        with pytest.raises(Refused) as refused:
            await charges.extend(world.till, session_id, 1200)
        assert refused.value.fault.code == "card-declined"
        assert "Nothing was taken" in refused.value.fault.message
    await world.serve(session_id, 700)
    issued = await world.end(session_id)
    await later(world)
    assert issued.amount == Money(666, "USD")
    assert not any(
        isinstance(i.state, outcomes.Held | outcomes.ActionRequired)
        for i in world.bank.intents.values()
    )
    await assert_clean(world)


async def test_a_declined_extension_leaves_cap_and_hold_as_they_were(world: MoneyWorld) -> None:
    session_id = await world.open(await world.hold(666), cap_minutes=10)
    world.change_cards(Card.DECLINED)
    with pytest.raises(Refused) as refused:
        await charges.extend(world.till, session_id, 1200)
    assert refused.value.fault.code == "card-declined"
    await world.serve(session_id, 700)
    issued = await world.end(session_id)
    assert issued.amount == Money(666, "USD")
    await assert_clean(world)


async def test_another_card_saved_meanwhile_pays_the_extension(world: MoneyWorld) -> None:
    session_id = await world.open(await world.hold(666), cap_minutes=10)
    world.change_cards(Card.DECLINED)
    with pytest.raises(Refused):
        await charges.extend(world.till, session_id, 1200)
    await world.save_card()
    await charges.extend(world.till, session_id, 1200)
    kinds = [(i.card, type(i.state)) for i in world.bank.intents.values()]
    assert kinds[-1] == (Card.GOOD, outcomes.Held)


# --- money back ---


async def test_money_back_for_a_short_session_is_automatic(world: MoneyWorld) -> None:
    session_id, _ = await world.whole_session(minutes=4)
    answer = await refunds.request(world.till, session_id, LEARNER, "it did not help")
    assert answer.case_number is None
    assert answer.amount == Money(266, "USD")
    again = await refunds.request(world.till, session_id, LEARNER, "it did not help")
    assert again.case_number is None
    assert len(world.bank.refunds) == 1
    await world.pass_days(4)
    await later(world)
    assert world.bank.transfers == {}
    await assert_clean(world)


async def test_money_back_that_is_no_clear_case_waits_for_the_operator_and_stops_the_payout(
    world: MoneyWorld,
) -> None:
    session_id, issued = await world.whole_session(minutes=20)
    answer = await refunds.request(world.till, session_id, LEARNER, "meh")
    assert answer.case_number is not None
    await world.pass_days(4)
    assert await payouts.release_due(world.till) == []
    decided = await cases.decide(world.till, answer.case_number, "refund", "half of it", 600)
    assert "$6.00" in decided.says
    await later(world)
    await later(world)
    left = issued.amount.minor - 600
    assert [t.amount.minor for _, _, t in world.bank.transfers.values()] == [(left * 8 + 5) // 10]
    await assert_clean(world)


async def test_money_back_can_be_asked_until_the_last_second_and_not_after(
    world: MoneyWorld,
) -> None:
    session_id, _ = await world.whole_session(minutes=4)
    await world.clock.advance(72 * 3600 - 1)
    assert await payouts.release_due(world.till) == []
    await refunds.request(world.till, session_id, LEARNER, "")
    late, _ = await world.whole_session(minutes=4)
    await world.clock.advance(72 * 3600)
    with pytest.raises(Refused) as refused:
        await refunds.request(world.till, late, LEARNER, "")
    assert refused.value.fault.code == "too-late"


async def test_only_the_learner_may_ask_for_money_back(world: MoneyWorld) -> None:
    session_id, _ = await world.whole_session(minutes=4)
    for person in (MENTOR, PersonId("per_other")):
        with pytest.raises(Refused) as refused:
            await refunds.request(world.till, session_id, person, "")
        assert refused.value.fault.code == "no-such-session"


async def test_more_than_was_captured_never_goes_back(world: MoneyWorld) -> None:
    session_id, _ = await world.whole_session(minutes=10)

    def refund(minor: int, session: Session) -> list[str]:
        found = store.payment_of_session(session, session_id)
        assert found is not None
        return refunds.refund(session, world.till, found, Money(minor, "USD"), "test")

    await world.database.write(lambda s: refund(400, s))
    with pytest.raises(Refused) as refused:
        await world.database.write(lambda s: refund(267, s))
    assert refused.value.fault.limit == 266
    await world.database.write(lambda s: refund(266, s))
    await later(world)
    await assert_clean(world)


async def test_a_refund_that_waits_and_then_fails_returns_to_escrow_and_opens_a_case(
    world: MoneyWorld,
) -> None:
    world.bank.refunds_wait = True
    session_id, issued = await world.whole_session(minutes=4)
    await refunds.request(world.till, session_id, LEARNER, "")
    await world.pass_days(4)
    assert await payouts.release_due(world.till) == []
    world.bank.settle_refund(next(iter(world.bank.refunds)), succeeded=False)
    await sweeper.take_lost_events(world.till)
    assert (await balances(world))[f"USD:escrow:{issued.payment_id}"] == -issued.amount.minor
    assert [case.kind for case in await cases.listed(world.till)] == ["refund-failed"]
    await assert_clean(world)


@pytest.mark.parametrize("mentor_pays", [True, False])
async def test_a_refund_after_the_payout_is_taken_back_or_set_off(
    world: MoneyWorld, mentor_pays: bool
) -> None:
    session_id, _ = await world.whole_session(minutes=10)
    await world.pass_days(4)
    await later(world)
    await later(world)
    world.bank.mentor_can_pay_back = mentor_pays

    def refund(session: Session) -> list[str]:
        found = store.payment_of_session(session, session_id)
        assert found is not None
        return refunds.refund(session, world.till, found, Money(666, "USD"), "test")

    await world.database.write(refund)
    await later(world)
    code = f"USD:mentor:{MENTOR}:receivable"
    assert (await balances(world))[code] == (0 if mentor_pays else 533)
    await assert_clean(world)
    await world.whole_session(minutes=20)
    await world.pass_days(4)
    await later(world)
    await later(world)
    assert (await balances(world))[code] == 0
    sent = [t.amount.minor for _, _, t in world.bank.transfers.values()]
    assert sent == [533, 1066 if mentor_pays else 533]
    await assert_clean(world)


# --- payouts and disputes ---


async def test_a_mentor_who_cannot_receive_yet_is_paid_when_they_can(world: MoneyWorld) -> None:
    account = next(iter(world.bank.accounts))
    await world.whole_session(minutes=10)
    world.bank.lose_capability(account)
    await world.pass_days(4)
    await later(world)
    await later(world)
    assert world.bank.transfers == {}
    world.bank.finish_onboarding(account)
    await sweeper.take_lost_events(world.till)
    await later(world, 3601)
    assert [t.amount.minor for _, _, t in world.bank.transfers.values()] == [533]
    await assert_clean(world)


@pytest.mark.parametrize("heard", [True, False])
async def test_a_mentor_whose_account_came_to_life_unheard_is_paid_all_the_same(
    world: MoneyWorld,
    heard: bool,
) -> None:
    """The event never came, or came while the provider did not answer what the account can do now."""
    account = next(iter(world.bank.accounts))
    world.bank.lose_capability(account)
    await sweeper.take_lost_events(world.till)
    await world.whole_session(minutes=10)
    await world.pass_days(4)
    await later(world)
    world.bank.finish_onboarding(account)
    event = world.bank.sent.pop()
    if heard:
        world.gateway.unavailable = True
        with pytest.raises(GatewayUnavailable):
            await inbox.take(world.till, event)
        world.gateway.unavailable = False
    await sweeper.take_lost_events(world.till)
    await later(world)
    assert [t.amount.minor for _, _, t in world.bank.transfers.values()] == [533]
    await assert_clean(world)


async def test_a_dispute_freezes_the_payout_and_its_loss_is_ours(world: MoneyWorld) -> None:
    session_id, _ = await world.whole_session(minutes=10)
    hold = (await world.database.read(lambda s: s.exec(select(Hold)).all()))[0]
    world.bank.open_dispute(outcomes.ChargeRef(hold.charge_ref))
    await sweeper.take_lost_events(world.till)
    await world.pass_days(4)
    assert await payouts.release_due(world.till) == []
    await assert_clean(world)
    assert [case.kind for case in await cases.listed(world.till)] == ["dispute"]
    assert (await payment(world, session_id)).state == "settled"


# --- processes ---


async def test_two_workers_make_a_call_once(world: MoneyWorld) -> None:
    session_id = await world.open(await world.hold())
    await world.serve(session_id, 600)
    world.gateway.unavailable = True
    await world.end(session_id)
    world.gateway.unavailable = False
    await world.clock.advance(600)
    now_ms = world.till.now_ms()
    first = await world.database.write(lambda s: store.lease(s, now_ms, 1000))
    assert first
    assert await outbox.perform_due(world.till) == 0
    await world.clock.advance(2)
    assert await outbox.perform_due(world.till) == 1
    await assert_clean(world)


async def test_an_unknown_movement_at_the_provider_is_named(world: MoneyWorld) -> None:
    await world.whole_session(minutes=10)
    charge = next(
        i.state.charge
        for i in world.bank.intents.values()
        if isinstance(i.state, outcomes.Captured)
    )
    world.bank.refund("by-hand", charge, Money(100, "USD"))
    found = await reconcile.reconcile(world.till)
    assert not found.is_clean
    said = [str(difference) for difference in found.differences]
    assert any("lost webhook, or made by hand" in one for one in said)
    assert any(one.startswith("balance") for one in said)


async def test_a_case_is_decided_once(world: MoneyWorld) -> None:
    session_id, _ = await world.whole_session(minutes=20)
    answer = await refunds.request(world.till, session_id, LEARNER, "meh")
    assert answer.case_number is not None
    await cases.decide(world.till, answer.case_number, "dismiss", "the problem was solved")
    with pytest.raises(Refused):
        await cases.decide(world.till, answer.case_number, "refund", "")
    told = await refunds.request(world.till, session_id, LEARNER, "again")
    assert "the problem was solved" in told.says
    rows = await world.database.read(lambda s: s.exec(select(Case)).all())
    assert len(rows) == 1
