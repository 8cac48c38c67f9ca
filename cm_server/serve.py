"""Runs the app under uvicorn: one worker, a socket we bind ourselves, and an end that is clean.

Owns: the listening socket, the deadline for a request's head, what a signal does. Does not own the app.
"""

import asyncio
import errno
import signal
import socket
from collections.abc import Callable
from types import FrameType
from typing import Any, Final

import h11
import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from cm_server import garbage
from cm_server.frame_socket import FrameSocket
from cm_server.settings import Settings
from cm_wire import limits

HEAD_BYTES_MAX: Final = 16 * 1024
SOCKET_BYTES_MAX: Final = max(limits.CONTROL_FRAME_BYTES_MAX, limits.SYNC_FRAME_BYTES_MAX)
BACKLOG: Final = 2048
FORCED: Final = 130
"""What a shell expects of a program stopped by a second Ctrl-C."""


class CannotListen(Exception):  # noqa: N818 - reads as what happened
    """The address cannot be had; the message says why and what to try."""


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 takes a free one."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        raise CannotListen(_why_not(host, port, error)) from error
    return listening


def run(
    app: Starlette, settings: Settings, listening: socket.socket, on_serving: Callable[[], None]
) -> int:
    """Serve until SIGINT or SIGTERM; `on_serving` is called once requests are answered.

    The first signal lets open requests and sockets end within `graceful_stop_seconds`; a second one stops at once.
    """
    server = _Server(_configuration(app, settings), on_serving)
    # uvicorn puts its own handlers on top while it serves and raises the signal again when it is done; by then there
    # is nothing left to do.
    before = {sig: signal.signal(sig, _already_stopped) for sig in (signal.SIGINT, signal.SIGTERM)}
    try:
        server.run(sockets=[listening])
    finally:
        for sig, handler in before.items():
            signal.signal(sig, handler)
    if not server.started:
        return 1
    return FORCED if server.force_exit else 0


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_serving: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_serving = on_serving
        self._looking: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            garbage.settle()
            self._looking = asyncio.create_task(garbage.look_now_and_then())
            self._on_serving()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        if self._looking is not None:
            self._looking.cancel()
        await super().shutdown(sockets)


def _configuration(app: Starlette, settings: Settings) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        http=_with_head_deadline(settings.http_head_seconds),
        ws=FrameSocket,
        ws_max_size=SOCKET_BYTES_MAX,
        ws_per_message_deflate=False,
        # Our own heartbeat says more, and sooner, than the protocol's ping.
        ws_ping_interval=None,
        h11_max_incomplete_event_size=HEAD_BYTES_MAX,
        timeout_graceful_shutdown=settings.graceful_stop_seconds,
        proxy_headers=settings.behind_proxy,
        server_header=False,
        access_log=False,
        log_config=None,
        lifespan="on",
    )


def _with_head_deadline(seconds: int) -> type[asyncio.Protocol]:
    """uvicorn waits for a first request's head for ever; a client that dribbles one would hold a connection as long."""

    class HeadDeadlineProtocol(H11Protocol):
        _deadline: asyncio.TimerHandle | None = None

        def connection_made(self, transport: Any) -> None:
            super().connection_made(transport)
            self._deadline = self.loop.call_later(seconds, transport.close)

        def data_received(self, data: bytes) -> None:
            super().data_received(data)
            if self.conn.their_state is not h11.IDLE:
                self._forget_deadline()
            elif self._deadline is None:
                self._deadline = self.loop.call_later(seconds, self.transport.close)

        def connection_lost(self, exc: Exception | None) -> None:
            self._forget_deadline()
            super().connection_lost(exc)

        def _forget_deadline(self) -> None:
            if self._deadline is not None:
                self._deadline.cancel()
                self._deadline = None

    return HeadDeadlineProtocol


def _already_stopped(_signal: int, _frame: FrameType | None) -> None:
    pass


def _why_not(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"Port {port} is taken by another program."
    if error.errno == errno.EACCES:
        return f"Port {port} needs a right this user does not have."
    if error.errno == errno.EADDRNOTAVAIL or isinstance(error, socket.gaierror):
        return f"{host} is not an address of this machine."
    return f"Cannot listen on {host}:{port}: {error.strerror}."
