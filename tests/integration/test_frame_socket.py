"""The short way of frames on a real socket: whatever a client sends, in whatever pieces, comes out as it was sent or ends its socket."""

import asyncio
import random
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from bench.raw_socket import framed
from cm_server.frame_socket import EXTENSION, FRAMES_PER_TURN, FrameSocket
from tests.support.waiting import until

BYTES_MAX = 300_000


class Echo:
    """Sends each frame back; holds each for `pause` seconds."""

    def __init__(self, wire: FrameSocket, pause: float) -> None:
        self.wire = wire
        self.pause = pause
        self.texts = 0
        self.end = asyncio.get_running_loop().create_future()

    def take(self, frame: bytes) -> float:
        self.wire.write(frame)
        return self.pause

    def take_text(self) -> None:
        self.texts += 1

    def can_write(self) -> None: ...

    def ended(self) -> None:
        if not self.end.done():
            self.end.set_result(None)


class Server:
    def __init__(self) -> None:
        self.port = 0
        self.pause = 0.0
        self.accepts_after = 0.0
        self.echoes: list[Echo] = []

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        await receive()
        await asyncio.sleep(self.accepts_after)
        wire = scope["extensions"][EXTENSION]
        echo = Echo(wire, self.pause)
        self.echoes.append(echo)
        await send({"type": "websocket.accept"})
        wire.open(echo)
        await echo.end

    @property
    def url(self) -> str:
        return f"ws://127.0.0.1:{self.port}/"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    here = Server()
    listening = socket.create_server(("127.0.0.1", 0))
    here.port = listening.getsockname()[1]
    config = uvicorn.Config(
        here.app, interface="asgi3", ws=FrameSocket, ws_max_size=BYTES_MAX, ws_per_message_deflate=False,
        lifespan="off", log_config=None, timeout_graceful_shutdown=2,
    )  # fmt: skip
    web = uvicorn.Server(config)
    running = asyncio.create_task(web.serve(sockets=[listening]))
    await until(lambda: web.started, "the server to serve")
    yield here
    web.should_exit = True
    await running


@pytest.mark.parametrize("size", [0, 1, 125, 126, 65_535, 65_536, BYTES_MAX])
async def test_a_frame_of_any_size_comes_back(server: Server, size: int) -> None:
    content = random.Random(size).randbytes(size)
    async with connect(server.url, compression=None, max_size=None) as client:
        await client.send(content)
        assert await client.recv() == content


async def test_fragments_and_pings_between_frames_are_taken_as_one_message_each(
    server: Server,
) -> None:
    async with connect(server.url, compression=None) as client:
        await client.send(b"first")
        await client.send([b"in ", b"three ", b"parts"])
        await (await client.ping())
        await client.send(b"last")
        assert [await client.recv() for _ in range(3)] == [b"first", b"in three parts", b"last"]


async def test_text_is_told_and_binary_goes_on(server: Server) -> None:
    async with connect(server.url, compression=None) as client:
        await client.send("words")
        await client.send(b"bytes")
        assert await client.recv() == b"bytes"
        assert server.echoes[0].texts == 1


async def test_frames_in_pieces_and_in_heaps_keep_their_order(server: Server) -> None:
    rng = random.Random(7)
    frames = [rng.randbytes(rng.choice((1, 30, 130, 70_000))) for _ in range(3 * FRAMES_PER_TURN)]
    stream = b"".join(framed(frame) for frame in frames)
    reader, writer = await _shaken(server)
    reading = asyncio.create_task(_payloads(reader, len(frames)))
    while stream:
        cut = rng.choice((1, 2, 5, 1000, 200_000))
        writer.write(stream[:cut])
        await writer.drain()
        await asyncio.sleep(0)
        stream = stream[cut:]
    assert await reading == frames
    writer.close()


async def test_a_pause_holds_the_rest_and_loses_nothing(server: Server) -> None:
    server.pause = 0.002
    async with connect(server.url, compression=None) as client:
        for number in range(50):
            await client.send(b"%d" % number)
        assert [await client.recv() for _ in range(50)] == [b"%d" % n for n in range(50)]


@pytest.mark.parametrize(
    ("sent", "code"),
    [
        (b"\x82\xff" + (1 << 62).to_bytes(8, "big"), 1009),
        (b"\x82\xff" + (BYTES_MAX + 1).to_bytes(8, "big"), 1009),
        (b"\x82\x03abc", 1002),
        (b"\xf2\x81\0\0\0\0a", 1002),
        (b"\x83\x81\0\0\0\0a", 1002),
        (b"\x80\x81\0\0\0\0a", 1002),
        (b"\x88\x82\0\0\0\0\x0f\xa0", 4000),
    ],
    ids=["endless", "too long", "unmasked", "reserved bits", "unknown kind", "stray part", "close"],
)
async def test_what_is_no_frame_ends_its_socket(server: Server, sent: bytes, code: int) -> None:
    reader, writer = await _shaken(server)
    writer.write(framed(b"before") + sent)
    assert await _payloads(reader, 1) == [b"before"]
    head = await reader.readexactly(2)
    assert head[0] == 0x88
    assert int.from_bytes((await reader.readexactly(head[1]))[:2], "big") == code
    assert await reader.read() == b""
    await until(server.echoes[0].end.done, "the application to hear of the end")
    writer.close()


async def test_frames_before_the_answer_end_the_socket(server: Server) -> None:
    server.accepts_after = 0.1
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(_UPGRADE)
    await asyncio.sleep(0.02)
    writer.write(framed(b"early"))
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    assert (await reader.read())[:4] == b"\x88" + bytes([2 + len(_EARLY)]) + (1002).to_bytes(
        2, "big"
    )
    writer.close()


async def test_stop_of_the_server_is_told(server: Server) -> None:
    async with connect(server.url, compression=None) as client:
        await client.send(b"here")
        await client.recv()
        server.echoes[0].wire.shutdown()
        with pytest.raises(ConnectionClosed):
            await client.recv()
        assert client.close_code == 1012
        assert server.echoes[0].end.done()


_EARLY = b"frames came before the handshake was answered"
_UPGRADE = (
    b"GET / HTTP/1.1\r\nHost: here\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def _shaken(server: Server) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    writer.write(_UPGRADE)
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    return reader, writer


async def _payloads(reader: asyncio.StreamReader, count: int) -> list[bytes]:
    found = []
    for _ in range(count):
        _, length = await reader.readexactly(2)
        if length > 125:
            length = int.from_bytes(await reader.readexactly(2 if length == 126 else 8), "big")
        found.append(await reader.readexactly(length))
    return found
