import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_wire.yjs import varint


@given(st.integers(0, varint.MAX_UINT))
def test_integer_comes_back(value: int) -> None:
    out = bytearray(b"before")
    varint.write_uint(out, value)
    assert varint.read_uint(bytes(out), 6) == (value, len(out))


@given(st.text())
def test_text_comes_back(text: str) -> None:
    out = bytearray()
    varint.write_bytes(out, text.encode())
    assert varint.read_text(bytes(out), 0) == (text, len(out))


@given(st.binary(max_size=12))
def test_any_bytes_read_as_they_would_be_written_or_are_refused(encoded: bytes) -> None:
    try:
        value, end = varint.read_uint(encoded, 0)
    except varint.MalformedError:
        return
    out = bytearray()
    varint.write_uint(out, value)
    assert bytes(out) == encoded[:end]


@pytest.mark.parametrize(
    ("encoded", "says"),
    [
        (b"", "end inside the integer at byte 0"),
        (b"\x80", "end inside"),
        (b"\x80\x00", "more bytes than it needs"),
        (b"\xff" * 7 + b"\x7f", "above 2^53 - 1"),
        (b"\xff" * 8 + b"\x01", "longer than 8 bytes"),
    ],
)
def test_odd_integer_is_refused_with_the_reason(encoded: bytes, says: str) -> None:
    with pytest.raises(varint.MalformedError, match=says.replace("^", r"\^")):
        varint.read_uint(encoded, 0)


def test_length_beyond_the_bytes_is_refused_before_anything_is_copied() -> None:
    with pytest.raises(varint.MalformedError, match="5 bytes announced at byte 0, 2 left"):
        varint.read_bytes(b"\x05ab", 0)


def test_text_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(varint.MalformedError, match="not UTF-8"):
        varint.read_text(b"\x03\xed\xa0\x80", 0)
