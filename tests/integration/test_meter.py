"""Live meters against a real database: what stops them, what is never billed, and who may write."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlmodel import SQLModel

from cm_server.billing import receipt_check, receipt_document, receipts
from cm_server.db import StorageUnavailable
from cm_server.meter import counting, facts, minutes, store
from cm_server.meter.facts import CountingStarted
from cm_server.meter.model import MeterMark
from cm_server.meter.recorder import Recorder
from cm_server.session import events
from cm_wire import faults
from cm_wire.faults import Refused
from cm_wire.ids import SessionId
from cm_wire.money import Money
from tests.support import money_world
from tests.support.money_world import LEARNER, MENTOR, MoneyWorld, Screen


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[MoneyWorld]:
    made = money_world.new(tmp_path)
    await made.save_card()
    yield made
    await made.close()


@pytest.fixture
async def live(world: MoneyWorld) -> SessionId:
    return await world.open(await world.hold())


async def counted(world: MoneyWorld, session_id: SessionId) -> int:
    ended = await world.recorder.end(session_id, "learner-ended", by=LEARNER)
    return ended.counted_ms // 1000


async def test_meter_stops_at_last_sign_of_life_when_link_drops(
    world: MoneyWorld, live: SessionId
) -> None:
    await world.serve(live, 100)
    await world.serve(live, 180, learner=False)
    assert world.recorder.view(live, "mentor").paused_why == "learner-away"
    assert await counted(world, live) == 100


@pytest.mark.parametrize(
    ("silence", "billed"), [(4, 204), (9, 209), (10, 199), (19, 199), (21, 199)]
)
async def test_a_short_silence_is_billed_and_a_long_one_is_not(
    world: MoneyWorld, live: SessionId, silence: int, billed: int
) -> None:
    await world.serve(live, 100)
    await world.serve(live, silence, learner=False)
    await world.serve(live, 100)
    assert await counted(world, live) == pytest.approx(billed, abs=1)


async def test_a_silence_nobody_noticed_in_time_is_not_billed(
    world: MoneyWorld, live: SessionId
) -> None:
    """The machine slept: no tick ran, and the first thing heard is a frame of each."""
    await world.serve(live, 100)
    await world.clock.advance(3600)
    for role in counting.ROLES:
        world.recorder.hear(live, role, active=True)
    await world.recorder.tick()
    assert await counted(world, live) == 100


async def test_a_closed_connection_stops_the_meter_at_once(
    world: MoneyWorld, live: SessionId
) -> None:
    await world.serve(live, 60)
    world.recorder.left(live, "mentor")
    await world.clock.advance(3)
    world.recorder.joined(live, "mentor")
    world.recorder.hear(live, "learner")
    await world.recorder.tick()
    await world.serve(live, 60)
    assert await counted(world, live) == pytest.approx(120, abs=1)


async def test_nobody_active_stops_after_three_minutes_and_activity_goes_on(
    world: MoneyWorld, live: SessionId
) -> None:
    for _ in range(300):
        await world.clock.advance(1)
        for role in counting.ROLES:
            world.recorder.hear(live, role)
        await world.recorder.tick()
    assert world.recorder.view(live, "learner").paused_why == "idle"
    await world.serve(live, 61)
    assert await counted(world, live) == pytest.approx(240, abs=1)


async def test_texts_out_of_sync_are_not_billed(world: MoneyWorld, live: SessionId) -> None:
    await world.serve(live, 60)
    world.recorder.set_sync(live, in_sync=False)
    await world.serve(live, 60)
    assert world.recorder.view(live, "learner").paused_why == "out-of-sync"
    world.recorder.set_sync(live, in_sync=True)
    await world.recorder.tick()
    await world.serve(live, 60)
    assert await counted(world, live) == 120


async def test_each_pause_is_lifted_by_who_made_it(world: MoneyWorld, live: SessionId) -> None:
    await world.serve(live, 60)
    await world.recorder.pause(live, "learner", by=LEARNER)
    await world.recorder.pause(live, "mentor", by=MENTOR)
    await world.recorder.resume(live, "learner", by=LEARNER)
    await world.serve(live, 60)
    assert world.recorder.view(live, "learner").paused_why == "mentor-paused"
    await world.restart(gap_seconds=5)
    for role in counting.ROLES:
        world.recorder.joined(live, role)
    await world.serve(live, 60)
    assert world.recorder.view(live, "learner").paused_why == "mentor-paused"
    await world.recorder.resume(live, "mentor", by=MENTOR)
    assert await counted(world, live) == 60


async def test_cap_warns_at_eighty_percent_stops_exactly_and_goes_on_when_extended(
    world: MoneyWorld,
) -> None:
    session_id = await world.open(await world.hold(666), cap_minutes=10)
    await world.serve(session_id, 479)
    assert not world.recorder.view(session_id, "learner").warned
    await world.serve(session_id, 2)
    assert world.recorder.view(session_id, "learner").warned
    await world.serve(session_id, 200)
    view = world.recorder.view(session_id, "learner")
    assert (view.paused_why, view.counted_seconds, view.billed_seconds) == ("cap-reached", 600, 600)
    await world.serve(session_id, 300)
    assert world.screen.lapsed == ["cap-reached"]
    await world.recorder.extend(session_id, 1200, by=LEARNER)
    await world.serve(session_id, 60)
    assert await counted(world, session_id) == 660


async def test_final_amount_is_never_above_the_last_shown_while_running(
    world: MoneyWorld, live: SessionId
) -> None:
    await world.serve(live, 59)
    await world.clock.advance(1)
    for role in counting.ROLES:
        world.recorder.hear(live, role, active=True)
    shown = [view for view in world.screen.shown if view.state == "running"][-1]
    ended = await world.recorder.end(live, "learner-ended", by=LEARNER)
    assert ended.amount <= shown.amount


async def test_the_mentor_sees_their_share_and_the_learner_the_same_amount(
    world: MoneyWorld, live: SessionId
) -> None:
    await world.serve(live, 600)
    assert world.recorder.view(live, "learner").mentor_share is None
    mentor = world.recorder.view(live, "mentor")
    assert mentor.mentor_share is not None
    assert (mentor.amount.minor, mentor.mentor_share.minor) == (666, 533)
    assert [v.amount for v in world.screen.shown] == [v.amount for v in world.screen.mentor_shown]


@pytest.mark.parametrize("checkpointed", [True, False])
async def test_killing_the_server_bills_no_second_of_the_gap(
    world: MoneyWorld, live: SessionId, checkpointed: bool
) -> None:
    await world.serve(live, 120)
    if checkpointed:
        await world.recorder.checkpoint()
    await world.serve(live, 4)
    await world.restart(gap_seconds=3600)
    for role in counting.ROLES:
        world.recorder.joined(live, role)
    await world.recorder.tick()
    await world.serve(live, 60)
    assert await counted(world, live) == (180 if checkpointed else 60)


async def test_a_process_that_lost_the_meter_can_write_no_more(
    world: MoneyWorld, live: SessionId
) -> None:
    await world.serve(live, 60)
    other = Recorder(world.clock, world.database, Screen())
    assert await other.take(live)
    await world.serve(live, 60)
    await world.recorder.checkpoint()
    assert not world.recorder.owns(live)
    assert other.owns(live)
    with pytest.raises(Refused):
        await world.recorder.end(live, "late", by=LEARNER)


async def test_an_old_owners_fact_is_refused_by_its_epoch(
    world: MoneyWorld, live: SessionId
) -> None:
    await world.serve(live, 60)
    await Recorder(world.clock, world.database, Screen()).take(live)
    with pytest.raises(store.Fenced):
        await world.recorder.pause(live, "learner", by=LEARNER)
    at = events.moment(world.clock)
    fact = CountingStarted(boot=at.boot_id, epoch=1, from_ms=0, from_utc_ms=0)
    with pytest.raises(store.Fenced):
        await world.database.write(lambda s: store.write_facts(s, live, 1, [fact], at=at))


async def test_jumps_of_the_wall_clock_change_no_bill(world: MoneyWorld, live: SessionId) -> None:
    await world.serve(live, 100)
    world.clock.jump_wall(-3600)
    await world.serve(live, 100)
    world.clock.jump_wall(7200)
    await world.serve(live, 100)
    assert await counted(world, live) == 300


async def test_triage_counts_nothing_and_start_needs_both(world: MoneyWorld) -> None:
    session_id = await world.open(await world.hold(), start=False)
    with pytest.raises(Refused) as refused:
        await world.recorder.start(session_id, by=LEARNER)
    assert refused.value.fault.code == "wrong-state"
    with pytest.raises(Refused):
        await world.recorder.pause(session_id, "learner", by=LEARNER)
    await world.serve(session_id, 120)
    assert await counted(world, session_id) == 0


async def test_the_end_is_final(world: MoneyWorld, live: SessionId) -> None:
    await world.serve(live, 60)
    await world.recorder.end(live, "learner-ended", by=LEARNER)
    await world.serve(live, 60)
    with pytest.raises(Refused):
        await world.recorder.end(live, "again", by=LEARNER)
    assert not await world.recorder.take(live)
    folded = await world.database.read(lambda s: minutes.fold(store.read_facts(s, live)))
    assert folded.counted_ms == 60_000


async def test_a_database_that_fails_bills_nothing_for_it(
    world: MoneyWorld, live: SessionId
) -> None:
    await world.serve(live, 60)
    await world.database.close()
    with pytest.raises(StorageUnavailable):
        await world.recorder.pause(live, "learner", by=LEARNER)
    await world.serve_silently(live, 60)
    await world.restart(gap_seconds=0)
    folded = await world.database.read(lambda s: minutes.fold(store.read_facts(s, live)))
    assert folded.counted_ms == 0  # nothing after the last checkpoint is proved


async def test_a_receipt_equals_what_its_log_recomputes_to_and_says_where_it_was_changed(
    world: MoneyWorld, live: SessionId
) -> None:
    await world.serve(live, 130)
    await world.recorder.pause(live, "learner", by=LEARNER)
    await world.serve(live, 30)
    await world.recorder.resume(live, "learner", by=LEARNER)
    await world.serve(live, 100)
    await world.end(live)
    document = await world.database.read(lambda s: receipts.document_of(s, live))
    assert document is not None
    log = await world.database.read(lambda s: events.read(s, live))
    assert document.bill == receipt_document.bill_of(log[: len(document.log)])
    raw = receipt_document.encoded(document)
    assert receipt_check.check(raw.encode()) == (document, [])
    for old, new, where in (
        ('"counted_ms":230000', '"counted_ms":290000', "bill.counted_ms"),
        ('"why":"learner-paused"', '"why":"idle"', "bill.not_billed"),
        ("learner-ended", "mentor-ended", "log entry"),
        ('"charged":{"minor":200', '"charged":{"minor":900', "charged"),
        ('"learner_name":"Lea"', '"learner_name":"Leo"', "digest"),
        ("codementor-receipt/1", "codementor-receipt/9", "format"),
        ('"bill":{', '"bil":{', "receipt"),
    ):
        assert old in raw, old
        _, findings = receipt_check.check(raw.replace(old, new, 1).encode())
        assert any(str(finding).startswith(where) for finding in findings), (old, findings)


# --- the recorder beside its world ---


async def until(holds: Callable[[], bool]) -> None:
    """Let the loop and the writer's thread work until it holds."""
    for _ in range(2000):
        if holds():
            return
        await asyncio.sleep(0.001)
    raise AssertionError("it never came to hold")


async def test_the_loop_ticks_checkpoints_and_outlives_a_database_that_fails(
    world: MoneyWorld, live: SessionId
) -> None:
    loop = asyncio.create_task(world.recorder.run())
    await until(lambda: world.clock.sleepers == 1)
    for _ in range(6):
        for role in counting.ROLES:
            world.recorder.hear(live, role, active=True)
        await world.clock.advance(1)
        await until(lambda: world.clock.sleepers == 1)
    proved = await world.database.read(lambda s: s.get_one(MeterMark, live).proved_ms)
    assert proved >= 4000
    await world.database.close()
    world.recorder.left(live, "mentor")
    for _ in range(2):
        await world.clock.advance(1)
        await until(lambda: world.clock.sleepers == 1)
    assert not loop.done()
    loop.cancel()
    await asyncio.gather(loop, return_exceptions=True)


async def test_what_stands_beside_a_fact_is_written_with_it_or_neither_is(
    world: MoneyWorld,
) -> None:
    seen: list[str] = []

    def beside(*arguments: object) -> None:
        fact = arguments[2]
        assert isinstance(fact, facts.MeterFact)
        seen.append(facts.kind_of(fact))
        if len(seen) == 2:
            raise faults.refusal("wrong-state", "not now")

    world.recorder = Recorder(world.clock, world.database, world.screen, beside=beside)
    session_id = await world.open(await world.hold())
    await world.serve(session_id, 60)
    world.recorder.left(session_id, "mentor")
    await world.recorder.tick()  # refused beside: nothing is written, and nothing more counts
    log = await world.database.read(lambda s: store.read_facts(s, session_id))
    assert [facts.kind_of(fact) for fact in log] == ["meter-opened", "counting-started"]
    await world.serve(session_id, 60)
    log = await world.database.read(lambda s: store.read_facts(s, session_id))
    assert facts.kind_of(log[2]) == "counting-stopped"
    assert minutes.fold(log).counted_ms == 60_000


async def test_taking_over_tells_what_stands_beside(world: MoneyWorld, live: SessionId) -> None:
    seen: list[object] = []
    taker = Recorder(
        world.clock, world.database, Screen(), beside=lambda *given: seen.append(given[2])
    )
    await taker.take(live)
    assert [getattr(fact, "why", "") for fact in seen] == ["server-restarted"]


async def test_a_released_meter_is_nobodys_until_it_is_taken(
    world: MoneyWorld, live: SessionId
) -> None:
    await world.serve(live, 60)
    world.recorder.release(live)
    for role in counting.ROLES:
        world.recorder.joined(live, role)
        world.recorder.left(live, role)
    world.recorder.set_sync(live, in_sync=False)
    with pytest.raises(Refused) as refused:
        world.recorder.view(live, "learner")
    assert refused.value.fault.code == "session-over"
    assert await world.recorder.take_unfinished() == [live]


async def test_go_counts_once_and_a_lower_cap_changes_nothing(
    world: MoneyWorld, live: SessionId
) -> None:
    with pytest.raises(Refused) as refused:
        await world.recorder.start(live, by=LEARNER)
    assert refused.value.fault.code == "wrong-state"
    view = await world.recorder.extend(live, 60, by=LEARNER)
    assert view.cap_seconds == 1800


async def test_a_fenced_review_lets_go_quietly(world: MoneyWorld, live: SessionId) -> None:
    await world.serve(live, 60)
    await Recorder(world.clock, world.database, Screen()).take(live)
    world.recorder.left(live, "mentor")
    await world.recorder.tick()
    assert not world.recorder.owns(live)


def test_the_earliest_reason_to_stop_is_the_one() -> None:
    situation = counting.Situation(counting.Party(seen_ms=9), counting.Party(seen_ms=9))
    situation.forbid(5, "out-of-sync")
    situation.forbid(7, "learner-paused")
    assert situation.block == (5, "out-of-sync")
    opened = money_world.terms(Money(1000, "USD"), 60)
    assert counting.stop(situation, minutes.fold([opened]), 9, counting.MeterRules()) is None


async def test_end_pressed_by_both_in_the_same_moment_ends_once(
    world: MoneyWorld, live: SessionId
) -> None:
    await world.serve(live, 60)
    both = [world.recorder.end(live, f"{role}-ended") for role in counting.ROLES]
    first, second = await asyncio.gather(*both, return_exceptions=True)
    assert isinstance(first, minutes.Minutes)
    assert isinstance(second, Refused)
    assert second.fault.code == "session-over"


async def test_a_checkpoint_without_meters_writes_nothing(
    world: MoneyWorld, live: SessionId
) -> None:
    world.recorder.release(live)
    await world.database.close()
    await world.recorder.checkpoint()


def test_other_tables_made_alone_leave_the_ledgers_guards_out() -> None:
    engine = create_engine("sqlite://")
    SQLModel.metadata.create_all(engine, tables=[SQLModel.metadata.tables["meter_mark"]])
    with engine.connect() as connection:
        query = text("SELECT count(*) FROM sqlite_master WHERE type = 'trigger'")
        assert connection.execute(query).scalar() == 0
    engine.dispose()
