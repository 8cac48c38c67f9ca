"""LSP messages on a byte stream: headers, one body, and what is wrong with either.

Owns the reading of a stream whose sender may be broken. Does not own what a message means. A reader would guess that a
bad message can always be skipped: where the length is in doubt the rest of the stream is noise, and the only honest thing
is to stop, so that the editor starts us anew. `BrokenStream` says so; `BadBody` says that the next message can be read.
"""

import json
from typing import Any, Final, Protocol

MESSAGE_BYTES_MAX: Final = 16 * 1024 * 1024
HEADER_BYTES_MAX: Final = 4 * 1024
HEADERS_MAX: Final = 8

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600


class ByteReader(Protocol):
    """What an `asyncio.StreamReader` has; both answer with less at the end of the stream."""

    async def readline(self) -> bytes: ...

    async def readexactly(self, count: int, /) -> bytes: ...


class BrokenStreamError(Exception):
    """Nothing that follows on this stream can be read."""


class BadBodyError(Exception):
    """One message is not JSON-RPC; the next may be. `answer_to` is the id of a request, where one could be read."""

    def __init__(self, code: int, message: str, answer_to: str | int | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.answer_to = answer_to


async def read_body(reader: ByteReader) -> bytes | None:
    """The next message's body; None at the end of the stream. Raises BrokenStreamError, BadBodyError."""
    length = await _read_length(reader)
    if length is None:
        return None
    body = await reader.readexactly(length)
    if len(body) < length:
        return None
    return body


def parse_body(body: bytes) -> dict[str, Any]:
    """The JSON-RPC message in a body, its envelope checked. Raises BadBodyError."""
    try:
        message = json.loads(body.decode(), parse_constant=_no_such_number)
    except UnicodeDecodeError as error:
        raise BadBodyError(PARSE_ERROR, f"Not UTF-8 at byte {error.start}.") from None
    except RecursionError:
        raise BadBodyError(PARSE_ERROR, "Nested too deeply.") from None
    except json.JSONDecodeError as error:
        raise BadBodyError(
            PARSE_ERROR, f"Not JSON at character {error.pos}: {error.msg}."
        ) from None
    except ValueError as error:
        raise BadBodyError(PARSE_ERROR, f"Not JSON: {str(error)[:100]}.") from None
    if not isinstance(message, dict):
        raise BadBodyError(INVALID_REQUEST, "A message is one JSON object.")
    _check_envelope(message)
    return message


def _check_envelope(message: dict[str, Any]) -> None:
    identity = message.get("id")
    if isinstance(identity, bool) or not isinstance(identity, str | int | None):
        raise BadBodyError(INVALID_REQUEST, "An id is a string or a whole number.")
    if message.get("jsonrpc") != "2.0":
        raise BadBodyError(INVALID_REQUEST, 'A message says "jsonrpc": "2.0".', identity)
    if "method" in message:
        if not isinstance(message["method"], str):
            raise BadBodyError(INVALID_REQUEST, "A method is a string.", identity)
    elif "result" not in message and "error" not in message:
        raise BadBodyError(
            INVALID_REQUEST, "A message has a method, a result or an error.", identity
        )


async def _read_length(reader: ByteReader) -> int | None:
    length: int | None = None
    for _ in range(HEADERS_MAX):
        line = await reader.readline()
        if not line:
            return None
        if len(line) > HEADER_BYTES_MAX:
            raise BrokenStreamError(
                f"header-too-large: a header has at most {HEADER_BYTES_MAX} bytes"
            )
        if not line.endswith(b"\r\n"):
            raise BrokenStreamError("bad header: headers end with CR LF")
        if line == b"\r\n":
            if length is None:
                raise BrokenStreamError("bad header: Content-Length is missing")
            return length
        name, _, value = line.partition(b":")
        if name.strip().lower() == b"content-length":
            length = _length_of(value.strip())
    raise BrokenStreamError(f"bad header: more than {HEADERS_MAX} of them")


def _length_of(value: bytes) -> int:
    if not value.isdigit() or len(value) > 12:
        raise BrokenStreamError("bad header: Content-Length is not a whole number")
    length = int(value)
    if length > MESSAGE_BYTES_MAX:
        raise BrokenStreamError(
            f"message-too-large: {length} bytes; the limit is {MESSAGE_BYTES_MAX}"
        )
    return length


def _no_such_number(name: str) -> None:
    raise ValueError(f"{name} is no JSON number")
