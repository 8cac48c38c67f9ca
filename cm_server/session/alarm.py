"""The divergence alarm of one room: whether a person's text is ours, by their reports of it.

Owns when a difference counts and who is told. Does not own the repair, which is the person's language server's. A guess
that would be wrong: one differing report is a divergence. A state vector does not show deletes, so it may be an edit on
its way.
"""

from collections.abc import Mapping
from typing import Literal, Protocol

import structlog

from cm_server.hub import Hub
from cm_server.session import document
from cm_server.session.document import SharedDocument
from cm_wire.ids import FilePath, PersonId, SessionId
from cm_wire.to_client import TextsDiffered
from cm_wire.yjs import state_vector

_log = structlog.stdlib.get_logger(__name__)

Agreement = Literal["same", "unsettled", "differed"]


class Watcher(Protocol):
    """What happens in rooms, for the meter and the flow. Called at once; must not wait nor raise."""

    def joined(self, session_id: SessionId, person: PersonId) -> None: ...
    def left(self, session_id: SessionId, person: PersonId) -> None: ...
    def edited(self, session_id: SessionId, person: PersonId) -> None: ...
    def texts_differed(
        self, session_id: SessionId, person: PersonId, paths: tuple[FilePath, ...]
    ) -> None: ...
    def texts_agreed(self, session_id: SessionId, person: PersonId) -> None: ...


class Alarm:
    def __init__(
        self, session_id: SessionId, shared: SharedDocument, hub: Hub, watcher: Watcher
    ) -> None:
        self._session_id = session_id
        self._document = shared
        self._hub = hub
        self._watcher = watcher
        self._differed: dict[PersonId, tuple[int, str]] = {}
        self._told: set[PersonId] = set()

    def compare(
        self, person: PersonId, their_state: bytes, digests: Mapping[FilePath, str], number: int
    ) -> Agreement:
        """Hold a report against our texts, `number` being the last update in them. Raises `MalformedError`.

        Only a difference that lasts to the person's next report, while nothing came in between, is a divergence.
        """
        if state_vector.decode(their_state) != self._document.clocks():
            return "unsettled"
        paths = document.differing(self._document.digests(), digests)
        if not paths:
            self._agree(person)
            return "same"
        seen = (number, ",".join(paths))
        if self._differed.get(person) != seen:
            self._differed[person] = seen
            return "unsettled"
        self._ring(person, paths, number)
        return "differed"

    def _agree(self, person: PersonId) -> None:
        self._differed.pop(person, None)
        if person in self._told:
            self._told.discard(person)
            self._watcher.texts_agreed(self._session_id, person)

    def _ring(self, person: PersonId, paths: tuple[FilePath, ...], number: int) -> None:
        _log.error(
            "texts-differed",
            session=self._session_id,
            person=person,
            files=len(paths),
            after_update=number,
        )
        self._hub.tell(person, TextsDiffered(session_id=self._session_id, paths=paths))
        if person not in self._told:
            self._told.add(person)
            self._watcher.texts_differed(self._session_id, person, paths)
