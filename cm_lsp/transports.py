"""The ways an editor can talk to us: stdin and stdout, a TCP port, a websocket. One editor each, then we are done.

Owns the streams. Ports are opened on this machine only, and a websocket from a page of a browser is refused: any page could
open one.
"""

import asyncio
import contextlib
import logging
import os
import sys
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Final

from cm_lsp import framing
from cm_lsp.language_server import Server

if TYPE_CHECKING:
    from websockets.asyncio.server import ServerConnection

log = logging.getLogger(__name__)

HOST: Final = "127.0.0.1"
_READ_BYTES_MAX: Final = framing.MESSAGE_BYTES_MAX + framing.HEADER_BYTES_MAX


def serve_stdio(server: Server) -> int:
    return _run(lambda: _stdio(server))


def serve_tcp(server: Server, port: int) -> int:
    return _run(lambda: _tcp(server, port))


def serve_websocket(server: Server, port: int) -> int:
    return _run(lambda: _websocket(server, port))


class PipeReader:
    """A blocking stream read in one thread: what works for pipes, files and terminals on every system."""

    def __init__(self, descriptor: int) -> None:
        self._stream = os.fdopen(descriptor, "rb", closefd=False)

    async def readline(self) -> bytes:
        limit = framing.HEADER_BYTES_MAX + 1
        return await asyncio.to_thread(self._stream.readline, limit)

    async def readexactly(self, count: int, /) -> bytes:
        return await asyncio.to_thread(self._stream.read, count)


class StdoutWriter:
    """Whole messages, in order; an editor that is gone ends us by the end of stdin."""

    def __init__(self) -> None:
        self._stream = sys.stdout.buffer

    def write(self, message: bytes) -> None:
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._stream.write(message)
            self._stream.flush()

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError, ValueError):
            self._stream.flush()


class _StreamReader:
    """A TCP stream by our reader's rules: a line too long is a broken stream, a short body an end."""

    def __init__(self, reader: asyncio.StreamReader) -> None:
        self._reader = reader

    async def readline(self) -> bytes:
        try:
            return await self._reader.readline()
        except ValueError as error:
            raise framing.BrokenStreamError("header-too-large") from error

    async def readexactly(self, count: int, /) -> bytes:
        try:
            return await self._reader.readexactly(count)
        except asyncio.IncompleteReadError as error:
            return error.partial


async def _stdio(server: Server) -> int:
    server.protocol.set_writer(StdoutWriter())
    return await server.serve(PipeReader(sys.stdin.fileno()))


async def _tcp(server: Server, port: int) -> int:
    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if done.done() or server.protocol.writer is not None:
            writer.close()
            return
        server.protocol.set_writer(_TcpWriter(writer))
        code = await server.serve(_StreamReader(reader))
        if not done.done():
            done.set_result(code)

    listener = await asyncio.start_server(connected, HOST, port, limit=_READ_BYTES_MAX)
    _say_port(listener.sockets[0].getsockname()[1])
    async with listener:
        return await done


class _TcpWriter:
    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer

    def write(self, message: bytes) -> None:
        self._writer.write(message)

    def close(self) -> None:
        self._writer.close()


async def _websocket(server: Server, port: int) -> int:
    from websockets.asyncio.server import serve

    done: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def connected(socket: "ServerConnection") -> None:
        if server.protocol.writer is not None:
            await socket.close(1013, "one editor at a time")
            return
        writer = _WebsocketWriter(socket)
        server.protocol.set_writer(writer, include_headers=False)
        async for message in socket:
            body = message if isinstance(message, bytes) else message.encode()
            server.take_body(body)
        await server.leave()
        done.set_result(0)

    async with serve(
        connected, HOST, port, origins=[None], max_size=framing.MESSAGE_BYTES_MAX
    ) as listener:
        _say_port(next(iter(listener.sockets)).getsockname()[1])
        return await done


class _WebsocketWriter:
    """Frames go out in the order they were written."""

    def __init__(self, socket: "ServerConnection") -> None:
        self._socket = socket
        self._lock = asyncio.Lock()

    async def write(self, message: bytes) -> None:
        from websockets.exceptions import ConnectionClosed

        async with self._lock:
            with contextlib.suppress(ConnectionClosed):
                await self._socket.send(message.decode())

    async def close(self) -> None:
        await self._socket.close()


def _say_port(port: int) -> None:
    sys.stderr.write(f"cm-lsp: listening on {HOST}:{port}\n")
    sys.stderr.flush()


def _run(serve: Callable[[], Awaitable[int]]) -> int:
    async def main() -> int:
        return await serve()

    try:
        return asyncio.run(main())
    except KeyboardInterrupt:
        return 130
    except OSError as error:
        sys.stderr.write(f"cm-lsp: error: {error.strerror or error}\ntry: another port\n")
        return 1
