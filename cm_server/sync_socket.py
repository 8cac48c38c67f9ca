"""The document channel, `/api/v1/sessions/{id}/sync`: the standard y-websocket wire, for any Yjs client with a token.

Owns: the handshake, the pace, close codes. Does not own what a frame does (`session.room`), nor the socket (`frame_socket`). A
frame here costs microseconds: it comes and goes without a task and without ASGI, which only opens and closes.

Mount it with `Starlette(routes=[..., *routes(rooms, sign_in, origins)])`. The answer to the upgrade carries
`Codementor-Yjs-Client`, the client id the connection writes under, and `Codementor-Yjs-Seed`, the server's own; a client that
comes back asks for its id of before with `?client=N` and must build its document anew when it is given another. Who has asked
what is stored adds `&after=NUMBER`; `Codementor-Resumed-After` in the answer says that what was missed comes without a step 1.
"""

import asyncio
from collections.abc import Collection
from typing import Final, Protocol
from urllib.parse import parse_qs

import structlog
from starlette.routing import BaseRoute, WebSocketRoute
from starlette.types import Receive, Scope, Send

from cm_server.db import StorageUnavailable
from cm_server.frame_socket import EXTENSION, FrameSocket
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
EARLY_FRAME_SECONDS: Final = 0.05
CANNOT_OPEN: Final = "the session cannot be opened now; come back"
STEP_1: Final = b"\0\0"
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
        wire: FrameSocket = scope["extensions"][EXTENSION]
        if self._is_foreign(scope):
            # Before the upgrade: a foreign page learns nothing but 403.
            await send({"type": "websocket.close"})
            return
        try:
            room, connection = await self._join(scope)
        except faults.Refused as refused:
            code = _CODES.get(refused.fault.code, BROKEN)
            await _turn_away(send, code, refused.fault.message, wire)
            return
        except (StorageUnavailable, DocumentLost) as error:
            _log.error("join-failed", reason=str(error))
            await _turn_away(send, SLOW_READER, CANNOT_OPEN, wire)
            return
        try:
            await _serve(room, connection, wire, send)
        finally:
            self._rooms.leave(room, connection)
        if connection.close_code is not None:
            await _close(send, connection.close_code, connection.close_reason, wire)

    def _is_foreign(self, scope: Scope) -> bool:
        origin = dict(scope["headers"]).get(b"origin")
        return origin is not None and origin.decode("latin-1") not in self._origins

    async def _join(self, scope: Scope) -> tuple[Room, Connection]:
        query = parse_qs(scope["query_string"].decode("latin-1"))
        person = await self._person(dict(scope["headers"]), query)
        session_id = SessionId(scope["path_params"]["session_id"])
        client, after = _whole_number(query, "client"), _whole_number(query, "after")
        wanted = None if client is None else YjsClientId(client)
        return await self._rooms.join(session_id, person, wanted, after)

    async def _person(self, headers: dict[bytes, bytes], query: dict[str, list[str]]) -> PersonId:
        scheme, _, token = headers.get(b"authorization", b"").decode("latin-1").partition(" ")
        if scheme.lower() == "bearer" and token:
            return await self._sign_in.by_token(token.strip())
        if query.get("token"):
            return await self._sign_in.by_ticket(query["token"][0])
        raise faults.refusal("sign-in", "There is no token.", "Send one in Authorization: Bearer.")


async def _serve(room: Room, connection: Connection, wire: FrameSocket, send: Send) -> None:
    """Until the connection is to be closed or the other side has gone. Frames come and go without this task."""
    headers = [
        (b"codementor-yjs-client", str(connection.client_id).encode()),
        (b"codementor-yjs-seed", str(SEED_CLIENT_ID).encode()),
    ]
    if connection.resumed_after is not None:
        headers.append((b"codementor-resumed-after", str(connection.resumed_after).encode()))
    await send({"type": "websocket.accept", "headers": headers})
    frames = _Frames(room, connection)
    connection.attach(wire, frames.ended)
    wire.open(frames)
    await frames.end


class _Frames:
    """The reader of one socket: each frame to the room, at the pace that is allowed.

    Of a document that has just been opened the text goes out at once; what people send waits until it can be checked.
    """

    __slots__ = ("_connection", "_early", "_loop", "_opening", "_room", "end")

    def __init__(self, room: Room, connection: Connection) -> None:
        self._room = room
        self._connection = connection
        self._loop = asyncio.get_running_loop()
        self._early: list[bytes] = []
        self._opening: asyncio.Task[None] | None = None
        self.end: asyncio.Future[None] = self._loop.create_future()

    def take(self, frame: bytes) -> float:
        connection = self._connection
        if len(frame) > limits.SYNC_FRAME_BYTES_MAX:
            connection.close(TOO_LARGE, f"a frame has at most {limits.SYNC_FRAME_BYTES_MAX} bytes")
            return 0.0
        if self._early or not (frame[:2] == STEP_1 or self._room.document.is_prepared):
            return self._keep(frame)
        self._give(frame)
        now = self._loop.time()
        wait = connection.pace.spend(STEP_1_TOKENS if frame[:2] == STEP_1 else 1, now)
        if wait and connection.pace.is_flood(now):
            connection.close(TOO_FAST, f"more than {limits.UPDATES_PER_SECOND} edits a second")
        return wait

    def _give(self, frame: bytes) -> None:
        try:
            self._room.receive(self._connection, frame)
        except Exception:  # noqa: BLE001 - the guard: a bug of ours ends one connection, not the room
            _log.exception("frame-failed", session=self._room.session_id)
            self._connection.close(BROKEN, "this frame could not be handled")

    def _keep(self, frame: bytes) -> float:
        """Until the check is ready. The pause after each bounds how many these can be."""
        self._early.append(frame)
        if self._opening is None:
            self._opening = self._loop.create_task(self._give_early())
        return EARLY_FRAME_SECONDS

    async def _give_early(self) -> None:
        try:
            await self._room.document.prepare()
        except DocumentLost as error:
            _log.error("join-failed", session=self._room.session_id, reason=str(error))
            self._connection.close(SLOW_READER, CANNOT_OPEN)
        early, self._early = self._early, []
        for frame in early:
            self._give(frame)

    def take_text(self) -> None:
        self._connection.close(NOT_BINARY, "frames on this channel are binary")

    def can_write(self) -> None:
        self._connection.flush()

    def ended(self) -> None:
        if not self.end.done():
            self.end.set_result(None)


async def _turn_away(send: Send, code: int, reason: str, wire: FrameSocket) -> None:
    """Accept first: a browser is told a close code, but nothing of a refused upgrade."""
    await send({"type": "websocket.accept"})
    await _close(send, code, reason, wire)


async def _close(send: Send, code: int, reason: str, wire: FrameSocket) -> None:
    """A reader that does not even take the close frame is cut off after a while."""
    cut = reason.encode()[:120].decode(errors="ignore")
    try:
        async with asyncio.timeout(CLOSE_SECONDS_MAX):
            await send({"type": "websocket.close", "code": code, "reason": cut})
    except TimeoutError:
        wire.transport.abort()
    except OSError:
        pass  # what a server raises when the other side is gone


def _whole_number(query: dict[str, list[str]], name: str) -> int | None:
    value = query.get(name, [""])[0]
    if not value:
        return None
    if not value.isdecimal() or len(value) > 16:
        raise faults.refusal("bad-value", f"{name} is a whole number.", field=name)
    return int(value)
