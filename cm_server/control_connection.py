"""One control connection: frames in, frames out, and every reason to end it.

Owns: the bounded queue to a reader, the rate of what comes in, silence, close codes. Does not own what a command does. A
command is worked off in the order it came, a heartbeat is answered at once: a slow payment does not make anyone seem dead.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import structlog
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from cm_server.clock import Clock
from cm_server.token_bucket import TokenBucket
from cm_wire import faults, frames, limits
from cm_wire.faults import Fault, FaultCode
from cm_wire.ids import CommandId, ConnectionId
from cm_wire.to_client import Answered, Declined, FromServer, HeartbeatSeen
from cm_wire.to_server import Heartbeat, Request

COMMANDS_WAITING_MAX: Final = 64
CLOSE_SECONDS: Final = 2
REASON_BYTES_MAX: Final = 123

WRONG_TYPE: Final = 1003
TOO_LARGE: Final = 1009
OURS: Final = 1011
RESTART: Final = 1012
TOO_SLOW: Final = 1013
BAD_MESSAGE: Final = 4400
SIGN_IN: Final = 4401
SILENT: Final = 4408
REPLACED: Final = 4409
TOO_FAST: Final = 4429

_log = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Closing:
    """Why a connection ends. `fault` is told before the close frame where it can still be told."""

    code: int
    fault: Fault | None = None

    @property
    def reason(self) -> str:
        """At most what fits into a close frame."""
        if self.fault is None:
            return ""
        text = f"{self.fault.code}: {self.fault.message}"
        return text.encode()[:REASON_BYTES_MAX].decode(errors="ignore")


def closing(code: int, fault_code: FaultCode, message: str, do: str = "") -> Closing:
    return Closing(code, Fault(code=fault_code, message=message, do=do))


@dataclass(frozen=True, slots=True)
class Manners:
    """What is asked of a client, and what it may cost."""

    heartbeat_ms: int = 3_000
    silent_ms: int = 7_000
    hello_seconds: int = 5
    per_person_max: int = 6
    connections_max: int = 5_000
    messages_per_second: int = limits.CONTROL_MESSAGES_PER_SECOND
    messages_burst: int = limits.CONTROL_MESSAGES_BURST


class Connection:
    """`clock` tells real time: silence and rates are not part of a demonstration's faster clock."""

    def __init__(
        self, socket: WebSocket, connection_id: ConnectionId, clock: Clock, manners: Manners
    ) -> None:
        self.id = connection_id
        self._socket = socket
        self._clock = clock
        self._manners = manners
        self._bucket = TokenBucket(
            manners.messages_per_second, manners.messages_burst, clock.monotonic_ms()
        )
        self._heard_ms = clock.monotonic_ms()
        self._outgoing: deque[str] = deque()
        self._outgoing_bytes = 0
        self._something_to_send = asyncio.Event()
        self._commands: asyncio.Queue[Request] = asyncio.Queue(COMMANDS_WAITING_MAX)
        self._closing: asyncio.Future[Closing] = asyncio.get_running_loop().create_future()

    def send(self, message: FromServer) -> None:
        """Queue a message; a reader too slow for its queue is disconnected and comes back to the present state."""
        if self._closing.done():
            return
        frame = frames.encode(message)
        self._outgoing_bytes += _size(frame)
        self._outgoing.append(frame)
        if (
            len(self._outgoing) > limits.OUTGOING_FRAMES_MAX
            or self._outgoing_bytes > limits.OUTGOING_BYTES_MAX
        ):
            self._outgoing.clear()
            self.close(closing(TOO_SLOW, "unavailable", "You read too slowly.", "Connect again."))
        self._something_to_send.set()

    def close(self, why: Closing) -> None:
        """End the connection; the first reason stands."""
        if not self._closing.done():
            self._closing.set_result(why)

    async def first_request(self) -> Request | None:
        """What the client says first; `None` when the connection ended instead."""
        try:
            async with asyncio.timeout(self._manners.hello_seconds):
                frame = await self._receive()
            return None if frame is None else frames.decode_request(frame)
        except TimeoutError:
            self.close(closing(SIGN_IN, "silent", "No Hello came in time.", "Send Hello first."))
        except faults.Refused as refused:
            self.send(Declined(CommandId(""), refused.fault))
            self.close(Closing(BAD_MESSAGE, refused.fault))
        return None

    async def run(
        self, answer: Callable[[Request], Awaitable[Answered | Declined]], heard: Callable[[], None]
    ) -> None:
        """Serve until either side ends it."""
        tasks = [
            asyncio.create_task(work)
            for work in (
                self._read(heard),
                self._work(answer),
                self._write(),
                self._watch(),
            )
        ]
        try:
            endings: set[asyncio.Future[Any]] = {self._closing, *tasks}
            await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            ended = await asyncio.gather(*tasks, return_exceptions=True)
            for problem in ended:
                if isinstance(problem, Exception):
                    _log.error("connection failed", connection=self.id, exc_info=problem)
                    self.close(closing(OURS, "internal", "Something of ours went wrong."))

    async def finish(self) -> None:
        """Say what is still to be said, then close; bounded, because a dead peer never reads."""
        if self._socket.application_state is not WebSocketState.CONNECTED:
            return
        why = self._closing.result() if self._closing.done() else Closing(OURS)
        if self._socket.client_state is WebSocketState.DISCONNECTED:
            return
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._send_waiting()
                if why.fault and why.code not in (TOO_SLOW, BAD_MESSAGE):
                    await self._socket.send_text(frames.encode(Declined(CommandId(""), why.fault)))
                await self._socket.close(why.code, why.reason)
        except (TimeoutError, WebSocketDisconnect, RuntimeError):
            # Starlette says RuntimeError when the peer closed first; there is nobody left to tell.
            _log.debug("closed without goodbye", connection=self.id, code=why.code)

    async def _read(self, heard: Callable[[], None]) -> None:
        while (frame := await self._receive()) is not None:
            self._heard_ms = self._clock.monotonic_ms()
            heard()
            if not self._bucket.take(self._heard_ms):
                self.close(
                    closing(TOO_FAST, "too-fast", "That is too many messages.", "Slow down.")
                )
                return
            self._accept(frame)

    def _accept(self, frame: str) -> None:
        try:
            request = frames.decode_request(frame)
        except faults.Refused as refused:
            self.send(Declined(frames.request_id(frame), refused.fault))
            return
        if isinstance(request.command, Heartbeat):
            self.send(Answered(request.id, HeartbeatSeen(number=request.command.number)))
            return
        try:
            self._commands.put_nowait(request)
        except asyncio.QueueFull:
            fault = Fault(
                code="too-fast",
                message="Too many commands wait for their answer.",
                do="Wait for answers before you send more.",
                limit=COMMANDS_WAITING_MAX,
            )
            self.send(Declined(request.id, fault))

    async def _receive(self) -> str | None:
        """The next text frame; `None` when there will be none, with the reason noted."""
        message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            self.close(Closing(message.get("code") or 1005))
            return None
        text: str | None = message.get("text")
        if text is None:
            self.close(closing(WRONG_TYPE, "bad-message", "This channel takes text frames alone."))
        return text

    async def _work(self, answer: Callable[[Request], Awaitable[Answered | Declined]]) -> None:
        while True:
            self.send(await answer(await self._commands.get()))

    async def _write(self) -> None:
        while True:
            await self._something_to_send.wait()
            self._something_to_send.clear()
            try:
                await self._send_waiting()
            except (WebSocketDisconnect, RuntimeError):
                self.close(Closing(1006))
                return

    async def _send_waiting(self) -> None:
        while self._outgoing:
            frame = self._outgoing.popleft()
            await self._socket.send_text(frame)
            self._outgoing_bytes -= _size(frame)

    async def _watch(self) -> None:
        """Silence is measured, not assumed: a half-open connection is gone within seconds."""
        while True:
            silent_ms = self._clock.monotonic_ms() - self._heard_ms
            if silent_ms >= self._manners.silent_ms:
                self.close(closing(SILENT, "silent", "Nothing came from you.", "Connect again."))
                return
            await self._clock.sleep((self._manners.silent_ms - silent_ms) / 1000)


def _size(frame: str) -> int:
    return len(frame) if frame.isascii() else len(frame.encode())
