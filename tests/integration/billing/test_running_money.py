"""What the running server does about money by itself, seen from outside: routes mounted, every background part started."""

import asyncio
from pathlib import Path

import httpx
from sqlmodel import Session, select

from cm_server import webhooks
from cm_server.ask import board
from cm_server.billing import ledger, payees, receipts, store
from cm_server.billing.model import Hold, InboxRow, Payout, Refund
from cm_server.flow import payments
from cm_server.payment_service import in_process_client
from cm_server.session import register
from cm_wire.ids import SessionId
from cm_wire.money import Money
from cm_wire.to_client import (
    AskPosted,
    Noticed,
    ReceiptIssued,
    SessionChanged,
)
from cm_wire.to_server import (
    EndSession,
    GoOnline,
    PauseMeter,
    PostAsk,
    RequestRefund,
    StartMeter,
)
from tests.support import meeting_pair, server_process, world
from tests.support.control_client import ControlClient
from tests.support.world import Someone, World

DAY = 86_400


async def test_webhooks_come_in_over_http_and_what_is_forged_or_too_large_does_not(
    here: World,
) -> None:
    await _ended(here, seconds=61)
    await here.pass_time(2)
    types = await here.app.database.read(lambda s: list(s.exec(select(InboxRow.type))))
    assert "payment_intent.succeeded" in types
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{here.port}") as http:
        forged = {"Stripe-Signature": "t=1,v1=00"}
        assert (await http.post(webhooks.PATH, content=b"{}", headers=forged)).status_code == 400
        assert (await http.post(webhooks.PATH, content=b"{}")).status_code == 400
        large = b" " * (webhooks.BODY_BYTES_MAX + 1)
        assert (await http.post(webhooks.PATH, content=large)).status_code == 413
        assert (await http.get(webhooks.PATH)).status_code == 405
    again = await here.app.database.read(lambda s: list(s.exec(select(InboxRow.type))))
    assert again == types


async def test_a_mentor_is_paid_when_the_window_closes_and_nobody_does_anything(
    here: World, tmp_path: Path
) -> None:
    _, _, mo = await _ended(here, seconds=121)
    await _onboard(here, mo)
    await here.pass_time(6)
    assert await here.app.database.read(_payouts) == []
    before = await _command(tmp_path, "statement", mo.person.email)
    assert "commission $0.27, yours $1.06: in the money-back window" in before
    here.clock.jump_wall(3 * DAY)
    await here.pass_time(11)
    paid = [("paid", Money(106, "USD").minor)]
    assert [(p.state, p.amount_minor) for p in await here.app.database.read(_payouts)] == paid
    assert await here.app.database.read(ledger.verify) == []
    after = await _command(tmp_path, "statement", mo.person.email)
    assert "yours $1.06: paid\nReleased and not sent yet: nothing\n" in after


async def test_a_case_that_was_decided_on_the_command_line_is_paid_back_by_the_running_server(
    here: World, tmp_path: Path
) -> None:
    session, learner, _ = await _ended(here, seconds=361)
    await learner.do(RequestRefund(session_id=session, reason="It came back."))
    said = (await learner.fact(Noticed)).text
    assert "We look at it" in said
    listed = await _command(tmp_path, "case", "list")
    assert "It came back." in listed
    shown = await _command(tmp_path, "case", "show", "1")
    assert "Charged $4.00, given back $0.00, left $4.00." in shown
    assert "Lea (per_" in shown
    assert "cm-server case refund 1 --note WHY" in shown
    for wrong in (("paid", "1", "--note", "By bank."), ("dismiss", "1", "--amount", "1.00")):
        refused = await asyncio.to_thread(server_process.cm_server, "case", *wrong, data=tmp_path)
        assert refused.returncode in (1, 2), wrong
    unfounded = await asyncio.to_thread(
        server_process.cm_server, "case", "dismiss", "1", data=tmp_path
    )
    assert (unfounded.returncode, "needs its reason" in unfounded.stderr) == (2, True)
    decided = await _command(tmp_path, "case", "refund", "1", "--amount", "2.00", "--note", "Half.")
    assert "$2.00 goes back" in decided
    twice = await asyncio.to_thread(
        server_process.cm_server, "case", "refund", "1", "--note", "All.", data=tmp_path
    )
    assert twice.returncode == 1
    assert "Case 1 is decided already: $2.00 goes back. Half." in twice.stderr
    assert "decided" in await _command(tmp_path, "case", "list", "--all")
    assert "UTC: $2.00 goes back. Half." in await _command(tmp_path, "case", "show", "1")
    await here.pass_time(11)
    assert await here.app.database.read(_refunds) == [("pending", 200)]
    # Refunds draw on money that has settled, which takes the provider two days.
    here.clock.jump_wall(2 * DAY)
    await here.pass_time(2)
    assert await here.app.database.read(_refunds) == [("succeeded", 200)]
    assert await _command(tmp_path, "case", "list") == "No case is open.\n"


async def test_a_session_paused_for_days_ends_before_the_bank_lets_go_of_its_money(
    here: World,
) -> None:
    session, learner, mentor, who = await meeting_pair.counting(here)
    async with here.document(session, who[0]), here.document(session, who[1]):
        await learner.do(StartMeter(session_id=session))
        await here.pass_time(121)
        await learner.do(PauseMeter(session_id=session))
        expires_ms = await here.app.database.read(_capture_before_ms)
        left = expires_ms / 1000 - here.clock.now().timestamp() - DAY
        here.clock.jump_wall(left - 120)
        await here.pass_time(62)
        standing = await here.app.database.read(lambda s: register.find(s, session))
        assert standing.state == "paused"
        for _ in range(10):
            await here.pass_time(30)
            if here.works.live.get(session) is None:
                break
    ended = await learner.fact(SessionChanged, lambda f: f.session.state == "ended")
    assert ended.session.ended_why == "hold-expires"
    assert "one more day" in (await learner.fact(Noticed)).text
    issued = await mentor.fact(ReceiptIssued)
    assert issued.amount == Money(133, "USD")
    assert here.clock.now().timestamp() * 1000 < expires_ms
    payment = await here.app.database.read(lambda s: store.payment_of_session(s, session))
    assert payment is not None
    assert payment.state == "settled"


async def test_money_held_for_an_ask_whose_end_was_cut_off_is_given_back(here: World) -> None:
    learner = await here.connect(await here.learner())
    await (await here.connect(await here.mentor())).do(GoOnline())
    posted = await learner.do(PostAsk(context=world.context(), terms=world.terms()))
    assert isinstance(posted, AskPosted)
    await payments.settle_left(here.works)
    assert await here.app.database.read(_hold_states) == ["held"]
    await here.app.database.write(
        lambda s: board.move(s, posted.ask_id, "cancelled", here.works.desk.now_ms())
    )
    await payments.settle_left(here.works)
    assert await here.app.database.read(_hold_states) == ["void"]


async def test_a_session_whose_end_was_cut_off_gets_its_receipt(here: World) -> None:
    session, learner, _, who = await meeting_pair.counting(here)
    async with here.document(session, who[0]), here.document(session, who[1]):
        await learner.do(StartMeter(session_id=session))
        await here.pass_time(61)
        await payments.settle_left(here.works)
        assert await here.app.database.read(lambda s: receipts.of_session(s, session)) is None
        await here.works.recorder.end(session, "learner-ended")
    await payments.settle_left(here.works)
    issued = await here.app.database.read(lambda s: receipts.of_session(s, session))
    assert issued is not None
    assert issued.amount == Money(66, "USD")
    assert await here.app.database.read(_hold_states) == ["captured"]


async def _ended(here: World, seconds: int) -> tuple[SessionId, ControlClient, Someone]:
    session, learner, _, who = await meeting_pair.counting(here)
    async with here.document(session, who[0]) as left, here.document(session, who[1]):
        await learner.do(StartMeter(session_id=session))
        for passed in range(0, seconds, 100):
            await here.pass_time(min(100, seconds - passed))
            left.text(meeting_pair.PATH).insert(0, "#")
        await learner.do(EndSession(session_id=session))
    await learner.fact(ReceiptIssued)
    return session, learner, who[1]


async def _onboard(here: World, mo: Someone) -> None:
    """Through the provider's own page."""
    till, service = here.works.desk.till, here.app.payments.embedded
    assert service is not None
    page = await payees.mentor_page(
        till,
        mo.person.id,
        email=mo.person.email,
        name="Mo",
        country="US",
        base_url=meeting_pair.PAYMENT_PAGES,
    )
    async with in_process_client.client(service.pages) as browser:
        path = page.url.removeprefix(meeting_pair.PAYMENT_PAGES)
        await browser.post(f"{in_process_client.BASE_URL}{path}", data={"answer": "done"})


async def _command(data: Path, *words: str) -> str:
    ended = await asyncio.to_thread(server_process.cm_server, *words, data=data)
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


def _payouts(session: Session) -> list[Payout]:
    return list(session.exec(select(Payout)))


def _refunds(session: Session) -> list[tuple[str, int]]:
    return [(refund.state, refund.amount_minor) for refund in session.exec(select(Refund))]


def _hold_states(session: Session) -> list[str]:
    return list(session.exec(select(Hold.state)))


def _capture_before_ms(session: Session) -> int:
    (expires_ms,) = session.exec(select(Hold.capture_before_ms))
    assert expires_ms is not None
    return expires_ms
