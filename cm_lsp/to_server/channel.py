"""The document channel: y-websocket frames both ways, over a socket that comes back by itself.

Owns connecting, the pace of what is sent, and that cursors never wait before edits. Does not own what the frames say
(`Peer`). Nothing is kept here while there is no connection: the peer's first frames on the next one say what is missing.
"""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final, Protocol

from cm_lsp import settings
from cm_lsp.to_server import backoff
from cm_lsp.to_server.backoff import Backoff
from cm_lsp.to_server.link import CONNECT_PATIENCE_SECONDS
from cm_wire import limits
from cm_wire.ids import SessionId, YjsClientId
from cm_wire.yjs import sync_frames

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

AUTHOR_HEADER: Final = "Codementor-Yjs-Client"
"""The id this connection's edits are written under. `?client=` asks for the one of the connection before."""

SEED_HEADER: Final = "Codementor-Yjs-Seed"
"""The id under which the server writes shared files into the document. No person ever gets it."""

RESUMED_HEADER: Final = "Codementor-Resumed-After"
"""The `?after=` we asked for, where the server goes on behind it; absent where both sides begin with their state."""

FRAME_SECONDS: Final = 1 / 50
"""Edits made within this time of the last frame travel together."""

CURSOR_SECONDS: Final = 1 / limits.CURSORS_PER_SECOND


class Peer(Protocol):
    """Who understands the frames. Each method returns frames to send, or changes nothing but its own state."""

    @property
    def may_send(self) -> bool: ...

    @property
    def resume_after(self) -> int | None: ...

    def connected(
        self, author: YjsClientId, seed: YjsClientId, /, *, is_resumed: bool
    ) -> list[bytes]: ...

    def received(self, frame: bytes, /) -> list[bytes]: ...

    @property
    def wants_to_ask(self) -> bool: ...

    def query(self) -> bytes | None:
        """Asked for when all the peer has made is sent."""

    def disconnected(self) -> None: ...

    def refused(self) -> None: ...


class DocumentChannel:
    """Give it `run` as a task. `author` is the id of the last connection, to be asked for again."""

    def __init__(
        self,
        server_url: str,
        session_id: SessionId,
        token: str,
        *,
        client: str,
        backoff: Backoff,
        peer: Peer,
        merged: Callable[[list[bytes]], list[bytes]],
    ) -> None:
        self._url = settings.websocket_url(server_url, f"/api/v1/sessions/{session_id}/sync")
        self._token = token
        self._client = client
        self._backoff = backoff
        self._peer = peer
        self._merged = merged
        self._author: YjsClientId | None = None
        self._updates: list[bytes] = []
        self._frames: list[bytes] = []
        self._cursor: bytes | None = None
        self._cursor_due = 0.0
        self._wake = asyncio.Event()
        self._socket: ClientConnection | None = None

    def send_updates(self, updates: Sequence[bytes]) -> None:
        """Our own edits; before the peer may send them, the answer to the server's first question carries them."""
        if self._socket is not None and self._peer.may_send:
            self._updates.extend(updates)
            self._wake.set()

    def show_cursor(self, awareness: bytes) -> None:
        """The newest awareness of ours, in place of one that still waits."""
        self._cursor = awareness
        self._wake.set()

    async def reconnect(self) -> None:
        """Drop the connection and begin again with a full sync."""
        if self._socket is not None:
            await self._socket.close(1000)

    async def run(self) -> int | None:
        """Stay connected until cancelled, or return the code the server closed with for good."""
        from websockets.exceptions import InvalidHandshake, InvalidStatus

        while True:
            closed: int | None = None
            try:
                closed = await self._one_connection()
            except InvalidStatus as refused:
                closed = _FINAL_STATUS.get(refused.response.status_code)
                log.info("channel-refused status=%d", refused.response.status_code)
            except (OSError, TimeoutError, InvalidHandshake) as error:
                log.info("channel-down reason=%s", error)
            finally:
                self._forget_connection()
            if closed in backoff.FINAL_CLOSES:
                return closed
            if closed == backoff.CLOSE_UPDATE_REFUSED:
                self._peer.refused()
            await asyncio.sleep(self._backoff.next_wait_seconds())

    async def _one_connection(self) -> int | None:
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed

        after = self._peer.resume_after
        async with connect(
            self._url + self._wanted(after),
            additional_headers={"Authorization": f"Bearer {self._token}"},
            max_size=limits.FIRST_SYNC_BYTES_MAX,
            open_timeout=CONNECT_PATIENCE_SECONDS,
            ping_interval=None,
            compression=None,
            user_agent_header=self._client,
            proxy=settings.proxy_for(self._url),
        ) as socket:
            author, seed = _id_of(socket, AUTHOR_HEADER), _id_of(socket, SEED_HEADER)
            if author is None or seed is None:
                log.error("channel-refused reason=the server names no author ids")
                return backoff.CLOSE_NOT_ALLOWED
            self._author = author
            self._socket = socket
            try:
                resumed = _header(socket, RESUMED_HEADER)
                is_resumed = after is not None and resumed == str(after)
                for first in self._peer.connected(author, seed, is_resumed=is_resumed):
                    await socket.send(first)
                self._backoff.succeeded()
                async with asyncio.TaskGroup() as tasks:
                    writing = tasks.create_task(self._write(socket))
                    async for frame in socket:
                        if isinstance(frame, bytes):
                            self._queue(self._peer.received(frame))
                    writing.cancel()
            except* ConnectionClosed:
                pass
            log.info("channel-closed code=%s reason=%s", socket.close_code, socket.close_reason)
            return socket.close_code

    def _queue(self, frames: list[bytes]) -> None:
        self._frames.extend(frames)
        if frames or self._peer.wants_to_ask:
            self._wake.set()

    def _wanted(self, after: int | None) -> str:
        if self._author is None:
            return ""
        return f"?client={self._author}" + (f"&after={after}" if after is not None else "")

    async def _write(self, socket: "ClientConnection") -> None:
        loop = asyncio.get_running_loop()
        while True:
            await self._wake.wait()
            self._wake.clear()
            updates, self._updates = self._updates, []
            frames, self._frames = self._frames, []
            for frame in frames:
                await socket.send(frame)
            for update in self._merged(updates):
                await socket.send(sync_frames.encode_update(update))
            await self._write_cursor(socket, loop)
            if not (self._updates or self._frames) and (query := self._peer.query()) is not None:
                await socket.send(query)
            if updates:
                await asyncio.sleep(FRAME_SECONDS)

    async def _write_cursor(
        self, socket: "ClientConnection", loop: asyncio.AbstractEventLoop
    ) -> None:
        cursor = self._cursor
        if cursor is None:
            return
        wait = self._cursor_due - loop.time()
        if wait > 0:
            loop.call_later(wait, self._wake.set)
            return
        self._cursor = None
        self._cursor_due = loop.time() + CURSOR_SECONDS
        await socket.send(sync_frames.encode_awareness(cursor))

    def _forget_connection(self) -> None:
        had_one = self._socket is not None
        self._socket = None
        self._updates.clear()
        self._frames.clear()
        if had_one:
            self._peer.disconnected()


_FINAL_STATUS: Final = {
    401: backoff.CLOSE_SIGN_IN,
    403: backoff.CLOSE_NOT_ALLOWED,
    404: backoff.CLOSE_NO_SUCH_SESSION,
    410: backoff.CLOSE_SESSION_OVER,
}


def _id_of(socket: "ClientConnection", header: str) -> YjsClientId | None:
    value = _header(socket, header)
    return YjsClientId(int(value)) if value.isdigit() and len(value) <= 16 else None


def _header(socket: "ClientConnection", header: str) -> str:
    response = socket.response
    return response.headers.get(header, "") if response is not None else ""
