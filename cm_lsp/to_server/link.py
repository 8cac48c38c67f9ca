"""The control channel: commands to the server, facts from it, over one websocket that comes back by itself.

Owns connecting, the greeting, resuming after the last fact seen, signs of life, and repeating unanswered commands. Facts
are handed on in order, each once. Does not own what a fact means (`cm_lsp.from_server`).

What a reader would guess wrong: a command given while there is no connection waits for one, within its patience; only a
person who is waiting needs the answer soon, and `command` says how long that is.
"""

import asyncio
import contextlib
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from cm_lsp import settings
from cm_lsp.lsp_ext import ConnectionState
from cm_lsp.to_server import backoff
from cm_lsp.to_server.backoff import Backoff
from cm_lsp.to_server.outbox import Outbox
from cm_wire import faults, frames, limits
from cm_wire.ids import CommandId
from cm_wire.to_client import Answered, Declined, Fact, Happened, HeartbeatSeen, Result, Welcome
from cm_wire.to_server import Command, Heartbeat, Hello, Request
from cm_wire.version import PROTOCOL_VERSION

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

log = logging.getLogger(__name__)

EVENTS_PATH: Final = "/api/v1/events"
CONNECT_PATIENCE_SECONDS: Final = 10.0
COMMAND_PATIENCE_SECONDS: Final = 20.0
HEARTBEATS_UNANSWERED_MAX: Final = 3

_FINAL_FAULTS: Final = frozenset({"sign-in", "not-allowed", "unsupported-version", "replaced"})
_TAKEN_OVER: Final = (
    "Another editor of yours has taken over. Restart the language server here to come back."
)


@dataclass(frozen=True, slots=True)
class LinkState:
    """`text` is a sentence for the user; `welcome` is the server's greeting while connected."""

    connection: ConnectionState
    text: str
    welcome: Welcome | None = None


class Link:
    """Give it `run` as a task; then `command` works whenever there is a connection."""

    def __init__(
        self,
        server_url: str,
        token: str,
        *,
        client: str,
        outbox: Outbox,
        backoff: Backoff,
        on_fact: Callable[[Fact], None],
        on_state: Callable[[LinkState], None],
    ) -> None:
        self._url = settings.websocket_url(server_url, EVENTS_PATH)
        self._shown_url = server_url
        self._token = token
        self._client = client
        self._outbox = outbox
        self._backoff = backoff
        self._on_fact = on_fact
        self._on_state = on_state
        self._socket: ClientConnection | None = None
        self._epoch = ""
        self._last_fact = 0
        self._heartbeats_unanswered = 0
        self._heartbeat_sent_at = 0.0
        self.round_trip_ms: int | None = None
        self.state = LinkState("connecting", f"Connecting to {server_url}.")

    async def command(
        self, command: Command, patience_seconds: float = COMMAND_PATIENCE_SECONDS
    ) -> Result:
        """The server's answer; raises `faults.Refused` with its refusal, or ours when nobody answers in time."""
        if self.state.connection in {"refused", "signedOut"}:
            raise faults.refusal("sign-in", self.state.text)
        request, answer = self._outbox.add(command)
        if self._socket is not None:
            await self._send(self._socket, request)
        try:
            done, _ = await asyncio.wait([answer], timeout=patience_seconds)
            if done:
                return answer.result()
            raise self._unanswered(may_have_arrived=self._outbox.may_have_arrived(request.id))
        finally:
            answer.cancel()

    async def run(self) -> None:
        """Stay connected until cancelled, or until the server says not to come again."""
        from websockets.exceptions import InvalidHandshake

        while True:
            try:
                closed = await self._one_connection()
            except faults.Refused as refused:
                closed = None
                if refused.fault.code in _FINAL_FAULTS:
                    self._give_up(str(refused.fault))
                    return
            except (OSError, TimeoutError, InvalidHandshake) as error:
                closed = _close_code_of(error)
                log.info("link-down reason=%s", error)
            finally:
                self._socket = None
            if closed in backoff.FINAL_CLOSES:
                self._give_up(
                    _TAKEN_OVER if closed == backoff.CLOSE_REPLACED else self._not_accepted
                )
                return
            self._tell(
                "offline",
                f"The server at {self._shown_url} cannot be reached; trying again.",
            )
            await asyncio.sleep(self._backoff.next_wait_seconds())

    async def _one_connection(self) -> int | None:
        """Greet, then hand on everything that comes; the code the connection was closed with."""
        from websockets.asyncio.client import connect
        from websockets.exceptions import ConnectionClosed

        headers = {"Authorization": f"Bearer {self._token}"}
        async with connect(
            self._url,
            additional_headers=headers,
            max_size=limits.FIRST_SYNC_BYTES_MAX,
            open_timeout=CONNECT_PATIENCE_SECONDS,
            ping_interval=None,
            compression=None,
            user_agent_header=self._client,
            proxy=settings.proxy_for(self._url),
        ) as socket:
            try:
                welcome = await self._greet(socket)
                self._backoff.succeeded()
                self._socket = socket
                async with asyncio.TaskGroup() as tasks:
                    beating = tasks.create_task(self._beat(socket, welcome.heartbeat_ms / 1000))
                    await self._resend(socket)
                    async for frame in socket:
                        self._take(frame)
                    beating.cancel()
            except* ConnectionClosed:
                pass
            return socket.close_code

    async def _greet(self, socket: "ClientConnection") -> Welcome:
        hello = Hello(
            protocol=PROTOCOL_VERSION,
            client=self._client,
            resume_epoch=self._epoch,
            resume_after=self._last_fact,
        )
        await socket.send(frames.encode(Request(CommandId("hello"), hello)))
        async with asyncio.timeout(CONNECT_PATIENCE_SECONDS):
            while True:
                frame = frames.decode_from_server(await socket.recv())
                if isinstance(frame, Answered) and isinstance(frame.result, Welcome):
                    return self._welcomed(frame.result)
                if isinstance(frame, Declined):
                    raise faults.Refused(frame.fault)

    def _welcomed(self, welcome: Welcome) -> Welcome:
        if welcome.epoch != self._epoch:
            self._epoch, self._last_fact = welcome.epoch, 0
        self._heartbeats_unanswered = 0
        self.state = LinkState("connected", f"Connected as {welcome.name}.", welcome)
        self._on_state(self.state)
        return welcome

    def _take(self, raw: str | bytes) -> None:
        try:
            frame = frames.decode_from_server(raw)
        except faults.Refused as refused:
            log.warning("server-sent-nonsense %s", refused)
            return
        match frame:
            case None:
                pass
            case Happened():
                if frame.number == 0 or frame.number > self._last_fact:
                    self._last_fact = max(self._last_fact, frame.number)
                    self._on_fact(frame.fact)
            case Answered(result=HeartbeatSeen()):
                self._heartbeats_unanswered = 0
                elapsed = asyncio.get_running_loop().time() - self._heartbeat_sent_at
                self.round_trip_ms = round(elapsed * 1000)
            case Answered() | Declined():
                self._outbox.settle(frame)

    async def _beat(self, socket: "ClientConnection", every_seconds: float) -> None:
        number = 0
        while True:
            await asyncio.sleep(every_seconds)
            if self._heartbeats_unanswered >= HEARTBEATS_UNANSWERED_MAX:
                log.info("link-down reason=silent")
                await socket.close(4408, "silent: the server does not answer")
                return
            number += 1
            self._heartbeats_unanswered += 1
            self._heartbeat_sent_at = asyncio.get_running_loop().time()
            request = Request(CommandId(f"heartbeat-{number}"), Heartbeat(number=number))
            await self._send(socket, request)

    async def _resend(self, socket: "ClientConnection") -> None:
        for request in self._outbox.unanswered():
            await self._send(socket, request)

    async def _send(self, socket: "ClientConnection", request: Request) -> None:
        """A connection that is going down keeps the command in the outbox, for the next one."""
        from websockets.exceptions import ConnectionClosed

        with contextlib.suppress(ConnectionClosed):
            await socket.send(frames.encode(request))
            self._outbox.handed_over(request.id)

    def _unanswered(self, *, may_have_arrived: bool) -> faults.Refused:
        if may_have_arrived:
            return faults.refusal(
                "unavailable",
                f"The server at {self._shown_url} does not answer.",
                "It may have heard you, which you will see when it is back; we go on trying to reach it.",
            )
        return faults.refusal(
            "unavailable",
            f"The server at {self._shown_url} cannot be reached, so nothing was sent.",
            "Try again when it is back; we go on trying to reach it.",
        )

    @property
    def _not_accepted(self) -> str:
        return (
            f"The server at {self._shown_url} does not accept the token. "
            "Set CM_TOKEN to a valid one and restart the language server."
        )

    def _give_up(self, text: str) -> None:
        self._tell("refused", text)
        self._outbox.fail_all(faults.Fault(code="sign-in", message=text))

    def _tell(self, connection: ConnectionState, text: str) -> None:
        if self.state.connection != connection or self.state.text != text:
            self.state = LinkState(connection, text)
            self._on_state(self.state)


def _close_code_of(error: Exception) -> int | None:
    """A server may refuse the token before the websocket is open: as an HTTP answer."""
    from websockets.exceptions import InvalidStatus

    if isinstance(error, InvalidStatus) and error.response.status_code in {401, 403}:
        return backoff.CLOSE_SIGN_IN
    return None
