"""A websocket with a short way: whole binary frames go from the socket to one function and back, with no task in between.

Owns: splitting what arrives into frames, unmasking, writing frames, saying when the other side reads too slowly. Does not own
what a frame means. Handshake, control frames, fragments and everything wrong stay with uvicorn's own protocol, which this
one is. uvicorn spends a queue, two system calls and a task's wake-up on each message; a document channel carries tens of small
ones a second, so that was most of its cost.

`uvicorn.Config(ws=FrameSocket)` puts it in; an application finds it under `EXTENSION` in the scope, accepts as usual, then
calls `open`. From then on it must not `receive`; it closes as usual.
"""

import asyncio
from typing import Any, Final, Protocol

from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import CloseCode

try:
    from websockets.speedups import apply_mask
except ImportError:  # a platform for which nobody compiled it
    from websockets.utils import apply_mask

EXTENSION: Final = "codementor.frames"
FRAMES_PER_TURN: Final = 128
"""Of one connection, before all others and the writers have their turn."""

_WHOLE_BINARY: Final = 0x82
_MASKED: Final = 0x80
_MASK_BYTES: Final = 4


class Reader(Protocol):
    """Who gets the frames of one socket. Nothing here may wait or raise."""

    def take(self, frame: bytes) -> float:
        """One frame; the next one is read after so many seconds."""
        ...

    def take_text(self) -> None:
        """A text frame came, which is not for this channel."""
        ...

    def can_write(self) -> None:
        """The other side reads again."""
        ...

    def ended(self) -> None:
        """The socket is gone or about to be; may be called twice."""
        ...


class _NobodysQueue(asyncio.Queue[Any]):
    """In place of the queue of messages to an application that does not `receive`."""

    def put_nowait(self, item: Any) -> None:
        pass


_NOBODYS_QUEUE: Final = _NobodysQueue()


class FrameSocket(WebSocketsSansIOProtocol):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._reader: Reader | None = None
        self._unread = b""
        self._is_held = False
        self._came_early = False
        self._bytes_max = self.config.ws_max_size

    # For the application.

    def open(self, reader: Reader) -> None:
        """Begin the short way, right after the handshake was answered."""
        self._reader = reader
        self._forget_handshake()
        if self._came_early:
            self._fail(CloseCode.PROTOCOL_ERROR, "frames came before the handshake was answered")
        elif self.transport.is_closing() or self.disconnected:
            reader.ended()

    @property
    def can_write(self) -> bool:
        """Whether the other side keeps up: what is written goes out without piling up here."""
        return self.writable.is_set()

    def write(self, payload: bytes) -> None:
        """Send one binary frame: at once, where nothing of this connection's waits."""
        if self.close_sent or self.transport.is_closing():
            return
        length = len(payload)
        if length < 126:
            self.transport.write(b"\x82%c%b" % (length, payload))
        elif length < 65_536:
            self.transport.write(b"\x82\x7e%b%b" % (length.to_bytes(2, "big"), payload))
        else:
            self.transport.writelines((b"\x82\x7f" + length.to_bytes(8, "big"), payload))

    # For the event loop.

    def data_received(self, data: bytes) -> None:
        if self._reader is None:
            self._came_early = self.handshake_initiated
            super().data_received(data)
            return
        self._unread = self._unread + data if self._unread else data
        if not self._is_held:
            self._read()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        self._end()

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reader is not None:
            self._reader.can_write()

    def shutdown(self) -> None:
        super().shutdown()
        self._end()

    # For uvicorn's half.

    def handle_connect(self, event: Any) -> None:
        super().handle_connect(event)
        if self.response.status_code == 101:
            self.scope["extensions"][EXTENSION] = self  # type: ignore[assignment] # an extension may be anything

    def send_receive_event_to_app(self) -> None:
        """What came in fragments or as text: the only messages uvicorn's half still puts together."""
        if self._reader is None:
            super().send_receive_event_to_app()
        elif self.close_sent:
            self.frames = []
        elif self.curr_msg_data_type == "text":
            self.frames = []
            self._reader.take_text()
        else:
            whole, self.frames = b"".join(self.frames), []
            wait = self._reader.take(whole)
            if wait:
                self._hold(wait)

    # Within.

    def _read(self) -> None:
        """Hand out whole frames until the bytes end, the reader wants a pause, or others have waited long enough."""
        buffer, at, size = self._unread, 0, len(self._unread)
        take = self._reader.take  # type: ignore[union-attr] # set by `open`, before this can be called
        left = FRAMES_PER_TURN
        while size - at > 1 and not self._is_held:
            start, end = _bounds(buffer, at, size)
            is_too_long = end - start > self._bytes_max
            if end > size and not is_too_long:
                break
            if is_too_long or self.close_sent or buffer[at] != _WHOLE_BINARY or start - at < 6:
                # What is too long is refused by its head, before its body has come.
                super().data_received(buffer[at : min(end, size)])
                at = min(end, size)
                if self.transport.is_closing():
                    break
                continue
            wait = take(apply_mask(buffer[start:end], buffer[start - 4 : start]))
            at = end
            left -= 1
            if wait or (not left and at < size):
                self._hold(wait)
        self._unread = buffer[at:]
        if self.transport.is_closing():
            self._end()

    def _hold(self, seconds: float) -> None:
        self._is_held = True
        self.transport.pause_reading()
        self.loop.call_later(seconds, self._go_on)

    def _go_on(self) -> None:
        self._is_held = False
        if not self.transport.is_closing():
            self.transport.resume_reading()
            self._read()

    def _forget_handshake(self) -> None:
        """What only the handshake needed, and the queue nobody reads any more: a third of what an idle connection takes."""
        del self.request, self.response
        self.scope["headers"].clear()  # type: ignore[attr-defined] # made by `handle_connect`, a list
        self.queue = _NOBODYS_QUEUE

    def _fail(self, code: CloseCode, reason: str) -> None:
        self.conn.fail(code, reason)
        self.transport.write(b"".join(self.conn.data_to_send()))
        self.close_sent = True
        self.transport.close()
        self._end()

    def _end(self) -> None:
        if self._reader is not None:
            self._reader.ended()


def _bounds(buffer: bytes, at: int, size: int) -> tuple[int, int]:
    """Where the payload of the frame at `at` begins and ends; beyond `size` as long as its head is not all here."""
    length = buffer[at + 1] & 0x7F
    start = at + 2 + (_MASK_BYTES if buffer[at + 1] & _MASKED else 0)
    if length < 126:
        return start, start + length
    width = 2 if length == 126 else 8
    if size < at + 2 + width:
        return size + 1, size + 1
    return start + width, start + width + int.from_bytes(buffer[at + 2 : at + 2 + width], "big")
