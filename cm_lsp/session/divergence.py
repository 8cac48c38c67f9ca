"""The divergence alarm on this side: tells the server what our texts are, so that a difference is found within seconds.

Owns when: soon after the last change, and every few seconds while nothing changes. What follows from a difference is the
server's to say (`TextsDiffered`) and the room's to do.
"""

import hashlib
from collections.abc import Callable
from typing import Final

from cm_lsp.sharing.document import SessionDocument
from cm_wire.ids import FilePath, SessionId
from cm_wire.to_server import Command, ReportDigest

SETTLED_SECONDS: Final = 1.0
EVERY_SECONDS: Final = 10.0


class Divergence:
    def __init__(self, session_id: SessionId, send: Callable[[Command], None]) -> None:
        self._session_id = session_id
        self._send = send
        self._state = b""
        self._changed_at = 0.0
        self._told_at = 0.0

    def tick(self, document: SessionDocument, now: float) -> None:
        """A few times a second, while connected. `now` is the loop's time in seconds."""
        state = document.state()
        if state != self._state:
            self._state, self._changed_at = state, now
        is_news = self._changed_at > self._told_at
        due = self._changed_at + SETTLED_SECONDS if is_news else self._told_at + EVERY_SECONDS
        if now < due or document.unstored_count:
            return
        self._told_at = now
        report = ReportDigest(
            session_id=self._session_id, state_vector=state.hex(), digests=digests(document)
        )
        self._send(report)


def digests(document: SessionDocument) -> dict[FilePath, str]:
    """SHA-256 of each text's UTF-8, in hex."""
    return {
        path: hashlib.sha256(document.text(path).encode()).hexdigest() for path in document.paths()
    }
