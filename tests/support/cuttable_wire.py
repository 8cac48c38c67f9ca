"""A wire between a client and a server that a test can cut and mend: TCP, byte for byte, on this machine."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager


class CuttableWire:
    """`connections` counts what came in, also while the wire was cut."""

    def __init__(self, target_port: int, *, is_cut: bool) -> None:
        self._target_port = target_port
        self._is_cut = is_cut
        self._is_deaf = False
        self._writers: set[asyncio.StreamWriter] = set()
        self.connections = 0
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Everything under way is lost, and nobody gets through."""
        self._is_cut = True
        for writer in tuple(self._writers):
            writer.transport.abort()

    def mend(self) -> None:
        self._is_cut = self._is_deaf = False

    def deafen(self) -> None:
        """What the client sends arrives; what it is answered is lost."""
        self._is_deaf = True

    def lead_to(self, port: int) -> None:
        """The server came back under another port."""
        self._target_port = port

    async def connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        if self._is_cut:
            writer.transport.abort()
            return
        there_reader, there_writer = await asyncio.open_connection("127.0.0.1", self._target_port)
        self._writers |= {writer, there_writer}
        try:
            await asyncio.gather(
                _pour(reader, there_writer), _pour(there_reader, writer, lambda: self._is_deaf)
            )
        finally:
            self._writers -= {writer, there_writer}
            writer.close()
            there_writer.close()


@asynccontextmanager
async def to(target_port: int, *, is_cut: bool = False) -> AsyncIterator[CuttableWire]:
    wire = CuttableWire(target_port, is_cut=is_cut)
    listener = await asyncio.start_server(wire.connected, "127.0.0.1", 0)
    wire.port = listener.sockets[0].getsockname()[1]
    try:
        yield wire
    finally:
        listener.close()
        wire.cut()


async def _pour(
    reader: asyncio.StreamReader,
    writer: asyncio.StreamWriter,
    is_lost: Callable[[], bool] = lambda: False,
) -> None:
    with contextlib.suppress(OSError):
        while piece := await reader.read(65_536):
            if is_lost():
                continue
            writer.write(piece)
            await writer.drain()
        writer.close()
