"""A websocket client that costs next to nothing, so that a load generator measures the server and not itself.

It trusts its server: no masking (a mask of zeros), no checks, whole binary frames only. For benchmarks alone.
"""

import asyncio
from collections.abc import Callable
from typing import Final, cast

_KEY: Final = "AAAAAAAAAAAAAAAAAAAAAA=="
_NO_MASK: Final = bytes(4)


def framed(payload: bytes, opcode: int = 2) -> bytes:
    """A client's frame as it goes on the wire; ready-made for as many sendings as wanted."""
    length = len(payload)
    if length < 126:
        head = bytes((0x80 | opcode, 0x80 | length))
    elif length < 65_536:
        head = bytes((0x80 | opcode, 0xFE)) + length.to_bytes(2, "big")
    else:
        head = bytes((0x80 | opcode, 0xFF)) + length.to_bytes(8, "big")
    return head + _NO_MASK + payload


class RawSocket(asyncio.Protocol):
    """`on_frame` gets each payload as it arrives."""

    def __init__(self, host: str, path: str, token: str, on_frame: Callable[[bytes], None]) -> None:
        loop = asyncio.get_running_loop()
        self.opened: asyncio.Future[dict[str, str]] = loop.create_future()
        self.is_lost = False
        self._request = _upgrade(host, path, token)
        self._on_frame = on_frame
        self._buffer = b""
        self._transport: asyncio.Transport | None = None
        self._writable = asyncio.Event()
        self._writable.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._transport.write(self._request)

    def send(self, frame: bytes) -> None:
        """Send what `framed` made."""
        assert self._transport is not None
        self._transport.write(frame)

    async def drained(self) -> None:
        """Wait while the server does not read as fast as is sent."""
        await asyncio.sleep(0)
        await self._writable.wait()

    def pause_writing(self) -> None:
        self._writable.clear()

    def resume_writing(self) -> None:
        self._writable.set()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self.is_lost = True
        if not self.opened.done():
            self.opened.set_exception(exc or ConnectionError("closed in the handshake"))

    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        if not self.opened.done():
            head, end, buffer = buffer.partition(b"\r\n\r\n")
            if not end:
                self._buffer = head
                return
            self._take_answer(head)
        self._buffer = self._split(buffer)

    def _take_answer(self, head: bytes) -> None:
        first, *lines = head.decode("latin-1").split("\r\n")
        if " 101 " not in f"{first} ":
            self.opened.set_exception(ConnectionError(first))
            return
        fields = (line.partition(":") for line in lines)
        self.opened.set_result({name.lower(): value.strip() for name, _, value in fields})

    def _split(self, buffer: bytes) -> bytes:
        """Hand out every whole frame; return what is left."""
        at, size = 0, len(buffer)
        while size - at >= 2:
            length = buffer[at + 1]
            start = at + 2
            if length == 126:
                start, length = at + 4, int.from_bytes(buffer[at + 2 : at + 4], "big")
            elif length == 127:
                start, length = at + 10, int.from_bytes(buffer[at + 2 : at + 10], "big")
            if size < start or size < start + length:
                break
            if buffer[at] == 0x82:
                self._on_frame(buffer[start : start + length])
            elif buffer[at] & 0x0F == 8:
                self.is_lost = True
            at = start + length
        return buffer[at:]


def _upgrade(host: str, path: str, token: str) -> bytes:
    signed = f"Authorization: Bearer {token}\r\n" if token else ""
    return (
        f"GET {path} HTTP/1.1\r\nHost: {host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {_KEY}\r\n{signed}\r\n"
    ).encode()
