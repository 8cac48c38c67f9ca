"""Who is where in a room: the newest state of each client, under the person's own name, at a bearable rate.

Owns: what is shown to whom, the clocks of what is shown, thinning. Nothing of it is stored or counted. A guess that
would be wrong: a cursor that comes too early is dropped. It is shown when the interval is over, unless a newer one is.
"""

import asyncio
from collections.abc import Container, Iterable
from typing import Final

from cm_server.session.connection import Connection
from cm_server.session.standing import COLOURS, Standing
from cm_wire import limits, printable
from cm_wire.ids import PersonId, YjsClientId
from cm_wire.yjs import awareness, sync_frames
from cm_wire.yjs.awareness import Entry, User

INTERVAL_SECONDS: Final = 1 / limits.CURSORS_PER_SECOND
_HEARD: Final = sync_frames.encode_awareness(awareness.encode([]))


class Cursors:
    def __init__(self, connections: Iterable[Connection], standing: Standing) -> None:
        """`connections` is the room's own list, read whenever something is to be shown."""
        # Asked for once: Python 3.11 makes a system call to answer, which was a twentieth of what a message costs.
        self._loop = asyncio.get_running_loop()
        self._connections = connections
        self._standing = standing
        self._users: dict[PersonId, User] = {}
        self._shown: dict[YjsClientId, Entry] = {}
        self._clocks: dict[YjsClientId, int] = {}

    def take(self, connection: Connection, entry: Entry, paths: Container[str]) -> None:
        """Show a person's entry to the others, rewritten; `MalformedError` for a state of no known form."""
        user = self._users.get(connection.person) or self._user(connection.person)
        rewritten = awareness.rewrite(
            entry, connection.cursor_seen, connection.client_id, user, paths
        )
        if rewritten is None:
            return
        before, connection.cursor_seen = connection.cursor_seen, rewritten
        if before is not None and before.state == rewritten.state:
            # A renewal. Standard clients take a server for dead that sends nothing for two of them.
            connection.send(_HEARD)
            return
        if connection.cursor_timer is not None:
            return
        wait = connection.cursor_due - self._loop.time()
        if wait > 0:
            connection.cursor_timer = self._loop.call_later(wait, self._show_newest, connection)
        else:
            self._show_newest(connection)

    def show_all_to(self, connection: Connection) -> None:
        for entry in self._shown.values():
            if entry.client != connection.client_id:
                connection.show(entry)

    def remove(self, connection: Connection) -> None:
        """Tell the others that a connection's client has gone."""
        if connection.cursor_timer is not None:
            connection.cursor_timer.cancel()
            connection.cursor_timer = None
        if connection.client_id in self._shown:
            self._show(connection, awareness.GONE)
            del self._shown[connection.client_id]

    def _user(self, person: PersonId) -> User:
        role = self._standing.role_of(person)
        assert role is not None
        name = printable.display_name(self._standing.name_of(person), limits.NAME_CHARACTERS_MAX)
        user = self._users[person] = User(person, name, COLOURS[role], role)
        return user

    def _show_newest(self, connection: Connection) -> None:
        connection.cursor_timer = None
        connection.cursor_due = self._loop.time() + INTERVAL_SECONDS
        if connection.cursor_seen is not None:
            self._show(connection, connection.cursor_seen.state)

    def _show(self, connection: Connection, state: bytes) -> None:
        """Under a clock of the room's own, so that a client that starts anew is not taken for an old one."""
        client = connection.client_id
        clock = self._clocks[client] = self._clocks.get(client, 0) + 1
        entry = self._shown[client] = Entry(client, clock, state)
        for peer in self._connections:
            if peer is not connection:
                peer.show(entry)
