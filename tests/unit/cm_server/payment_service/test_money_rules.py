from datetime import timedelta

import pytest

from cm_server.payment_service import accounts, balance, disputes, refunds
from cm_server.payment_service.world import Settings
from tests.support.payment_worlds import PaymentClock
from tests.support.stand_in import BACK, StandIn, error

pytestmark = pytest.mark.asyncio


@pytest.fixture
def stand_in() -> StandIn:
    return StandIn()


@pytest.fixture
def slow_settlement() -> StandIn:
    return StandIn(settings=Settings(settlement_seconds=2 * 86_400))


@pytest.mark.parametrize(
    ("amount", "currency", "expected"),
    [
        ("49", "usd", (400, "amount_too_small")),
        ("50", "usd", 200),
        ("49", "jpy", (400, "amount_too_small")),
        ("50", "jpy", 200),
        ("10050", "isk", (400, "invalid_charge_amount_no_decimal_compatible")),
        ("10100", "isk", 200),
        ("1501", "twd", 200),
        ("99999999", "usd", 200),
        ("100000000", "usd", (400, "amount_too_large")),
        ("0", "usd", (400, "parameter_invalid_integer")),
        ("1000", "USD", (400, "parameter_invalid")),
        ("1000", "xxx", (400, "parameter_invalid")),
    ],
)
async def test_amounts_a_card_network_takes(
    stand_in: StandIn, amount: str, currency: str, expected: int | tuple[int, str]
) -> None:
    paying = await stand_in.learner()
    answer = await stand_in.post(
        "/v1/payment_intents", amount=amount, currency=currency, confirm="true", **paying
    )
    assert (answer.status_code if isinstance(expected, int) else error(answer)) == expected


async def test_anothers_card_is_refused(stand_in: StandIn) -> None:
    paying = await stand_in.learner()
    other = await stand_in.learner()
    form = {**paying, "payment_method": other["payment_method"]}
    answer = await stand_in.post("/v1/payment_intents", amount="100", currency="usd", **form)
    assert error(answer) == (400, "payment_method_customer_mismatch")


async def test_capture_happens_once_and_only_of_a_hold(stand_in: StandIn) -> None:
    held = await stand_in.hold()
    path = f"/v1/payment_intents/{held['id']}"
    done = await stand_in.made(f"{path}/capture", amount_to_capture="600")
    assert (done["amount_received"], done["amount_capturable"]) == (600, 0)
    for action in ("capture", "cancel", "confirm"):
        answer = await stand_in.post(f"{path}/{action}")
        assert error(answer) == (400, "payment_intent_unexpected_state")


async def test_off_session_holds_end_earlier(stand_in: StandIn) -> None:
    paying = await stand_in.learner()
    made = await stand_in.made(
        "/v1/payment_intents",
        amount="1000",
        currency="usd",
        confirm="true",
        capture_method="manual",
        off_session="true",
        **paying,
    )
    stand_in.clock.advance(timedelta(days=4, hours=18))
    found = await stand_in.get(f"/v1/payment_intents/{made['id']}")
    assert (found["status"], found["cancellation_reason"]) == ("canceled", "automatic")


async def test_refund_waits_for_available_money_and_then_succeeds(
    slow_settlement: StandIn,
) -> None:
    paid = await slow_settlement.charge()
    refund = await slow_settlement.made("/v1/refunds", charge=paid["latest_charge"], amount="500")
    assert (refund["status"], refund["pending_reason"]) == ("pending", "insufficient_funds")
    slow_settlement.clock.advance(timedelta(days=2) - timedelta(seconds=1))
    assert (await slow_settlement.get(f"/v1/refunds/{refund['id']}"))["status"] == "pending"
    slow_settlement.clock.advance(timedelta(seconds=1))
    await slow_settlement.service.deliver_due()
    found = await slow_settlement.get(f"/v1/refunds/{refund['id']}")
    assert found["status"] == "succeeded"
    (line,) = (await slow_settlement.get("/v1/balance"))["available"]
    assert line["amount"] == 1000 - 59 - 500


async def test_failed_refund_brings_the_money_back(stand_in: StandIn) -> None:
    await stand_in.charge()
    paid = await stand_in.charge()
    refund = await stand_in.made("/v1/refunds", charge=paid["latest_charge"])
    before = balance.total(stand_in.service.world, "usd")
    stand_in.service.change(lambda world: refunds.fail(world, refund["id"]))
    assert balance.total(stand_in.service.world, "usd") == before + 1000
    again = await stand_in.made("/v1/refunds", charge=paid["latest_charge"])
    assert again["status"] == "succeeded"


async def test_unsourced_transfer_needs_available_money(slow_settlement: StandIn) -> None:
    account = await _ready_account(slow_settlement)
    paid = await slow_settlement.charge()
    form = {"amount": "500", "currency": "usd", "destination": account}
    assert error(await slow_settlement.post("/v1/transfers", **form)) == (
        400,
        "balance_insufficient",
    )
    sourced = await slow_settlement.post(
        "/v1/transfers", source_transaction=paid["latest_charge"], **form
    )
    assert sourced.status_code == 200
    world = slow_settlement.service.world
    assert balance.available(world, "usd", owner=account) == 0
    assert balance.total(world, "usd", owner=account) == 500


async def test_transfers_from_one_charge_stop_at_its_amount(stand_in: StandIn) -> None:
    account = await _ready_account(stand_in)
    paid = await stand_in.charge()
    form = {
        "currency": "usd",
        "destination": account,
        "source_transaction": paid["latest_charge"],
    }
    await stand_in.made("/v1/transfers", amount="700", **form)
    too_much = await stand_in.post("/v1/transfers", amount="301", **form)
    assert error(too_much) == (400, "balance_insufficient")
    await stand_in.made("/v1/transfers", amount="300", **form)


async def test_dispute_costs_its_fee_even_when_won(stand_in: StandIn) -> None:
    paid = await stand_in.charge()
    world = stand_in.service.world
    before = balance.total(world, "usd")
    charge = world.state.charges.get(paid["latest_charge"])
    stand_in.service.change(lambda w: disputes.open_dispute(w, charge))
    (dispute,) = world.state.disputes
    assert balance.total(world, "usd") == before - 1000 - 1500
    refused = await stand_in.post("/v1/refunds", charge=charge.id)
    assert error(refused) == (400, "charge_disputed")
    stand_in.service.change(lambda w: disputes.decide(w, dispute.id, won=True))
    stand_in.service.change(lambda w: disputes.decide(w, dispute.id, won=False))
    assert balance.total(world, "usd") == before - 1500


async def test_unanswered_dispute_is_lost_after_its_deadline(stand_in: StandIn) -> None:
    paid = await stand_in.charge()
    world = stand_in.service.world
    charge = world.state.charges.get(paid["latest_charge"])
    stand_in.service.change(lambda w: disputes.open_dispute(w, charge))
    stand_in.clock.advance(timedelta(days=7))
    await stand_in.service.deliver_due()
    (dispute,) = world.state.disputes
    assert dispute.status == "lost"


async def test_fees_round_half_up() -> None:
    stand_in = StandIn(PaymentClock())
    for amount, fee in ((50, 31), (333, 40), (1666, 78), (4000, 146), (1517, 74), (1500, 74)):
        assert balance.card_fee(stand_in.service.world, amount) == fee


async def test_declined_intent_is_confirmed_with_another_card(stand_in: StandIn) -> None:
    paying = await stand_in.learner("pm_card_chargeDeclinedExpiredCard")
    declined = await stand_in.post(
        "/v1/payment_intents", amount="900", currency="usd", confirm="true", **paying
    )
    assert error(declined) == (402, "expired_card")
    intent = declined.json()["error"]["payment_intent"]
    assert (intent["status"], intent["amount_received"]) == ("requires_payment_method", 0)
    path = "/v1/payment_methods/pm_card_mastercard/attach"
    good = await stand_in.made(path, customer=paying["customer"])
    paid = await stand_in.made(
        f"/v1/payment_intents/{intent['id']}/confirm", payment_method=good["id"]
    )
    assert (paid["status"], paid["last_payment_error"]) == ("succeeded", None)


async def test_detached_card_pays_no_more(stand_in: StandIn) -> None:
    paying = await stand_in.learner()
    await stand_in.made(f"/v1/payment_methods/{paying['payment_method']}/detach")
    again = await stand_in.post(f"/v1/payment_methods/{paying['payment_method']}/detach")
    assert error(again) == (400, "payment_method_unexpected_state")
    refused = await stand_in.post("/v1/payment_intents", amount="100", currency="usd", **paying)
    assert error(refused) == (400, "payment_method_customer_mismatch")


async def test_closing_a_dispute_gives_in(stand_in: StandIn) -> None:
    paid = await stand_in.charge()
    charge = stand_in.service.world.state.charges.get(paid["latest_charge"])
    stand_in.service.change(lambda world: disputes.open_dispute(world, charge))
    (found,) = (await stand_in.get("/v1/disputes", charge=charge.id))["data"]
    closed = await stand_in.made(f"/v1/disputes/{found['id']}/close")
    assert closed["status"] == "lost"
    late = await stand_in.post(f"/v1/disputes/{found['id']}", submit="true")
    assert error(late) == (400, "dispute_unexpected_state")


async def test_misspelt_parameters_fail_before_anything_is_made(stand_in: StandIn) -> None:
    paying = await stand_in.learner()
    answer = await stand_in.post(
        "/v1/payment_intents", amount="100", currency="usd", capture_metod="manual", **paying
    )
    assert error(answer) == (400, "parameter_unknown")
    assert list(stand_in.service.world.state.intents) == []


async def _ready_account(stand_in: StandIn) -> str:
    body = {
        "identity": {"country": "US"},
        "configuration": {
            "recipient": {
                "capabilities": {"stripe_balance": {"stripe_transfers": {"requested": True}}}
            }
        },
    }
    account = (await stand_in.http.post("/v2/core/accounts", json=body)).json()["id"]
    link_body = {
        "account": account,
        "use_case": {
            "type": "account_onboarding",
            "account_onboarding": {"refresh_url": BACK, "return_url": BACK},
        },
    }
    await stand_in.http.post("/v2/core/account_links", json=link_body)
    (link,) = stand_in.service.world.state.account_links
    stand_in.service.change(lambda world: accounts.finish_onboarding(world, link))
    return str(account)
