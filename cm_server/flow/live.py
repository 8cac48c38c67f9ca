"""The sessions that are open in this process, and what rooms and meters report of them.

Owns: who is in which session, and the news that must become more than a message (a state to tell anew, a session to end).
Reports come from places that must not wait, so they are noted here and followed up by `ticking`.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from cm_server.hub import Hub
from cm_server.meter.recorder import Recorder
from cm_server.session.standing import Standing
from cm_wire.ids import FilePath, PersonId, SessionId
from cm_wire.session import FileDiagnostics, FileProposals, MeterView, PausedWhy, Role
from cm_wire.to_client import MeterMoved


class LiveSessions:
    """Listens to every room (`session.room.Watcher`) and every meter (`meter.display.MeterListener`)."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._recorder: Recorder | None = None
        self._standings: dict[SessionId, Standing] = {}
        self._by_person: dict[PersonId, SessionId] = {}
        self._came: dict[SessionId, set[PersonId]] = {}
        self._differing: dict[SessionId, set[PersonId]] = {}
        self._reports: dict[SessionId, dict[FilePath, FileDiagnostics]] = {}
        self._proposals: dict[SessionId, dict[FilePath, FileProposals]] = {}
        self.to_tell: set[SessionId] = set()
        self.to_end: dict[SessionId, PausedWhy] = {}

    def attach(self, recorder: Recorder) -> None:
        """The recorder listens to nobody but needs a listener first; this closes the circle once."""
        self._recorder = recorder

    def put(self, standing: Standing) -> None:
        self._standings[standing.session_id] = standing
        for person in standing.people:
            self._by_person[person] = standing.session_id

    def drop(self, session_id: SessionId) -> None:
        standing = self._standings.pop(session_id, None)
        for person in standing.people if standing else ():
            if self._by_person.get(person) == session_id:
                del self._by_person[person]
        self._came.pop(session_id, None)
        self._differing.pop(session_id, None)
        self._reports.pop(session_id, None)
        self._proposals.pop(session_id, None)
        self.to_tell.discard(session_id)
        self.to_end.pop(session_id, None)

    def all(self) -> Iterable[Standing]:
        return tuple(self._standings.values())

    def get(self, session_id: SessionId) -> Standing | None:
        return self._standings.get(session_id)

    def of(self, person: PersonId) -> Standing | None:
        session_id = self._by_person.get(person)
        return self._standings.get(session_id) if session_id else None

    def has_come(self, session_id: SessionId, person: PersonId) -> bool:
        """Whether they ever opened the document, as far as this process knows."""
        return person in self._came.get(session_id, ())

    def heard(self, person: PersonId) -> None:
        """A sign of life on the control channel counts in the session the person is in."""
        standing = self.of(person)
        if standing is not None and self._recorder is not None:
            self._recorder.hear(standing.session_id, _role(standing, person))

    def keep_report(self, report: FileDiagnostics) -> None:
        """The last word of the learner's tools on each file, for a mentor who comes back."""
        self._reports.setdefault(report.session_id, {})[report.path] = report

    def reports(self, session_id: SessionId) -> tuple[FileDiagnostics, ...]:
        return tuple(self._reports.get(session_id, {}).values())

    def keep_proposals(self, proposals: FileProposals) -> None:
        """What is proposed for each file, for a learner who comes back."""
        self._proposals.setdefault(proposals.session_id, {})[proposals.path] = proposals

    def settle_hunk(self, session_id: SessionId, path: FilePath, number: int) -> None:
        known = self._proposals.get(session_id, {}).get(path)
        if known is not None:
            left = tuple(hunk for hunk in known.hunks if hunk.number != number)
            self.keep_proposals(replace(known, hunks=left))

    def drop_proposals(self, session_id: SessionId) -> None:
        """In another mode nothing is proposed."""
        self._proposals.pop(session_id, None)

    def proposals(self, session_id: SessionId) -> tuple[FileProposals, ...]:
        return tuple(self._proposals.get(session_id, {}).values())

    # --- what rooms report ---

    def joined(self, session_id: SessionId, person: PersonId) -> None:
        self._came.setdefault(session_id, set()).add(person)
        standing = self._standings.get(session_id)
        if standing is not None and self._recorder is not None:
            self._recorder.joined(session_id, _role(standing, person))
            self.to_tell.add(session_id)

    def left(self, session_id: SessionId, person: PersonId) -> None:
        standing = self._standings.get(session_id)
        if standing is not None and self._recorder is not None:
            self._recorder.left(session_id, _role(standing, person))
            self.to_tell.add(session_id)

    def edited(self, session_id: SessionId, person: PersonId) -> None:
        standing = self._standings.get(session_id)
        if standing is not None and self._recorder is not None:
            self._recorder.hear(session_id, _role(standing, person), active=True)

    def texts_differed(
        self,
        session_id: SessionId,
        person: PersonId,
        paths: tuple[FilePath, ...],  # noqa: ARG002 - the room has told which
    ) -> None:
        """The room has told the person whose text differs; time stops for both."""
        self._differing.setdefault(session_id, set()).add(person)
        self._set_sync(session_id)

    def texts_agreed(self, session_id: SessionId, person: PersonId) -> None:
        self._differing.get(session_id, set()).discard(person)
        self._set_sync(session_id)

    # --- what meters report ---

    def meter_moved(self, session_id: SessionId, learner: MeterView, mentor: MeterView) -> None:
        standing = self._standings.get(session_id)
        if standing is None:
            return
        self._hub.tell(standing.learner, MeterMoved(meter=learner))
        self._hub.tell(standing.mentor, MeterMoved(meter=mentor))
        if (standing.state, standing.paused_why) != _as_session(learner):
            self.to_tell.add(session_id)

    def pause_lapsed(self, session_id: SessionId, why: PausedWhy) -> None:
        self.to_end[session_id] = why

    def _set_sync(self, session_id: SessionId) -> None:
        if self._recorder is not None:
            self._recorder.set_sync(session_id, in_sync=not self._differing.get(session_id))


def _role(standing: Standing, person: PersonId) -> Role:
    return "learner" if person == standing.learner else "mentor"


def _as_session(view: MeterView) -> tuple[str, str]:
    """The session state that goes with a meter's."""
    state = "live" if view.state == "running" else view.state
    return state, view.paused_why
