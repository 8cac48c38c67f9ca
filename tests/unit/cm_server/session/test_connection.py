"""What waits for a reader is bounded; cursors never stand between two edits; floods are slowed, then ended."""

import asyncio

import pytest

from cm_server.session.connection import Connection, Pace
from cm_wire import limits
from cm_wire.ids import ConnectionId, YjsClientId
from cm_wire.yjs import awareness, sync_frames
from cm_wire.yjs.awareness import Entry
from tests.unit.cm_server.session.conftest import LEARNER


def connection() -> Connection:
    pace = Pace(10, 20, 0.0)
    return Connection(ConnectionId("con_one"), LEARNER, YjsClientId(2), pace, is_bound=True)


def cursor(client: int, clock: int) -> Entry:
    return Entry(YjsClientId(client), clock, b"{}")


async def test_frames_go_out_in_order_and_cursors_after_them() -> None:
    to_peer = connection()
    to_peer.show(cursor(3, 1))
    to_peer.send(b"one")
    to_peer.show(cursor(3, 2))
    to_peer.show(cursor(4, 1))
    to_peer.send(b"two")
    assert [await to_peer.next_frame(), await to_peer.next_frame()] == [b"one", b"two"]
    shown = sync_frames.decode(await to_peer.next_frame())
    assert isinstance(shown, sync_frames.AwarenessFrame)
    assert awareness.decode(shown.payload) == [cursor(3, 2), cursor(4, 1)]


async def test_reader_waits_for_the_next_frame() -> None:
    to_peer = connection()
    reading = asyncio.create_task(to_peer.next_frame())
    await asyncio.sleep(0)
    assert not reading.done()
    to_peer.send(b"late")
    assert await reading == b"late"


@pytest.mark.parametrize(
    ("size", "fit"),
    [(1, limits.OUTGOING_FRAMES_MAX), (limits.OUTGOING_BYTES_MAX // 4, 4), (3 * limits.OUTGOING_BYTES_MAX, 1)],
)  # fmt: skip
def test_queue_holds_as_much_as_it_says_and_not_one_frame_more(size: int, fit: int) -> None:
    to_peer = connection()
    codes = []
    to_peer.on_close(lambda: codes.append(to_peer.close_code))
    for _ in range(fit):
        to_peer.send(bytes(size))
    assert codes == []
    to_peer.send(bytes(size))
    assert codes == [1013]


def test_first_reason_to_close_stands_and_fits_a_close_frame() -> None:
    to_peer = connection()
    to_peer.close(4422, "é" * 200)
    to_peer.close(4410, "later")
    codes = []
    to_peer.on_close(lambda: codes.append(to_peer.close_code))
    assert codes == [4422]
    assert to_peer.close_code == 4422
    assert len(to_peer.close_reason.encode()) <= 123


def test_pace_lets_a_burst_through_and_then_its_rate() -> None:
    pace = Pace(10, 20, 0.0)
    assert [pace.spend(1, 0.0) for _ in range(20)] == [0.0] * 20
    assert pace.spend(1, 0.0) == pytest.approx(0.1)
    assert pace.spend(1, 0.0) == pytest.approx(0.2)
    assert pace.spend(100, 0.0) == 1.0
    assert pace.spend(1, 60.0) == 0.0


def test_only_who_keeps_on_is_a_flood() -> None:
    steady, rested = Pace(10, 20, 0.0), Pace(10, 20, 0.0)
    for tick in range(220):
        steady.spend(1, tick / 20)
        if tick < 60 or tick > 150:
            rested.spend(1, tick / 20)
    assert steady.is_flood(12.5)
    assert not rested.is_flood(12.5)
