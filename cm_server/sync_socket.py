"""The document channel, `/api/v1/sessions/{id}/sync`: the standard y-websocket wire, for any Yjs client with a token.

Owns: the handshake, reading and writing frames, close codes. Does not own what a frame does (`session.room`). Raw ASGI,
because a frame here costs microseconds: no task and no object per message.

Mount it with `Starlette(routes=[..., *routes(rooms, sign_in, origins)])`. The answer to the upgrade carries
`Codementor-Yjs-Client`, the client id the connection writes under, and `Codementor-Yjs-Seed`, the server's own; a client that
comes back asks for its id of before with `?client=N` and must build its document anew when it is given another.
"""

import asyncio
from collections.abc import Collection
from contextlib import suppress
from typing import Final, Protocol
from urllib.parse import parse_qs

import structlog
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import Message, Receive, Scope, Send

from cm_server.db import StorageUnavailable
from cm_server.session.connection import SLOW_READER, Connection
from cm_server.session.document import SEED_CLIENT_ID, DocumentLost
from cm_server.session.room import GONE, MALFORMED, OVER, Room
from cm_server.session.rooms import Rooms
from cm_wire import faults, limits
from cm_wire.ids import PersonId, SessionId, YjsClientId

PATH: Final = "/api/v1/sessions/{session_id}/sync"
NOT_SIGNED_IN: Final = 4401
TOO_FAST: Final = 4429
NOT_BINARY: Final = 1003
TOO_LARGE: Final = 1009
BROKEN: Final = 1011
CLOSE_SECONDS_MAX: Final = 5.0
STEP_1_TOKENS: Final = 20
"""Answering a state vector may mean sending the whole document, so it spends as much as this many edits."""

_CODES: Final[dict[faults.FaultCode, int]] = {
    "sign-in": NOT_SIGNED_IN,
    "no-such-session": GONE,
    "session-over": OVER,
    "too-many": TOO_FAST,
    "bad-value": MALFORMED,
}
_log = structlog.stdlib.get_logger(__name__)


class SignIn(Protocol):
    """Who a token belongs to; both refuse with `sign-in`. A ticket works once and comes in the address."""

    async def by_token(self, token: str) -> PersonId: ...
    async def by_ticket(self, ticket: str) -> PersonId: ...


def routes(rooms: Rooms, sign_in: SignIn, origins: Collection[str]) -> list[BaseRoute]:
    """`origins` are the web pages that may open this socket; editors send none."""
    return [WebSocketRoute(PATH, SyncSocket(rooms, sign_in, origins), name="sync")]


class SyncSocket:
    def __init__(self, rooms: Rooms, sign_in: SignIn, origins: Collection[str]) -> None:
        self._rooms = rooms
        self._sign_in = sign_in
        self._origins = frozenset(origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if (await receive())["type"] != "websocket.connect":
            return
        headers: dict[bytes, bytes] = dict(scope["headers"])
        origin = headers.get(b"origin")
        if origin is not None and origin.decode("latin-1") not in self._origins:
            # Before the upgrade: a foreign page learns nothing but 403.
            await send({"type": "websocket.close"})
            return
        try:
            room, connection = await self._join(scope, headers)
        except faults.Refused as refused:
            await _turn_away(send, _CODES.get(refused.fault.code, BROKEN), refused.fault.message)
            return
        except (StorageUnavailable, DocumentLost) as error:
            _log.error("join-failed", reason=str(error))
            await _turn_away(send, SLOW_READER, "the session cannot be opened now; come back")
            return
        try:
            await _serve(room, connection, receive, send)
        finally:
            self._rooms.leave(room, connection)
        if connection.close_code is not None:
            await _close(send, connection.close_code, connection.close_reason)

    async def _join(self, scope: Scope, headers: dict[bytes, bytes]) -> tuple[Room, Connection]:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        person = await self._person(headers, query)
        session_id = SessionId(scope["path_params"]["session_id"])
        return await self._rooms.join(session_id, person, _wanted_client(query))

    async def _person(self, headers: dict[bytes, bytes], query: dict[str, list[str]]) -> PersonId:
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() == "bearer" and token:
            return await self._sign_in.by_token(token.strip())
        if query.get("token"):
            return await self._sign_in.by_ticket(query["token"][0])
        raise faults.refusal("sign-in", "There is no token.", "Send one in Authorization: Bearer.")


async def _serve(room: Room, connection: Connection, receive: Receive, send: Send) -> None:
    """Write until the connection is to be closed or the other side has gone; a task beside it reads."""
    await send(
        {
            "type": "websocket.accept",
            "headers": [
                (b"codementor-yjs-client", str(connection.client_id).encode()),
                (b"codementor-yjs-seed", str(SEED_CLIENT_ID).encode()),
            ],
        }
    )
    reading = asyncio.create_task(_read(room, connection, receive))
    try:
        async with asyncio.timeout(None) as life:
            ending = _Ending(life)
            connection.on_close(ending.now)
            reading.add_done_callback(ending.now)
            await _write(connection, send)
    except TimeoutError:
        pass  # the life of the connection has been ended, not the server's patience
    finally:
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)


class _Ending:
    """Ends a block under `asyncio.timeout` at once, however often and from wherever it is asked to.

    A writer may be stuck in a send that never returns, because the other side does not read.
    """

    def __init__(self, life: asyncio.Timeout) -> None:
        self._life = life
        self._is_asked = False

    def now(self, _: object = None) -> None:
        if not self._is_asked:
            self._is_asked = True
            with suppress(RuntimeError):  # the block has ended by itself
                self._life.reschedule(asyncio.get_running_loop().time())


async def _read(room: Room, connection: Connection, receive: Receive) -> None:
    loop = asyncio.get_running_loop()
    while True:
        message = await receive()
        if message["type"] == "websocket.disconnect":
            return
        frame = _frame(connection, message)
        if frame is None:
            return
        try:
            room.receive(connection, frame)
        except Exception:  # noqa: BLE001 - the guard: a bug of ours ends one connection, not the room
            _log.exception("frame-failed", session=room.session_id)
            connection.close(BROKEN, "this frame could not be handled")
            return
        now = loop.time()
        wait = connection.pace.spend(STEP_1_TOKENS if frame[:2] == b"\0\0" else 1, now)
        if wait:
            if connection.pace.is_flood(now):
                connection.close(TOO_FAST, f"more than {limits.UPDATES_PER_SECOND} edits a second")
                return
            await asyncio.sleep(wait)


def _frame(connection: Connection, message: Message) -> bytes | None:
    """The bytes of one message; `None` after closing for what is no frame."""
    frame: bytes | None = message.get("bytes")
    if frame is None:
        connection.close(NOT_BINARY, "frames on this channel are binary")
    elif len(frame) > limits.SYNC_FRAME_BYTES_MAX:
        connection.close(TOO_LARGE, f"a frame has at most {limits.SYNC_FRAME_BYTES_MAX} bytes")
        return None
    return frame


async def _write(connection: Connection, send: Send) -> None:
    with suppress(OSError):  # what a server raises when the other side is gone
        while True:
            await send({"type": "websocket.send", "bytes": await connection.next_frame()})


async def _turn_away(send: Send, code: int, reason: str) -> None:
    """Accept first: a browser is told a close code, but nothing of a refused upgrade."""
    await send({"type": "websocket.accept"})
    await _close(send, code, reason)


async def _close(send: Send, code: int, reason: str) -> None:
    """A reader that does not even take the close frame is cut off after a while."""
    cut = reason.encode()[:120].decode(errors="ignore")
    with suppress(OSError, TimeoutError):
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await send({"type": "websocket.close", "code": code, "reason": cut})


def _wanted_client(query: dict[str, list[str]]) -> YjsClientId | None:
    value = query.get("client", [""])[0]
    if not value:
        return None
    if not value.isdecimal() or len(value) > 16:
        raise faults.refusal("bad-value", "client is a whole number.", field="client")
    return YjsClientId(int(value))
