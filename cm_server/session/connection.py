"""One participant's document socket as the room sees it: frames to go out, in bounds, and how fast frames come in.

Owns: what goes out at once and what waits, the reason to close, the pace. Does not own the socket. A guess that would be wrong:
frames wait in a queue for a task that writes them. Who reads as fast as is sent has an empty queue; only where the socket says
that its other side lags does anything wait, of cursors the newest of each client alone.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from cm_server.session.lack import Lack
from cm_wire import limits
from cm_wire.ids import ConnectionId, PersonId, YjsClientId
from cm_wire.yjs import awareness, sync_frames
from cm_wire.yjs.awareness import Entry

SLOW_READER: Final = 1013
PERSISTS_SECONDS: Final = 10.0
DELAY_SECONDS_MAX: Final = 1.0


@dataclass(frozen=True, slots=True)
class Pacing:
    """How fast one connection's frames are read, and how long an empty room stays in memory."""

    frames_per_second: float = limits.UPDATES_PER_SECOND + limits.CURSORS_PER_SECOND
    frames_burst: float = limits.UPDATES_BURST
    idle_seconds: float = 120.0


class Pace:
    """A token bucket: `per_second` for good, `burst` at once. Times are the event loop's, in seconds."""

    __slots__ = ("_at", "_burst", "_per_second", "_slowed_since", "_tokens")

    def __init__(self, per_second: float, burst: float, now: float) -> None:
        self._per_second = per_second
        self._burst = burst
        self._tokens = burst
        self._at = now
        self._slowed_since: float | None = None

    def spend(self, tokens: float, now: float) -> float:
        """Take tokens and return the seconds to wait before the next frame is read."""
        self._tokens = min(self._burst, self._tokens + (now - self._at) * self._per_second) - tokens
        self._at = now
        if self._tokens >= 0:
            if self._tokens > self._burst / 2:
                self._slowed_since = None
            return 0.0
        if self._slowed_since is None:
            self._slowed_since = now
        return min(DELAY_SECONDS_MAX, -self._tokens / self._per_second)

    def is_flood(self, now: float) -> bool:
        """Whether slowing down has not helped for `PERSISTS_SECONDS`."""
        return self._slowed_since is not None and now - self._slowed_since > PERSISTS_SECONDS


class Wire(Protocol):
    """Where frames go out."""

    @property
    def can_write(self) -> bool:
        """False while the other side lags behind; `Connection.flush` is called when it has caught up."""
        ...

    def write(self, payload: bytes) -> None: ...


class Connection:
    """`client_id` is the author of what comes in; `is_bound` once it has been used or was asked for by number.

    `resumed_after` is the number of the update behind which this connection goes on, for one that does not begin anew.
    """

    __slots__ = (
        "_bytes",
        "_cursors",
        "_frames",
        "_interrupt",
        "_wire",
        "client_id",
        "close_code",
        "close_reason",
        "cursor_due",
        "cursor_seen",
        "cursor_timer",
        "id",
        "is_bound",
        "lack",
        "pace",
        "person",
        "query_waits",
        "resumed_after",
    )

    def __init__(
        self,
        connection_id: ConnectionId,
        person: PersonId,
        client_id: YjsClientId,
        pace: Pace,
        *,
        is_bound: bool,
        resumed_after: int | None = None,
    ) -> None:
        self.id = connection_id
        self.person = person
        self.client_id = client_id
        self.is_bound = is_bound
        self.resumed_after = resumed_after
        self.query_waits = False
        self.pace = pace
        self.lack = Lack()
        self.cursor_seen: Entry | None = None
        self.cursor_due = 0.0
        self.cursor_timer: asyncio.TimerHandle | None = None
        self.close_code: int | None = None
        self.close_reason = ""
        self._frames: deque[bytes] = deque()
        self._bytes = 0
        self._cursors: dict[YjsClientId, Entry] = {}
        self._interrupt: Callable[[], None] | None = None
        self._wire: Wire | None = None

    def attach(self, wire: Wire, interrupt: Callable[[], None]) -> None:
        """Write what waits, and from now on at once. `interrupt` is called when the connection is to be closed, which may be now."""
        self._wire = wire
        self.on_close(interrupt)
        self.flush()

    def send(self, frame: bytes) -> None:
        """Send a frame, behind those that wait. Who lets too much pile up is closed with 1013, comes back and is sent what he lacks.

        One frame may be of any size, so that the first sync of a large document goes out.
        """
        if self.close_code is not None:
            return
        wire = self._wire
        if wire is not None and not self._frames and wire.can_write:
            wire.write(frame)
            return
        size = len(frame)
        if self._frames and (
            len(self._frames) >= limits.OUTGOING_FRAMES_MAX
            or self._bytes + size > limits.OUTGOING_BYTES_MAX
        ):
            self.close(SLOW_READER, "read too slowly; come back for what you missed")
            return
        self._frames.append(frame)
        self._bytes += size

    def answer_query(self, frame: bytes) -> None:
        """To what is stored; until then no other is taken."""
        self.query_waits = False
        self.send(frame)

    def show(self, entry: Entry) -> None:
        """Send a cursor; where it has to wait, in place of an older one of the same client and behind all edits."""
        if self.close_code is not None:
            return
        wire = self._wire
        if wire is not None and not self._frames and not self._cursors and wire.can_write:
            wire.write(sync_frames.encode_awareness(awareness.encode([entry])))
        else:
            self._cursors[entry.client] = entry

    def flush(self) -> None:
        """Write what waits, as far as the other side takes it; edits first, then all cursors at once."""
        wire = self._wire
        if wire is None:
            return
        while self._frames and wire.can_write:
            frame = self._frames.popleft()
            self._bytes -= len(frame)
            wire.write(frame)
        if self._cursors and wire.can_write:
            entries = list(self._cursors.values())[: awareness.MAX_ENTRIES]
            for entry in entries:
                del self._cursors[entry.client]
            wire.write(sync_frames.encode_awareness(awareness.encode(entries)))

    def close(self, code: int, reason: str) -> None:
        """Ask the socket's owner to close it; what waits is dropped, and only the first call counts."""
        if self.close_code is not None:
            return
        self.close_code = code
        self.close_reason = reason.encode()[:120].decode(errors="ignore")
        self._frames.clear()
        self._cursors.clear()
        if self._interrupt is not None:
            self._interrupt()

    def on_close(self, interrupt: Callable[[], None]) -> None:
        """Have `interrupt` called as soon as the connection is to be closed, which may be now."""
        self._interrupt = interrupt
        if self.close_code is not None:
            interrupt()


def replaced(connections: Iterable[Connection], person: PersonId, at_most: int) -> list[Connection]:
    """The oldest connections of a person that have to go so that one more makes at most `at_most`."""
    own = [connection for connection in connections if connection.person == person]
    return own[: max(0, len(own) - at_most + 1)]
