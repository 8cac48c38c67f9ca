"""One participant's document socket as the room sees it: frames to go out, in bounds, and how fast frames come in.

Owns: the outgoing queue, the reason to close, the pace. Does not own the socket. A guess that would be wrong: cursors
wait in the queue. Only the newest of each client is kept beside it, so they are never between two edits and can be
dropped without harm.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterable
from typing import Final

from cm_server.session.lack import Lack
from cm_wire import limits
from cm_wire.ids import ConnectionId, PersonId, YjsClientId
from cm_wire.yjs import awareness, sync_frames
from cm_wire.yjs.awareness import Entry

SLOW_READER: Final = 1013
PERSISTS_SECONDS: Final = 10.0
DELAY_SECONDS_MAX: Final = 1.0


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


class Connection:
    """`client_id` is the author of what comes in; `is_bound` once it has been used or was asked for by number."""

    __slots__ = (
        "_bytes",
        "_cursors",
        "_frames",
        "_interrupt",
        "_reader",
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
    )

    def __init__(
        self,
        connection_id: ConnectionId,
        person: PersonId,
        client_id: YjsClientId,
        pace: Pace,
        *,
        is_bound: bool,
    ) -> None:
        self.id = connection_id
        self.person = person
        self.client_id = client_id
        self.is_bound = is_bound
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
        self._reader: asyncio.Future[None] | None = None

    def send(self, frame: bytes) -> None:
        """Queue a frame. A reader that lets too much pile up is closed with 1013; it comes back and is sent what it lacks.

        One frame may be of any size, so that the first sync of a large document goes out.
        """
        if self.close_code is not None:
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
        self._wake()

    def show(self, entry: Entry) -> None:
        """Queue a cursor in place of an older one of the same client."""
        if self.close_code is None:
            self._cursors[entry.client] = entry
            self._wake()

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

    async def next_frame(self) -> bytes:
        """The next frame to write; edits first, then all cursors at once."""
        while True:
            if self._frames:
                frame = self._frames.popleft()
                self._bytes -= len(frame)
                return frame
            if self._cursors:
                entries = list(self._cursors.values())[: awareness.MAX_ENTRIES]
                for entry in entries:
                    del self._cursors[entry.client]
                return sync_frames.encode_awareness(awareness.encode(entries))
            self._reader = asyncio.get_running_loop().create_future()
            try:
                await self._reader
            finally:
                self._reader = None

    def _wake(self) -> None:
        if self._reader is not None and not self._reader.done():
            self._reader.set_result(None)


def replaced(connections: Iterable[Connection], person: PersonId, at_most: int) -> list[Connection]:
    """The oldest connections of a person that have to go so that one more makes at most `at_most`."""
    own = [connection for connection in connections if connection.person == person]
    return own[: max(0, len(own) - at_most + 1)]
