"""When the next edit may be sent to an editor that refused one, or that puts edits in the wrong place.

Owns waiting only. Refusals never drop an edit: giving up on a plain refusal would throw the other
person's text away.
"""

from collections import deque

FIRST_RETRY_MS = 300
LONGEST_RETRY_MS = 5_000
REFUSALS_TO_REPORT = 5

REPAIRS_ALLOWED = 5
REPAIR_WINDOW_MS = 2_000
QUIET_MS = 500
"""A client that misplaces edits can feed itself with repairs; a pause of its user breaks the loop."""


class Pacing:
    """What recent answers allow."""

    __slots__ = ("_calming", "_last_change_ms", "_repairs_ms", "_retry_ms", "_wait_ms", "refusals")

    def __init__(self) -> None:
        self.start_again()

    def start_again(self) -> None:
        """Nothing is held against a document that was opened anew."""
        self._wait_ms = FIRST_RETRY_MS
        self._retry_ms: int | None = None
        self._repairs_ms: deque[int] = deque(maxlen=REPAIRS_ALLOWED + 1)
        self._calming = False
        self._last_change_ms = 0
        self.refusals = 0

    @property
    def calming(self) -> bool:
        """Whether nothing is sent until the user pauses."""
        return self._calming

    def change_seen(self, now_ms: int) -> None:
        """The editor reported something: what made a version stale has arrived."""
        self._retry_ms = None
        self._last_change_ms = now_ms

    def refused(self, now_ms: int, *, explained: bool) -> None:
        """`explained`: a change came in that made the version stale. Else one is awaited, or a while."""
        self.refusals += 1
        if not explained:
            self._retry_ms = now_ms + self._wait_ms
            self._wait_ms = min(2 * self._wait_ms, LONGEST_RETRY_MS)

    def went_in(self) -> None:
        """An edit is in the buffer."""
        self.refusals = 0
        self._wait_ms = FIRST_RETRY_MS

    def repaired(self, now_ms: int) -> None:
        """An edit went to the wrong place and the next one puts that right."""
        self._repairs_ms.append(now_ms)
        if (
            len(self._repairs_ms) > REPAIRS_ALLOWED
            and now_ms - self._repairs_ms[0] < REPAIR_WINDOW_MS
        ):
            self._calming = True

    def may_send(self, now_ms: int) -> bool:
        """Whether the next edit may go out now."""
        if self._calming and now_ms - self._last_change_ms >= QUIET_MS:
            self._calming = False
            self._repairs_ms.clear()
        waiting = self._retry_ms is not None and now_ms < self._retry_ms
        return not self._calming and not waiting
