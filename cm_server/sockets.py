"""The control channel, `/api/v1/events`: sign in, Hello, resume, then commands one way and facts the other.

Owns: who may connect, how many times, and what a failing command is answered with. Does not own frames and queues
(`control_connection`), nor what a command does (`commands`).
"""

import secrets
from collections import defaultdict
from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final

import structlog
from starlette.websockets import WebSocket

from cm_server import commands, control_connection
from cm_server.answers import Answer, Answers
from cm_server.control_connection import Closing, Connection, Manners
from cm_server.db import StorageUnavailable
from cm_server.flow import arriving
from cm_server.flow.works import Works
from cm_server.people import auth
from cm_server.people.person import Person
from cm_wire import faults
from cm_wire.faults import Fault, Refused
from cm_wire.ids import CommandId, ConnectionId, PersonId
from cm_wire.to_client import Answered, Declined, Welcome
from cm_wire.to_server import Hello, Request
from cm_wire.version import OLDEST_SERVED_VERSION, PROTOCOL_VERSION

PATH: Final = "/api/v1/events"
_SCHEME: Final = "bearer"

_log = structlog.stdlib.get_logger(__name__)


@dataclass(slots=True)
class ControlChannel:
    """`server` names this program in `Welcome`; `origins` are the web pages that may connect, editors send none."""

    works: Works
    server: str
    origins: Collection[str] = ()
    manners: Manners = field(default_factory=Manners)
    answers: Answers = field(default_factory=Answers)
    _open: defaultdict[PersonId, list[Connection]] = field(
        default_factory=lambda: defaultdict(list)
    )

    @property
    def connections(self) -> int:
        return sum(map(len, self._open.values()))

    async def serve(self, socket: WebSocket) -> None:
        """One connection, from the handshake to its end."""
        origin = socket.headers.get("origin")
        if origin is not None and origin not in self.origins:
            # Before the upgrade: a foreign page learns nothing but 403.
            await socket.close()
            return
        await socket.accept()
        connection_id = ConnectionId(self.works.desk.new_id("con"))
        connection = Connection(socket, connection_id, self.works.desk.clock, self.manners)
        try:
            self._check_room()
            person = await self._signed_in(socket)
            await self._serve(connection, person)
        except Refused as refused:
            connection.close(Closing(_close_code(refused.fault), refused.fault))
        except StorageUnavailable as error:
            _log.error("connection refused", reason=str(error))
            connection.close(Closing(control_connection.TOO_SLOW, _UNAVAILABLE))
        await connection.finish()

    def stop(self) -> None:
        """Send everybody away because the server stops; they come back to its successor."""
        fault = Fault(code="unavailable", message="The server restarts.", do="Connect again.")
        for connections in tuple(self._open.values()):
            for connection in connections:
                connection.close(Closing(control_connection.RESTART, fault))

    async def _serve(self, connection: Connection, person: Person) -> None:
        request = await connection.first_request()
        if request is None:
            return
        refusal = _hello_refusal(request)
        if refusal is not None:
            connection.send(Declined(request.id, refusal))
            connection.close(Closing(control_connection.BAD_MESSAGE, refusal))
            return
        assert isinstance(request.command, Hello)
        self._admit(connection, person)
        hub = self.works.desk.hub
        try:
            await self._welcome(connection, person, request.id, request.command)
            await connection.run(
                lambda asked: self._answer(person, asked),
                lambda: arriving.heard(self.works, person.id),
            )
        finally:
            self._open[person.id].remove(connection)
            if not self._open[person.id]:
                del self._open[person.id]
            hub.disconnect(person.id, connection.id)
            await arriving.left(self.works, person)

    async def _welcome(
        self, connection: Connection, person: Person, re: CommandId, hello: Hello
    ) -> None:
        """Answer, then what was missed, then the present state: nothing is lost in between, nothing told twice."""
        online = await arriving.arrived(self.works, person)
        hub = self.works.desk.hub
        connection.send(
            Answered(
                re,
                Welcome(
                    protocol=PROTOCOL_VERSION,
                    server=self.server,
                    connection=connection.id,
                    person=person.id,
                    name=person.name,
                    is_mentor=person.is_mentor,
                    epoch=hub.epoch,
                    heartbeat_ms=self.manners.heartbeat_ms,
                    online=online,
                ),
            )
        )
        for happened in hub.missed(person.id, hello.resume_epoch, hello.resume_after) or ():
            connection.send(happened)
        hub.connect(person.id, connection.id, connection.send)
        await arriving.tell_present_state(self.works, person)

    def _check_room(self) -> None:
        limit = self.manners.connections_max
        if self.connections >= limit:
            raise faults.refusal(
                "unavailable",
                "This server is full.",
                "Try again shortly.",
                limit=limit,
                got=self.connections,
            )

    def _admit(self, connection: Connection, person: Person) -> None:
        """One more connection; the oldest has to go when there are too many."""
        connections = self._open[person.id]
        if len(connections) >= self.manners.per_person_max:
            connections[0].close(
                control_connection.closing(
                    control_connection.REPLACED, "replaced", "Replaced by your newer connection."
                )
            )
        connections.append(connection)

    async def _signed_in(self, socket: WebSocket) -> Person:
        desk = self.works.desk
        scheme, _, token = socket.headers.get("authorization", "").partition(" ")
        if scheme.lower() == _SCHEME and token:
            return await auth.authenticate(desk.clock, desk.database, token.strip())
        ticket = socket.query_params.get("token")
        if ticket:
            return await auth.redeem_ticket(desk.clock, desk.database, ticket)
        raise faults.refusal(
            "sign-in", "This needs a token.", "Send it as the header Authorization: Bearer TOKEN."
        )

    async def _answer(self, person: Person, request: Request) -> Answer:
        return await self.answers.once(person.id, request, lambda: self._perform(person, request))

    async def _perform(self, person: Person, request: Request) -> Answer:
        """The guard point of the control channel: whatever a command does, its sender gets an answer."""
        with structlog.contextvars.bound_contextvars(
            person=person.id, session=getattr(request.command, "session_id", "")
        ):
            try:
                return Answered(
                    request.id, await commands.answer(self.works, person, request.command)
                )
            except Refused as refused:
                return Declined(request.id, refused.fault)
            except StorageUnavailable as error:
                _log.error("storage unavailable", reason=str(error))
                return Declined(request.id, _UNAVAILABLE)
            except Exception:  # noqa: BLE001 - the guard point
                reference = secrets.token_hex(4)
                name = type(request.command).__name__
                _log.exception("command failed", command=name, ref=reference)
                return Declined(
                    request.id,
                    Fault(code="internal", message="Something of ours went wrong.", ref=reference),
                )


def _close_code(fault: Fault) -> int:
    if fault.code == "unavailable":
        return control_connection.TOO_SLOW
    return control_connection.SIGN_IN


def _hello_refusal(request: Request) -> Fault | None:
    hello = request.command
    if not isinstance(hello, Hello):
        return Fault(
            code="bad-message", message="The first message must be Hello.", do="Send Hello first."
        )
    if not OLDEST_SERVED_VERSION <= hello.protocol <= PROTOCOL_VERSION:
        newer = hello.protocol > PROTOCOL_VERSION
        return Fault(
            code="unsupported-version",
            message=f"This server speaks protocol {OLDEST_SERVED_VERSION} to {PROTOCOL_VERSION}, you speak {hello.protocol}.",
            do="Ask the operator to update the server." if newer else "Update codementor-lsp.",
            field="protocol",
            limit=PROTOCOL_VERSION,
            got=hello.protocol,
        )
    return None


_UNAVAILABLE: Final = Fault(
    code="unavailable", message="The database does not answer.", do="Try again shortly."
)
