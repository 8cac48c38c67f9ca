import asyncio

import pytest

from cm_lsp import framing
from cm_lsp.framing import BadBodyError, BrokenStreamError


def stream(data: bytes) -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    reader.feed_data(data)
    reader.feed_eof()
    return reader


async def test_other_headers_and_any_case_are_taken() -> None:
    data = b"content-length: 2\r\nContent-Type: application/x; charset=utf-8\r\n\r\n{}rest"
    assert await framing.read_body(stream(data)) == b"{}"


async def test_the_end_of_the_stream_is_no_error() -> None:
    assert await framing.read_body(stream(b"")) is None


@pytest.mark.parametrize(
    "data",
    [
        b"Content-Length: -1\r\n\r\n",
        b"Content-Length: 1.5\r\n\r\n",
        b"Content-Length: 99999999999999\r\n\r\n",
        b"\r\n",
        b"Content-Length: 2\n\n{}",
        b"A: b\r\n" * 9,
    ],
)
async def test_a_length_in_doubt_breaks_the_stream(data: bytes) -> None:
    with pytest.raises(BrokenStreamError):
        await framing.read_body(stream(data))


@pytest.mark.parametrize("body", [b"", b"{", b"\xff", b"[" * 100_000, b'{"x":Infinity}'])
def test_what_is_not_json_is_a_parse_error(body: bytes) -> None:
    with pytest.raises(BadBodyError) as bad:
        framing.parse_body(body)
    assert bad.value.code == framing.PARSE_ERROR


def test_the_id_of_a_bad_request_is_answered_to() -> None:
    with pytest.raises(BadBodyError) as bad:
        framing.parse_body(b'{"jsonrpc":"2.0","id":7,"method":[]}')
    assert (bad.value.code, bad.value.answer_to) == (framing.INVALID_REQUEST, 7)
