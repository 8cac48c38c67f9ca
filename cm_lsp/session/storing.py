"""Whether the server's disk keeps up: an edit that both see but nobody has stored is not yet safe, and not shown as such.

Owns the patience only. A commit takes milliseconds, so the state is not told at every key, but when an edit waits.
"""

from typing import Final

from cm_lsp.sharing.document import SessionDocument
from cm_wire.yjs.structs import Clock

PATIENCE_SECONDS: Final = 1.0


class StoreWatch:
    """`is_late` is as of the last tick."""

    def __init__(self) -> None:
        self.is_late = False
        self._oldest: Clock | None = None
        self._since = 0.0

    def tick(self, document: SessionDocument | None, now: float) -> None:
        """A few times a second; `now` is any steady clock in seconds."""
        oldest = document.oldest_unstored if document is not None else None
        if oldest is None or oldest != self._oldest:
            self._oldest, self._since = oldest, now
        self.is_late = oldest is not None and now - self._since >= PATIENCE_SECONDS
