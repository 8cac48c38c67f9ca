"""The control channel under good and bad input, over real sockets. Each bad input is answered by name and the server lives."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from cm_server.people import auth
from cm_wire import frames, limits
from cm_wire.faults import Refused
from cm_wire.ids import AskId, CommandId, FilePath, OfferId, PersonId, SessionId
from cm_wire.session import ChatLine, PausedWhy
from cm_wire.to_client import (
    AskChanged,
    ChatSaid,
    DiagnosticsReported,
    Done,
    MeterMoved,
    OfferMade,
    Pointed,
    SessionChanged,
    SessionOpened,
)
from cm_wire.to_server import (
    AcceptOffer,
    CancelAsk,
    Diagnose,
    EndSession,
    ExtendCap,
    GetReceipt,
    GoOnline,
    Heartbeat,
    Hello,
    PauseMeter,
    PointAt,
    PostAsk,
    ReportDiagnostics,
    Request,
    ResumeMeter,
    SendChat,
    SetMode,
    ShareFile,
    StartMeter,
)
from tests.support import control_client, world
from tests.support.control_client import ControlClient
from tests.support.world import Someone, World

PATH = FilePath("app.py")


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world.running(tmp_path) as running:
        yield running
        # Whatever a test sent, the next good input works.
        survivor = await running.connect(await running.learner("Survivor", None))
        await survivor.beat()


@pytest.mark.parametrize("token", [None, "", "cmt_wrong", "x" * 5_000])
async def test_without_a_valid_token_the_connection_is_closed_with_4401(
    here: World, token: str | None
) -> None:
    stranger = await control_client.opened(here.events_url, token, hello=False)
    assert await stranger.closed() == 4401
    assert [fault.code for fault in stranger.faults] == ["sign-in"]


async def test_a_ticket_in_the_address_works_once(here: World) -> None:
    someone = await here.learner()
    app = here.app
    ticket = await auth.issue_ticket(app.clock, app.database, someone.person.id, 60)
    first = await control_client.opened(f"{here.events_url}?token={ticket}", None)
    here.clients.append(first)
    second = await control_client.opened(f"{here.events_url}?token={ticket}", None, hello=False)
    assert await second.closed() == 4401


async def test_a_foreign_web_page_is_refused_before_the_upgrade(here: World) -> None:
    someone = await here.learner()
    headers = {"Authorization": f"Bearer {someone.token}", "Origin": "https://evil.example"}
    with pytest.raises(InvalidStatus) as refused:
        await connect(here.events_url, additional_headers=headers, proxy=None)
    assert refused.value.response.status_code == 403


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (frames.encode(Request(CommandId("1"), Heartbeat(number=1))), "bad-message"),
        ("{", "bad-message"),
        ("", "bad-message"),
        (
            frames.encode(Request(CommandId("1"), Hello(protocol=99, client="t"))),
            "unsupported-version",
        ),
        (
            frames.encode(Request(CommandId("1"), Hello(protocol=0, client="t"))),
            "unsupported-version",
        ),
    ],
)
async def test_a_connection_that_does_not_begin_with_a_good_hello_is_closed_with_4400(
    here: World, first: str, code: str
) -> None:
    someone = await here.learner()
    rude = await control_client.opened(here.events_url, someone.token, hello=False)
    await rude.socket.send(first)
    assert await rude.closed() == 4400
    assert rude.faults[0].code == code


async def test_who_says_nothing_at_all_is_closed(tmp_path: Path) -> None:
    async with world.running(tmp_path, sign_in_seconds=1) as here:
        someone = await here.learner()
        mute = await control_client.opened(here.events_url, someone.token, hello=False)
        assert await mute.closed() == 4401
        assert mute.faults[0].code == "silent"


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("", "bad-message"),
        ("not json", "bad-message"),
        ("[]", "bad-message"),
        ("null", "bad-message"),
        ('{"id":"x","command":{"type":"Nonsense"}}', "unknown-command"),
        ('{"id":"x","command":{"type":"GoOnline"}', "bad-message"),
        ('{"id":7,"command":{"type":"GoOnline"}}', "bad-message"),
        ('{"id":"","command":{"type":"GoOnline"}}', "bad-message"),
        ('{"id":"x","command":{"type":"CancelAsk"}}', "bad-message"),
        ('{"id":"x","command":{"type":"CancelAsk","ask_id":NaN}}', "bad-message"),
        ('{"id":"x","command":' + "[" * 5_000 + "]" * 5_000 + "}", "bad-message"),
        ('{"id":"x","zzz":' + "[" * 100_000 + "]" * 100_000 + "}", "too-deep"),
    ],
)
async def test_a_malformed_frame_gets_a_fault_and_the_connection_stays(
    here: World, frame: str, code: str
) -> None:
    client = await here.connect(await here.learner())
    waiting = client._answers[CommandId("x")] = asyncio.get_running_loop().create_future()
    await client.socket.send(frame)
    await client.beat()
    faults = [fault.code for fault in client.faults]
    if waiting.done():
        error = waiting.exception()
        assert isinstance(error, Refused)
        faults.append(error.fault.code)
    assert faults == [code]


async def test_a_binary_frame_is_closed_with_1003(here: World) -> None:
    client = await here.connect(await here.learner())
    await client.socket.send(b"\x00\x01")
    assert await client.closed() == 1003


async def test_a_frame_over_the_limit_is_closed_with_1009(here: World) -> None:
    client = await here.connect(await here.learner())
    await client.socket.send(" " * (limits.CONTROL_FRAME_BYTES_MAX + 1))
    assert await client.closed() == 1009


async def test_too_many_messages_are_closed_with_4429(here: World) -> None:
    client = await here.connect(await here.learner())
    flood = [
        frames.encode(Request(CommandId(f"b{number}"), Heartbeat(number=number)))
        for number in range(limits.CONTROL_MESSAGES_BURST + 1)
    ]
    for frame in flood:
        client._answers[frames.request_id(frame)] = asyncio.get_running_loop().create_future()
        await client.socket.send(frame)
    assert await client.closed() == 4429


async def test_a_reader_that_is_too_slow_is_closed_with_1013(here: World) -> None:
    someone = await here.learner()
    client = await here.connect(someone)
    hub = here.app.hub
    # All at once, as no reader could take it: more than the queue holds.
    for number in range(limits.OUTGOING_FRAMES_MAX + 2):
        hub.tell(someone.person.id, ChatSaid(line=_line(number)))
    assert await client.closed() == 1013


async def test_a_full_server_says_so_with_1013(tmp_path: Path) -> None:
    async with world.running(tmp_path, connections_max=1) as here:
        someone = await here.learner()
        await here.connect(someone)
        socket = await connect(
            here.events_url, additional_headers={"Authorization": f"Bearer {someone.token}"}
        )
        await socket.wait_closed()
        assert (socket.close_code, socket.close_reason) == (
            1013,
            "unavailable: This server is full.",
        )


async def test_a_seventh_connection_replaces_the_oldest(here: World) -> None:
    someone = await here.learner()
    oldest = await here.connect(someone)
    for _ in range(6):
        await here.connect(someone)
    assert await oldest.closed() == 4409


async def test_a_command_sent_again_has_one_effect_and_one_answer(here: World) -> None:
    someone = await here.learner()
    client = await here.connect(someone)
    post = PostAsk(context=world.context(), terms=world.terms())
    first = await client.do(post, command_id="ask-1")
    assert await client.do(post, command_id="ask-1") == first
    again = await here.connect(someone)
    assert await again.do(post, command_id="ask-1") == first
    with pytest.raises(Refused) as reused:
        await client.do(CancelAsk(ask_id=AskId("ask_x")), command_id="ask-1")
    assert reused.value.fault.code == "key-used"


async def test_who_comes_back_is_sent_what_was_missed_and_then_the_present_state(
    here: World,
) -> None:
    someone = await here.learner()
    client = await here.connect(someone)
    await client.do(PostAsk(context=world.context(), terms=world.terms()))
    await client.fact(AskChanged, lambda f: f.ask.state == "nobody")
    assert client.welcome is not None
    epoch, seen = client.welcome.epoch, client.last_number
    await client.close()
    mentor = await here.connect(await here.mentor())
    await mentor.do(GoOnline())
    await mentor.fact(OfferMade)

    back = await control_client.opened(here.events_url, someone.token, hello=False)
    here.clients.append(back)
    await back.hello(epoch, seen)
    states = [(await back.fact(AskChanged)).ask.state for _ in range(3)]
    assert "offered" in states
    assert states[-1] == "offered"


@pytest.mark.parametrize(("epoch", "after"), [("another", 3), ("", 0), ("boot-1", 10**9)])
async def test_who_comes_from_nowhere_is_told_the_present_state(
    here: World, epoch: str, after: int
) -> None:
    someone = await here.learner()
    first = await here.connect(someone)
    await first.do(PostAsk(context=world.context(), terms=world.terms()))
    back = await control_client.opened(here.events_url, someone.token, hello=False)
    here.clients.append(back)
    await back.hello(epoch, after)
    assert (await back.fact(AskChanged)).ask.state == "nobody"


async def test_things_that_are_not_yours_are_not_there(here: World) -> None:
    learner, mentor, session, _ = await _in_session(here)
    stranger = await here.connect(await here.learner("Eve"))
    for command in (
        EndSession(session_id=session),
        StartMeter(session_id=session),
        PauseMeter(session_id=session),
        SendChat(session_id=session, text="hi"),
        SetMode(session_id=session, mode="live"),
        GetReceipt(session_id=session),
        Diagnose(session_id=session, text="x", minutes=1),
        ShareFile(session_id=session, path=PATH, language_id="python", text=""),
    ):
        assert (await stranger.refusal(command)).code == "no-such-session", command
    unknown = SessionId("ses_nothere")
    assert (await learner.refusal(EndSession(session_id=unknown))).code == "no-such-session"
    assert (await learner.refusal(CancelAsk(ask_id=AskId("ask_x")))).code == "no-such-ask"
    gone = await mentor.refusal(AcceptOffer(offer_id=OfferId("off_x")))
    assert gone.code == "no-such-offer"


async def test_each_command_is_for_the_one_who_may_give_it(here: World) -> None:
    learner, mentor, session, _ = await _in_session(here)
    for client, command in (
        (learner, Diagnose(session_id=session, text="x", minutes=1)),
        (mentor, StartMeter(session_id=session)),
        (mentor, SetMode(session_id=session, mode="live")),
        (mentor, ExtendCap(session_id=session, minutes=5)),
        (mentor, ShareFile(session_id=session, path=PATH, language_id="python", text="")),
        (learner, GoOnline()),
    ):
        assert (await client.refusal(command)).code == "not-allowed", command
    early = await learner.refusal(StartMeter(session_id=session))
    assert early.code == "wrong-state"
    assert "diagnosis" in early.message or "not in the session" in early.message


async def test_what_is_said_pointed_at_and_reported_reaches_the_other(here: World) -> None:
    learner, mentor, session, _ = await _in_session(here)
    await learner.do(ShareFile(session_id=session, path=PATH, language_id="python", text="x = 1\n"))
    await mentor.do(SendChat(session_id=session, text="hello"))
    assert (await learner.fact(ChatSaid)).line.text == "hello"
    span = world.context().diagnostics[0].span
    await mentor.do(PointAt(session_id=session, path=PATH, span=span, note="here"))
    assert (await learner.fact(Pointed)).pointer.note == "here"
    await learner.do(
        ReportDiagnostics(session_id=session, path=PATH, diagnostics=world.context().diagnostics)
    )
    assert (await mentor.fact(DiagnosticsReported)).report.diagnostics[0].source == "Pyright"
    leaking = (msgspec.structs.replace(world.context().diagnostics[0], message="ghp_" + "a1" * 18),)
    report = ReportDiagnostics(session_id=session, path=PATH, diagnostics=leaking)
    assert (await learner.refusal(report)).code == "secret-found"
    elsewhere = PointAt(session_id=session, path=FilePath("b.py"), span=span)
    assert (await mentor.refusal(elsewhere)).code == "bad-path"
    assert (await mentor.refusal(SendChat(session_id=session, text=" "))).code == "bad-value"


async def test_pausing_resuming_and_extending_show_on_both_sides(here: World) -> None:
    learner, mentor, session, people = await _in_session(here)
    lea, mo = people
    await learner.do(ShareFile(session_id=session, path=PATH, language_id="python", text="x\n"))
    async with here.document(session, lea), here.document(session, mo):
        await mentor.do(Diagnose(session_id=session, text="a typo", minutes=5))
        await learner.do(StartMeter(session_id=session))
        await here.pass_time(65)
        await mentor.do(PauseMeter(session_id=session))
        paused = (await learner.fact(SessionChanged, lambda f: f.session.state == "paused")).session
        assert paused.cap_minutes == 30
        why: PausedWhy = "mentor-paused"
        await learner.fact(MeterMoved, lambda f: f.meter.paused_why == why)
        await here.pass_time(120)
        await mentor.do(ResumeMeter(session_id=session))
        await learner.fact(SessionChanged, lambda f: f.session.state == "live")
        await learner.do(ExtendCap(session_id=session, minutes=15))
        await mentor.fact(SessionChanged, lambda f: f.session.cap_minutes == 45)
        assert (
            await learner.refusal(ExtendCap(session_id=session, minutes=900))
        ).field == "minutes"
        await here.pass_time(60)
        counted = (await mentor.fact(MeterMoved, lambda f: f.meter.billed_seconds == 120)).meter
        assert counted.mentor_share is not None
        assert isinstance(await mentor.do(EndSession(session_id=session)), Done)
    over = await learner.refusal(EndSession(session_id=session))
    assert over.code == "session-over"


async def test_a_mentor_who_comes_back_sees_the_open_offer_with_what_is_left_of_it(
    here: World,
) -> None:
    someone = await here.mentor()
    mentor = await here.connect(someone)
    await mentor.do(GoOnline())
    learner = await here.connect(await here.learner())
    await learner.do(PostAsk(context=world.context(), terms=world.terms()))
    await mentor.fact(OfferMade)
    await here.pass_time(5)
    second = await here.connect(someone)
    left = (await second.fact(OfferMade)).offer.answer_within_ms
    assert left == 10_000


async def test_a_stopping_server_says_so_with_1012(tmp_path: Path) -> None:
    async with world.running(tmp_path) as here:
        client = await here.connect(await here.learner())
        here.app.assembly.control.stop()
        assert await client.closed() == 1012


def _line(number: int) -> ChatLine:
    return ChatLine(
        session_id=SessionId("ses_x"), number=number, author=PersonId("per_x"), text="x", at=""
    )


async def _in_session(
    here: World,
) -> tuple[ControlClient, ControlClient, SessionId, tuple[Someone, Someone]]:
    lea, mo = await here.learner(), await here.mentor()
    learner, mentor = await here.connect(lea), await here.connect(mo)
    await mentor.do(GoOnline())
    await learner.do(PostAsk(context=world.context(), terms=world.terms()))
    offer = (await mentor.fact(OfferMade)).offer
    opened = await mentor.do(AcceptOffer(offer_id=offer.offer_id))
    assert isinstance(opened, SessionOpened)
    return learner, mentor, opened.session_id, (lea, mo)
