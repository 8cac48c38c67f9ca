"""One session's money from the hold to the mentor, against the provider's own books."""

from cm_server.billing import ledger, payouts, receipt_check, receipt_document, receipts
from cm_wire.money import Money
from tests.support.money_world import MoneyWorld


async def test_ten_minutes_are_charged_paid_out_and_balance(world: MoneyWorld) -> None:
    session_id, issued = await world.whole_session(minutes=10)
    assert issued.amount == Money(666, "USD")
    await world.work()
    await world.pass_days(3.01)
    assert await payouts.release_due(world.till) == [issued.payment_id]
    await world.work()
    problems = await world.database.read(ledger.verify)
    assert problems == []
    balances = {b.code: b.minor for b in await world.database.read(ledger.balances)}
    assert balances["USD:gateway"] == world.bank.balance_minor("USD")
    assert balances["USD:revenue"] == -133
    assert balances[f"USD:escrow:{issued.payment_id}"] == 0
    assert [t.amount for _, _, t in world.bank.transfers.values()] == [Money(533, "USD")]
    document = await world.database.read(lambda s: receipts.document_of(s, session_id))
    assert document is not None
    raw = receipt_document.encoded(document).encode()
    assert receipt_check.check(raw)[1] == []
