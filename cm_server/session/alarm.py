"""The divergence alarm of one room: whether a person's text is ours, by their reports of it.

Owns when a difference counts, who is told, and what the operator finds in the log of it. Does not own the repair, which is the person's language server's. A guess
that would be wrong: one differing report is a divergence. A state vector does not show deletes, so it may be an edit on
its way.
"""

from collections.abc import Mapping
from typing import Final, Literal, Protocol

import structlog

from cm_server.hub import Hub
from cm_server.session import document
from cm_server.session.document import SharedDocument
from cm_wire.ids import FilePath, PersonId, SessionId
from cm_wire.to_client import TextsDiffered
from cm_wire.yjs import state_vector

_log = structlog.stdlib.get_logger(__name__)

FILES_SAID_MAX: Final = 8
"""In the log for one report, whose paths are the other side's to make up."""

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
        ours = self._document.digests()
        paths = document.differing(ours, digests)
        if not paths:
            self._agree(person, number)
            return "same"
        seen = (number, ",".join(paths))
        if self._differed.get(person) != seen:
            self._differed[person] = seen
            return "unsettled"
        for path in paths[:FILES_SAID_MAX]:
            self._say(person, number, path, (ours.get(path), digests.get(path)))
        self._ring(person, paths)
        return "differed"

    def _agree(self, person: PersonId, number: int) -> None:
        differed = self._differed.pop(person, None)
        if person in self._told:
            self._told.discard(person)
            differed_after = None if differed is None else differed[0]
            _log.warning(
                "texts-agree-again",
                session=self._session_id,
                person=person,
                after_update=number,
                differed_after_update=differed_after,
            )
            self._watcher.texts_agreed(self._session_id, person)

    def _say(
        self, person: PersonId, number: int, path: FilePath, sha256: tuple[str | None, str | None]
    ) -> None:
        """With the session's id, the number and the digests the copies can be compared; of the text nothing is said."""
        ours, theirs = sha256
        _log.error(
            "texts-differed",
            session=self._session_id,
            person=person,
            file=path,
            after_update=number,
            clocks=dict(sorted(self._document.clocks().items())),
            our_sha256=ours or "no such file",
            their_sha256=theirs or "no such file",
        )

    def _ring(self, person: PersonId, paths: tuple[FilePath, ...]) -> None:
        self._hub.tell(person, TextsDiffered(session_id=self._session_id, paths=paths))
        if person not in self._told:
            self._told.add(person)
            self._watcher.texts_differed(self._session_id, person, paths)
