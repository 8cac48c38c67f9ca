"""What waits for a reader is bounded; cursors never stand between two edits; floods are slowed, then ended."""

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


class Socket:
    """Keeps what is written; `can_write` is the other side's pace."""

    def __init__(self, *, can_write: bool = True) -> None:
        self.can_write = can_write
        self.written: list[bytes] = []

    def write(self, payload: bytes) -> None:
        self.written.append(payload)


def shown_in(frame: bytes) -> list[Entry]:
    message = sync_frames.decode(frame)
    assert isinstance(message, sync_frames.AwarenessFrame)
    return awareness.decode(message.payload)


@pytest.mark.parametrize("is_attached_first", [True, False])
def test_what_waits_goes_out_in_order_and_cursors_after_it(is_attached_first: bool) -> None:
    to_peer, socket = connection(), Socket(can_write=not is_attached_first)
    if is_attached_first:
        to_peer.attach(socket, lambda: None)
    to_peer.show(cursor(3, 1))
    to_peer.send(b"one")
    to_peer.show(cursor(3, 2))
    to_peer.show(cursor(4, 1))
    to_peer.send(b"two")
    assert socket.written == []
    socket.can_write = True
    if is_attached_first:
        to_peer.flush()
    else:
        to_peer.attach(socket, lambda: None)
    assert socket.written[:2] == [b"one", b"two"]
    assert [shown_in(frame) for frame in socket.written[2:]] == [[cursor(3, 2), cursor(4, 1)]]


def test_nothing_waits_for_a_reader_who_keeps_up() -> None:
    to_peer, socket = connection(), Socket()
    to_peer.attach(socket, lambda: None)
    to_peer.send(b"one")
    to_peer.show(cursor(3, 1))
    to_peer.send(b"two")
    assert [socket.written[0], socket.written[2]] == [b"one", b"two"]
    assert shown_in(socket.written[1]) == [cursor(3, 1)]


def test_nothing_overtakes_what_waits() -> None:
    to_peer, socket = connection(), Socket(can_write=False)
    to_peer.attach(socket, lambda: None)
    to_peer.send(b"one")
    socket.can_write = True
    to_peer.show(cursor(3, 1))
    to_peer.send(b"two")
    to_peer.flush()
    assert socket.written[:2] == [b"one", b"two"]
    assert shown_in(socket.written[2]) == [cursor(3, 1)]


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
