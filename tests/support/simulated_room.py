"""A server's room over a simulated disk, and the sockets of two people to it.

Real are the room, its log and its hub; simulated the disk, the network and the clock. Killed, the server comes back with
what was on the disk. Does not own what sits at the other end of a socket.
"""

import asyncio
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, Protocol, cast

from cm_server.db import Database
from cm_server.hub import Hub
from cm_server.session import content, document, resuming, room
from cm_server.session.connection import Connection, Pace
from cm_server.session.room import Floor, Room
from cm_server.session.standing import Standing
from cm_server.session.update_log import UpdateLog
from cm_wire.ids import AskId, ConnectionId, FilePath, PersonId, SessionId, YjsClientId
from cm_wire.money import Money
from cm_wire.to_client import Happened
from cm_wire.yjs import sync_frames
from tests.support.simulated_loop import LoopTime
from tests.support.simulated_network import Link, Weather
from tests.support.unwatched import Unwatched

SESSION = SessionId("ses_plan")
PATH = FilePath("a.py")
PEOPLE = (PersonId("lea"), PersonId("mo"))
STORE_SECONDS = 0.004
SNAPSHOT_UPDATES = 12


class Disk:
    """Rows as they are after a commit. Stands in for `Database` where only the update log uses it."""

    def __init__(self) -> None:
        self.updates: list[tuple[int, bytes]] = []
        self.snapshots: list[tuple[int, bytes]] = [(0, b"")]

    async def append(self, table: object, rows: Sequence[Mapping[str, Any]]) -> None:
        await asyncio.sleep(STORE_SECONDS)
        if table is content.UPDATES:
            self.updates += [(row["number"], row["content"]) for row in rows]


class Server:
    """A room over a disk; killed, it forgets all that is not there."""

    def __init__(self, start: str) -> None:
        self.disk = Disk()
        self.hub = Hub("epoch")
        empty = document.SharedDocument.built(b"", [])
        self.disk.updates.append((1, empty.plan_share(PATH, start)))
        self.start()

    def start(self) -> None:
        self._log = log = UpdateLog(cast("Database", self.disk))
        self._writer = asyncio.create_task(log.run())
        number, snapshot = self.disk.snapshots[-1]
        updates = [update for update in self.disk.updates if update[0] > number]
        clients = {2 + side: person for side, person in enumerate(PEOPLE)}
        stored = content.StoredDocument(snapshot, number, updates, clients)
        floor = Floor(log, self.hub, Unwatched(), self._take_snapshot, SNAPSHOT_UPDATES)
        shared = document.SharedDocument.built(snapshot, stored.contents)
        self.room = Room(floor, _standing(), stored, shared)

    def kill(self) -> None:
        self._writer.cancel()
        self.room.close(room.COME_BACK, "killed")

    def missed(self, after: int | None) -> bytes | None:
        """As `resuming.missed`, of this disk."""
        if after is None:
            return None
        stored = [row for row in self.disk.updates if row[0] > after]
        return resuming.joined_up(stored + self._log.waiting(SESSION), after, self.room.number)

    def _take_snapshot(self, of: Room, number: int, whole: bytes) -> None:
        """At once, and so before what is not stored yet."""
        assert of is self.room
        named = [update for at, update in self.disk.updates if at <= number]
        replayed = document.SharedDocument.built(b"", named)
        assert document.SharedDocument.built(whole, []).texts() == replayed.texts()
        self.disk.snapshots.append((number, whole))

    def text(self) -> str:
        return self.room.document.texts()[PATH]


class Peer(Protocol):
    """What sits at a person's end. Frames it returns are sent."""

    @property
    def resume_after(self) -> int | None: ...
    def connected(self, client: YjsClientId, *, is_resumed: bool) -> list[bytes]: ...
    def received(self, frame: bytes) -> list[bytes]: ...
    def disconnected(self) -> None: ...
    def told(self, happened: Happened) -> None: ...


class _Wire:
    """The server's end of the simulated wire to one person; it never lags."""

    can_write = True

    def __init__(self, link: Link[bytes]) -> None:
        self.write = link.send


class Socket:
    """One person's document channel; it does not come back by itself."""

    def __init__(
        self, time: LoopTime, rng: Random, server: Server, number: int, peer: Peer
    ) -> None:
        self._time, self._rng, self._server, self._peer = time, rng, server, peer
        self._person, self._client = PEOPLE[number], YjsClientId(2 + number)
        self.closed: list[int] = []
        self.resumed = 0
        self._connections = 0
        self._connection: Connection | None = None
        self._out: Link[bytes] | None = None
        self._in: Link[bytes] | None = None

    def connect(self, weather: Weather) -> None:
        if self._connection is not None or self._server.room.is_closed:
            return
        self._connections += 1
        name = ConnectionId(f"{self._person}{self._connections}")
        pace = Pace(80, 300, self._time.now_ms / 1000)
        joined = self._server.room
        here = Connection(name, self._person, self._client, pace, is_bound=True)
        self._connection = here
        self._out = Link(self._time, self._rng, lambda f: joined.receive(here, f), weather)
        self._in = Link(self._time, self._rng, self._received, weather)
        self._server.hub.connect(self._person, name, self._peer.told)
        missed = self._server.missed(self._peer.resume_after)
        self.resumed += missed is not None
        self.send(self._peer.connected(self._client, is_resumed=missed is not None))
        joined.enter(here, missed)
        here.attach(_Wire(self._in), lambda: self._dropped(here))

    def disconnect(self) -> None:
        here, self._connection = self._connection, None
        if here is None or self._out is None or self._in is None:
            return
        self._out.cut()
        self._in.cut()
        self._server.hub.disconnect(self._person, here.id)
        self._server.room.leave(here)
        self._peer.disconnected()

    def send(self, frames: Sequence[bytes]) -> None:
        """Lost where there is no connection."""
        if self._connection is not None and self._out is not None:
            for frame in frames:
                self._out.send(frame)

    def send_updates(self, updates: Sequence[bytes]) -> None:
        self.send([sync_frames.encode_update(update) for update in updates])

    def _dropped(self, here: Connection) -> None:
        if here.close_code not in (None, room.COME_BACK):
            self.closed.append(here.close_code)
        self._time.after(1, self.disconnect)

    def _received(self, frame: bytes) -> None:
        self.send(self._peer.received(frame))


def _standing() -> Standing:
    return Standing(
        session_id=SESSION,
        ask_id=AskId("ask_plan"),
        learner=PEOPLE[0],
        learner_name="Lea",
        mentor=PEOPLE[1],
        mentor_name="Mo",
        state="live",
        mode="live",
        price_per_quarter=Money(1000, "USD"),
        cap_minutes=30,
        question="",
        opened_at_ms=0,
    )
