from pathlib import Path

import pytest

from cm_server.payment_service.state import MemoryStore, SqliteStore, Store
from tests.support.stand_in import StandIn

pytestmark = pytest.mark.asyncio


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
async def test_a_restarted_stand_in_goes_on_where_it_was(kind: str, tmp_path: Path) -> None:
    kept = MemoryStore()

    def store() -> Store:
        return kept if kind == "memory" else SqliteStore(tmp_path / "payments.sqlite")

    first = StandIn(store=store())
    held = await first.hold()
    paid = await first.charge()
    await first.charge()
    await first.made("/v1/refunds", charge=paid["latest_charge"], amount="100")
    declined = await first.learner("pm_card_chargeCustomerFail")
    form = {"amount": "100", "currency": "usd", "confirm": "true", **declined}
    answered = await first.post("/v1/payment_intents", key="declined", **form)
    before = await observed(first)
    first.service.close()

    second = StandIn(store=store(), clock=first.clock, first_key=1000)
    assert await observed(second) == before
    replayed = await second.post("/v1/payment_intents", key="declined", **form)
    assert replayed.headers["idempotent-replayed"] == "true"
    assert replayed.json() == answered.json()
    captured = await second.made(f"/v1/payment_intents/{held['id']}/capture")
    assert captured["status"] == "succeeded"
    third = await second.charge()
    assert third["id"] not in {paid["id"], held["id"]}
    await second.service.deliver_due()
    assert len(second.received) == len(list(second.service.world.state.events))
    second.service.close()


async def observed(stand_in: StandIn) -> list[object]:
    paths = ["payment_intents", "charges", "refunds", "balance_transactions", "events"]
    return [await stand_in.get(f"/v1/{path}", limit="100") for path in paths]


async def test_nothing_is_saved_for_a_request_that_changed_nothing() -> None:
    class Counting(MemoryStore):
        saves = 0

        def save(self, rows: list[tuple[str, str, bytes]]) -> None:
            self.saves += 1
            super().save(rows)

    store = Counting()
    stand_in = StandIn(store=store)
    await stand_in.get("/v1/balance")
    assert store.saves == 0
    await stand_in.made("/v1/customers", email="a@example.org")
    assert store.saves == 1
