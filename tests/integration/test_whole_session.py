"""A whole session over real sockets, from the ask to the receipt, with the embedded payment service."""

from pathlib import Path

from cm_server.billing import receipts
from cm_server.meter import minutes
from cm_server.meter import store as meters
from cm_wire.ids import FilePath, SessionId
from cm_wire.money import Money
from cm_wire.to_client import (
    AskChanged,
    AskPosted,
    Document,
    EditsStored,
    MeterMoved,
    OfferMade,
    ReceiptIssued,
    SessionChanged,
    SessionOpened,
)
from cm_wire.to_server import (
    AcceptOffer,
    Diagnose,
    EndSession,
    GetPatch,
    GetReceipt,
    GoOnline,
    PostAsk,
    RateSession,
    SetMode,
    ShareFile,
    StartMeter,
)
from tests.support import world
from tests.support.control_client import ControlClient
from tests.support.world import World

BROKEN = "import asyncio\n\nasyncio.run(main)\n"
PATH = FilePath("app.py")


async def test_an_ask_becomes_a_session_and_a_receipt_that_the_log_recomputes(
    tmp_path: Path,
) -> None:
    async with world.running(tmp_path, payments="embedded") as here:
        await _play(here)


async def _play(here: World) -> None:
    lea, mo = await here.learner(), await here.mentor(price=1000, skills="python asyncio")
    learner, mentor = await here.connect(lea), await here.connect(mo)
    await mentor.do(GoOnline())
    posted = await learner.do(PostAsk(context=world.context(BROKEN), terms=world.terms()))
    assert isinstance(posted, AskPosted)
    offer = (await mentor.fact(OfferMade)).offer
    assert offer.context.excerpt.text == BROKEN
    assert offer.earns_at_most == Money(1600, "USD")
    opened = await mentor.do(AcceptOffer(offer_id=offer.offer_id))
    assert isinstance(opened, SessionOpened)
    session = opened.session_id
    assert (await learner.fact(AskChanged, lambda f: f.ask.state == "matched")).ask.why == ""
    assert (await learner.fact(SessionChanged)).session.state == "triage"

    await learner.do(ShareFile(session_id=session, path=PATH, language_id="python", text=BROKEN))
    await learner.do(SetMode(session_id=session, mode="live"))
    async with here.document(session, lea) as left, here.document(session, mo) as right:
        for client in (left, right):
            await client.waiting_for(lambda c: c.read(PATH) == BROKEN)
        left.text(PATH).insert(0, "# mine\n")
        right.text(PATH).insert(len(str(right.text(PATH)).encode()) - 2, "()")
        fixed = "# mine\nimport asyncio\n\nasyncio.run(main())\n"
        for client in (left, right):
            await client.waiting_for(lambda c: c.read(PATH) == fixed)
        await mentor.fact(EditsStored, lambda f: f.client == right.client_id and f.clock >= 2)

        await mentor.do(Diagnose(session_id=session, text="main is never called", minutes=5))
        await learner.do(StartMeter(session_id=session))
        await learner.fact(SessionChanged, lambda f: f.session.state == "live")
        await here.pass_time(100)
        left.text(PATH).insert(0, "#")
        await right.waiting_for(lambda c: c.read(PATH) == f"#{fixed}")
        await here.pass_time(100)
        shown = (await learner.fact(MeterMoved, lambda f: f.meter.billed_seconds == 180)).meter
        assert shown.amount == Money(200, "USD")
        await learner.do(EndSession(session_id=session))
    issued = await learner.fact(ReceiptIssued)
    assert (issued.amount, issued.billed_seconds) == (Money(200, "USD"), 180)
    assert (await mentor.fact(ReceiptIssued)).receipt_id == issued.receipt_id

    await learner.do(RateSession(session_id=session, stars=5, solved=True))
    await mentor.do(RateSession(session_id=session, stars=5))
    await learner.fact(SessionChanged, lambda f: f.session.state == "closed")
    patch = await learner.do(GetPatch(session_id=session))
    assert isinstance(patch, Document)
    assert "+asyncio.run(main())" in patch.text
    receipt = await mentor.do(GetReceipt(session_id=session))
    assert isinstance(receipt, Document)
    assert "$2.00" in receipt.text

    facts = await here.app.database.read(lambda s: meters.read_facts(s, session))
    assert minutes.fold(facts).amount == issued.amount
    document = await here.app.database.read(lambda s: receipts.document_of(s, session))
    assert document is not None
    assert document.charged == issued.amount


async def test_a_restarted_server_goes_on_with_the_session_and_bills_nothing_of_the_gap(
    tmp_path: Path,
) -> None:
    async with world.running(tmp_path) as before:
        lea, mo = await before.learner(), await before.mentor(price=900)
        learner, mentor = await before.connect(lea), await before.connect(mo)
        session = await _opened(learner, mentor)
        async with before.document(session, lea), before.document(session, mo):
            await mentor.do(Diagnose(session_id=session, text="a typo", minutes=5))
            await learner.do(StartMeter(session_id=session))
            await before.pass_time(65)
        clock, payments = before.clock, before.app.payments

    async with world.running(tmp_path, clock.restarted(gap_seconds=600), payments) as after:
        learner, mentor = await after.connect(lea), await after.connect(mo)
        found = (await learner.fact(SessionChanged)).session
        assert (found.session_id, found.state) == (session, "paused")
        assert (await mentor.fact(MeterMoved)).meter.paused_why in (
            "server-restarted",
            "learner-away",
        )
        async with after.document(session, lea) as left, after.document(session, mo):
            await left.waiting_for(lambda c: c.read(PATH) == BROKEN)
            await after.pass_time(61)
            await learner.fact(SessionChanged, lambda f: f.session.state == "live")
            await learner.do(EndSession(session_id=session))
        issued = await learner.fact(ReceiptIssued)
        # A minute before and a minute after; of the ten between, nothing.
        assert (issued.billed_seconds, issued.amount) == (120, Money(120, "USD"))


async def _opened(learner: ControlClient, mentor: ControlClient) -> SessionId:
    await mentor.do(GoOnline())
    await learner.do(PostAsk(context=world.context(BROKEN), terms=world.terms()))
    offer = (await mentor.fact(OfferMade)).offer
    opened = await mentor.do(AcceptOffer(offer_id=offer.offer_id))
    assert isinstance(opened, SessionOpened)
    session = opened.session_id
    await learner.do(ShareFile(session_id=session, path=PATH, language_id="python", text=BROKEN))
    return session
