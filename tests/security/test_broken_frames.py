"""Bytes that are no websocket frames: their sender is told with a close code, and nobody else notices."""

import asyncio
import base64
import struct
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.support import world
from tests.support.world import Someone, World

MASK = b"\1\2\3\4"
FIRST = 0x80

BROKEN = {
    "not masked": (bytes([FIRST | 1, 2]) + b"hi", 1002),
    "a reserved bit": (bytes([FIRST | 0x40 | 1, FIRST | 0]) + MASK, 1002),
    "opcode 3": (bytes([FIRST | 3, FIRST | 0]) + MASK, 1002),
    "opcode 11": (bytes([FIRST | 11, FIRST | 0]) + MASK, 1002),
    "a ping in pieces": (bytes([9, FIRST | 0]) + MASK, 1002),
    "a ping of 126 bytes": (bytes([FIRST | 9, FIRST | 126]) + struct.pack("!H", 126) + MASK + b"x" * 126, 1002),
    "the middle of nothing": (bytes([FIRST | 0, FIRST | 0]) + MASK, 1002),
    "a close of one byte": (bytes([FIRST | 8, FIRST | 1]) + MASK + b"x", 1002),
    "text that is not UTF-8": (bytes([FIRST | 1, FIRST | 1]) + MASK + b"\xfe", 1007),
    "nine exabytes announced": (bytes([FIRST | 2, FIRST | 127]) + struct.pack("!Q", 2**63 - 1) + MASK, 1009),
}  # fmt: skip


@pytest.fixture
async def here(tmp_path: Path) -> AsyncIterator[World]:
    async with world.running(tmp_path / "data") as running:
        yield running


async def closed_with(here: World, someone: Someone, frame: bytes) -> int:
    """Sent over a raw connection; the code of the close frame that comes back."""
    reader, writer = await asyncio.open_connection("127.0.0.1", here.port)
    key = base64.b64encode(b"0123456789abcdef").decode()
    writer.write(
        f"GET /api/v1/events HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
        f"Authorization: Bearer {someone.token}\r\n\r\n".encode()
    )
    try:
        async with asyncio.timeout(10):
            assert (await reader.readuntil(b"\r\n\r\n")).startswith(b"HTTP/1.1 101")
            writer.write(frame)
            opcode, length = await reader.readexactly(2)
            assert opcode == FIRST | 8, "something else than a close frame"
            body = await reader.readexactly(length)
        return int.from_bytes(body[:2])
    finally:
        writer.close()


@pytest.mark.parametrize("name", BROKEN)
async def test_a_broken_frame_ends_its_sender_alone(here: World, name: str) -> None:
    frame, code = BROKEN[name]
    neighbour = await here.connect(await here.learner("Nia"))
    assert await closed_with(here, await here.learner(), frame) == code
    await neighbour.beat()
    assert neighbour.closed_with is None
