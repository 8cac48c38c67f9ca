import asyncio

from tests.support.manual_clock import START, ManualClock


async def test_sleepers_wake_in_order_each_at_their_own_time() -> None:
    clock = ManualClock()
    woken: list[tuple[str, int]] = []

    async def nap(name: str, seconds: float) -> None:
        await clock.sleep(seconds)
        woken.append((name, clock.monotonic_ms()))

    naps = [asyncio.create_task(nap("late", 3)), asyncio.create_task(nap("early", 1.5))]
    await clock.advance(2)
    assert woken == [("early", 1500)]
    await clock.advance(10)
    assert woken == [("early", 1500), ("late", 3000)]
    assert clock.monotonic_ms() == 12_000
    await asyncio.gather(*naps)


async def test_a_loop_that_sleeps_again_wakes_as_often_as_time_has_room_for() -> None:
    clock = ManualClock()
    ticks: list[int] = []

    async def tick() -> None:
        while True:
            await clock.sleep(1)
            ticks.append(clock.monotonic_ms())

    ticking = asyncio.create_task(tick())
    await clock.advance(3.5)
    assert ticks == [1000, 2000, 3000]
    ticking.cancel()
    await clock.advance(5)
    assert len(ticks) == 3
    assert clock.sleepers == 0


def test_the_wall_may_jump_without_anything_measured_changing() -> None:
    clock = ManualClock()
    clock.jump_wall(-3600)
    assert (START - clock.now()).total_seconds() == 3600
    assert clock.monotonic_ms() == 0


def test_the_next_process_starts_a_new_monotonic_time_later_on_the_wall() -> None:
    clock = ManualClock().restarted(gap_seconds=20)
    assert (clock.now() - START).total_seconds() == 20
    assert (clock.boot_id, clock.monotonic_ms()) == ("boot-2", 0)
