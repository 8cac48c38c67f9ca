"""At the mentor's: hovers and definitions in shared files are asked of the learner's tools.

Owns the questions that wait, how long, and what the mentor is told when there is no answer. Does not own the learner's word
(`answering`, at the learner's). Places travel as items of the shared text, so an answer for an older text points where that
text is now.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from itertools import count
from typing import Final

from lsprotocol import types

from cm_lsp import lsp_ext
from cm_lsp.session import views
from cm_lsp.session.place import Place
from cm_lsp.session.share_table import ShareTable
from cm_lsp.sharing.buffer import Buffer
from cm_lsp.sharing.positions import Position
from cm_wire import faults, printable
from cm_wire.ids import FilePath
from cm_wire.session import LookUpAnswer, LookUpFailure, LookUpKind, SessionView, SharedPlace
from cm_wire.to_server import LookUp

log = logging.getLogger(__name__)

PATIENCE_SECONDS: Final = 2.0
WAITING_MAX: Final = 4
"""An editor asks at every rest of the mouse and forgets the question before; older ones go without an answer."""

_REASONS: Final[Mapping[LookUpFailure, str]] = {
    "not-allowed": "{learner} has not allowed you to ask their tools; they have been asked whether you may.",
    "cannot": "{learner}'s editor cannot be asked for hovers and definitions; its diagnostics are shown.",
}


class LookingUp:
    """`buffers` is the room's own table, `view` the session as last told."""

    def __init__(
        self,
        place: Place,
        table: ShareTable,
        buffers: Mapping[FilePath, Buffer],
        view: Callable[[], SessionView],
    ) -> None:
        self._place = place
        self._table = table
        self._buffers = buffers
        self._view = view
        self._numbers = count(1)
        self._waiting: dict[int, asyncio.Future[LookUpAnswer | None]] = {}
        self._told: set[LookUpFailure] = set()

    def begin(self) -> None:
        """At the mentor's, when the session begins here."""
        claims = self._place.editor.claims
        scheme = lsp_ext.SHARED_SCHEME if claims.shared_buffers else "file"
        self._place.editor.later(self._place.editor.announce_definitions(scheme))

    def end(self) -> None:
        """The session is over, and the editor still there."""
        self._place.editor.later(self._place.editor.withdraw_definitions())

    async def hover(self, uri: str, position: Position) -> str:
        """What the learner's tools say of a place: foreign Markdown, or nothing."""
        answer = await self._ask("hover", uri, position)
        return answer.text if answer is not None else ""

    async def definitions(self, uri: str, position: Position) -> list[types.Location]:
        """Where it is defined, in shared files; of others the mentor is told the name."""
        answer = await self._ask("definition", uri, position)
        if answer is None:
            return []
        found = [self._location(place) for place in answer.places]
        if answer.outside:
            names = ", ".join(printable.line(name) for name in answer.outside)
            self._place.editor.say(f"Codementor: defined outside what is shared: {names}.")
        return [location for location in found if location is not None]

    def heard(self, answer: LookUpAnswer) -> None:
        waiting = self._waiting.pop(answer.number, None)
        if waiting is not None and not waiting.done():
            waiting.set_result(answer)

    async def _ask(self, kind: LookUpKind, uri: str, position: Position) -> LookUpAnswer | None:
        path = self._table.path(uri)
        buffer = self._buffers.get(path) if path is not None else None
        if buffer is None or self._view().you != "mentor" or "cannot" in self._told:
            return None
        number = next(self._numbers)
        waiting = self._wait_for(number)
        command = LookUp(
            session_id=self._view().session_id,
            number=number,
            path=buffer.path,
            kind=kind,
            at=buffer.place_of(position),
        )
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await self._place.send(command)
                answer = await waiting
        except TimeoutError:
            return None
        except faults.Refused as refused:
            log.info("look-up refused: %s", refused)
            return None
        finally:
            self._waiting.pop(number, None)
        if answer is not None and answer.failure:
            self._tell(answer.failure)
        return answer

    def _wait_for(self, number: int) -> "asyncio.Future[LookUpAnswer | None]":
        while len(self._waiting) >= WAITING_MAX:
            oldest = self._waiting.pop(next(iter(self._waiting)))
            if not oldest.done():
                oldest.set_result(None)
        waiting: asyncio.Future[LookUpAnswer | None] = asyncio.get_running_loop().create_future()
        self._waiting[number] = waiting
        return waiting

    def _tell(self, failure: LookUpFailure) -> None:
        """Each reason once: an editor asks many times a minute."""
        if failure not in self._told and failure in _REASONS:
            self._told.add(failure)
            learner = views.display_name(self._view().learner)
            self._place.editor.say(f"Codementor: {_REASONS[failure].format(learner=learner)}")

    def _location(self, place: SharedPlace) -> types.Location | None:
        buffer = self._buffers.get(place.path)
        if buffer is None:
            return None
        start, end = sorted(map(buffer.position_after_edit_of, (place.start, place.end)))
        return types.Location(buffer.uri, types.Range(types.Position(*start), types.Position(*end)))
