from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import create_sync_message, create_update_message

from cm_wire import limits
from cm_wire.yjs import sync_frames
from cm_wire.yjs.varint import MAX_UINT, MalformedError
from tests.support.guarded_document import replica, seeded_update

payloads = st.binary(max_size=400)
numbers = st.integers(0, MAX_UINT)


@given(payloads)
def test_every_kind_of_frame_comes_back(payload: bytes) -> None:
    assert sync_frames.decode(sync_frames.encode_step_1(payload)) == sync_frames.SyncStep1(payload)
    assert sync_frames.decode(sync_frames.encode_step_2(payload)) == sync_frames.SyncStep2(payload)
    assert sync_frames.decode(sync_frames.encode_update(payload)) == sync_frames.SyncUpdate(payload)
    awareness = sync_frames.decode(sync_frames.encode_awareness(payload))
    assert awareness == sync_frames.AwarenessFrame(payload)


def test_query_for_awareness_comes_back() -> None:
    query = sync_frames.decode(sync_frames.encode_query_awareness())
    assert isinstance(query, sync_frames.QueryAwareness)


@given(numbers, numbers)
def test_query_for_what_is_stored_and_its_answer_come_back(query: int, number: int) -> None:
    asked = sync_frames.decode(sync_frames.encode_query_stored(query))
    assert asked == sync_frames.QueryStored(query)
    answer = sync_frames.decode(sync_frames.encode_stored(query, number))
    assert answer == sync_frames.Stored(query, number)


def test_frames_are_those_of_the_library() -> None:
    document = replica(2, seeded_update({"a.py": "x" * 500}))
    update = document.get_update()
    assert sync_frames.encode_update(update) == create_update_message(update)
    assert sync_frames.encode_step_1(document.get_state()) == create_sync_message(document)


@pytest.mark.parametrize(
    ("frame", "says"),
    [
        (b"", "an empty frame"),
        (b"\x00", "unknown step -1"),
        (b"\x00\x03\x00", "unknown step 3"),
        (b"\x02\x00", "unknown type 2"),
        (b"\x63", "unknown type 99"),
        (b"\x03\x00", "1 bytes follow"),
        (b"\x40", "end inside the integer"),
        (b"\x40\x01\x00", "1 bytes follow a frame of type 64"),
        (b"\x41\x01", "end inside the integer"),
        (b"\x00\x02\x05ab", "5 bytes announced, 2 in the frame"),
        (b"\x00\x02\x01ab", "1 bytes announced, 2 in the frame"),
        (b"\x00\x02" + b"\x80" * 11, "longer than 8 bytes"),
        (bytes(limits.SYNC_FRAME_BYTES_MAX + 1), "262145 bytes; the limit is 262144"),
    ],
)
def test_odd_frame_is_refused_with_the_reason(frame: bytes, says: str) -> None:
    with pytest.raises(MalformedError, match=says):
        sync_frames.decode(frame)


def test_whole_document_is_read_where_it_is_expected() -> None:
    frame = sync_frames.encode_step_2(bytes(limits.SYNC_FRAME_BYTES_MAX))
    decoded = sync_frames.decode(frame, limits.FIRST_SYNC_BYTES_MAX)
    assert isinstance(decoded, sync_frames.SyncStep2)


@given(st.binary(max_size=40))
def test_any_bytes_are_a_frame_or_refused(frame: bytes) -> None:
    with suppress(MalformedError):
        sync_frames.decode(frame)
