import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_wire.ids import YjsClientId
from cm_wire.yjs import state_vector
from cm_wire.yjs.update import MAX_CLOCK
from cm_wire.yjs.varint import MAX_UINT, MalformedError
from tests.support.guarded_document import replica, seeded_update

vectors = st.dictionaries(
    st.integers(0, MAX_UINT).map(YjsClientId), st.integers(0, MAX_CLOCK), max_size=20
)


@given(vectors)
def test_state_vector_comes_back(clocks: dict[YjsClientId, int]) -> None:
    assert state_vector.decode(state_vector.encode(clocks)) == clocks


def test_state_vector_of_the_library_is_read() -> None:
    document = replica(2, seeded_update({"a.py": "abc"}))
    assert state_vector.decode(document.get_state()) == {1: 5}


@pytest.mark.parametrize(
    ("encoded", "says"),
    [
        (b"", "end inside"),
        (b"\x80\x80\x80\x80\x10", "4294967296 clients; the limit is 4096"),
        (b"\x05\x01\x01", "5 clients in 3 bytes"),
        (b"\x01\x01\x01\x00", "1 bytes follow"),
        (b"\x02\x01\x01\x01\x02", "two clocks for client 1"),
        (b"\x01\x01\x80\x80\x80\x80\x08", "above"),
    ],
)
def test_odd_state_vector_is_refused_with_the_reason(encoded: bytes, says: str) -> None:
    with pytest.raises(MalformedError, match=says):
        state_vector.decode(encoded)
