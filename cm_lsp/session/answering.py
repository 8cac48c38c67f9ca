"""At the learner's: the mentor's editor asks what the learner's own tools know about a place of a shared file.

Owns the learner's word on it (no, until they say yes; asked once a session; taken back at any moment) and what of an answer may
leave the machine: secrets replaced, places in shared files alone, of other files the name. Does not own the question to the
tools: LSP shows one server nothing of the others, so the learner's plugin asks them.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from cm_lsp import lsp_ext
from cm_lsp.session import share_table, views
from cm_lsp.session.place import Place
from cm_lsp.session.share_table import ShareTable
from cm_lsp.sharing.buffer import Buffer
from cm_lsp.sharing.positions import Position
from cm_wire import faults, limits
from cm_wire.ids import FilePath
from cm_wire.secrets import refusing
from cm_wire.session import LookUpFailure, LookUpQuestion, SessionView, SharedPlace
from cm_wire.to_server import AnswerLookUp

log = logging.getLogger(__name__)

BURST_MAX: Final = 15
BURST_SECONDS: Final = 3.0
"""So many questions in so many seconds: more than a person asks, less than would burden the learner's tools."""

_READ_CHARACTERS: Final = 4 * limits.LOOK_UP_CHARACTERS_MAX
"""More than is sent, so that a secret at the cut is seen whole."""

_OUTSIDE_MAX: Final = 5
_PLACES_MAX: Final = limits.LOOK_UP_PLACES_MAX - _OUTSIDE_MAX
_TEXT_MAX: Final = limits.LOOK_UP_CHARACTERS_MAX - _OUTSIDE_MAX * limits.PATH_CHARACTERS_MAX
_BETWEEN: Final = "\n\n---\n\n"
_NO: Final = "No"
_YES: Final = "Yes, in this session"


class Answering:
    """`said` is called when the learner has changed their mind."""

    def __init__(
        self,
        place: Place,
        table: ShareTable,
        buffers: Mapping[FilePath, Buffer],
        view: Callable[[], SessionView],
        said: Callable[[], None],
    ) -> None:
        self._place = place
        self._table = table
        self._buffers = buffers
        self._view = view
        self._said = said
        self._was_asked = False
        self._answered_at: deque[float] = deque(maxlen=BURST_MAX)
        self.is_allowed = False

    def allow(self, *, allowed: bool) -> None:
        """The learner's word, by command or as an answer to the question."""
        self._was_asked = True
        if allowed == self.is_allowed:
            return
        self.is_allowed = allowed
        mentor = views.display_name(self._view().mentor)
        now = "may ask" if allowed else "can no longer ask"
        self._place.editor.say(
            f"Codementor: {mentor} {now} your tools about shared files (codementor.lookUps)."
        )
        self._said()

    def asked(self, question: LookUpQuestion) -> None:
        self._place.editor.later(self._answer(question))

    async def _answer(self, question: LookUpQuestion) -> None:
        failure = self._reason_not_to(question)
        found = None if failure else await self._ask_tools(question)
        if failure == "not-allowed" and not self._was_asked:
            self._was_asked = True
            self._place.editor.later(self._ask_learner())
        answer = AnswerLookUp(
            session_id=question.session_id,
            number=question.number,
            failure=failure or ("" if found is not None else "no-answer"),
            text=self._text(found),
            places=self._places(found)[:_PLACES_MAX],
            outside=self._outside(found),
        )
        await self._place.send(answer)

    def _reason_not_to(self, question: LookUpQuestion) -> LookUpFailure:
        if not self._place.editor.claims.look_up:
            return "cannot"
        if not self.is_allowed:
            return "not-allowed"
        buffer = self._buffers.get(question.path)
        if buffer is None or not buffer.is_open:
            return "no-answer"
        now = asyncio.get_running_loop().time()
        if len(self._answered_at) == BURST_MAX and now - self._answered_at[0] < BURST_SECONDS:
            return "too-many"
        self._answered_at.append(now)
        return ""

    async def _ask_learner(self) -> None:
        mentor = views.display_name(self._view().mentor)
        answer = await self._place.editor.ask(
            f"May {mentor} ask your language servers about what you share (hovers, where something is defined)? "
            "Answers may name files you do not share. codementor.lookUps changes it at any moment.",
            [_NO, _YES],
        )
        if answer is not None:
            self.allow(allowed=answer == _YES)

    async def _ask_tools(self, question: LookUpQuestion) -> lsp_ext.LookedUp | None:
        """Asked again once where the text has changed meanwhile: places in an older text point somewhere else."""
        for _ in range(2):
            buffer = self._buffers.get(question.path)
            document = self._place.documents.get(buffer.uri) if buffer is not None else None
            if buffer is None or document is None:
                return None
            version = document.version
            line, character = buffer.position_of(question.at)
            asked = lsp_ext.LookUp(
                uri=buffer.uri,
                position=lsp_ext.Position(line=line, character=character),
                kind=question.kind,
            )
            found = await self._place.editor.look_up(asked)
            if found is None or document.version == version:
                return found if self.is_allowed else None
        return None

    def _text(self, found: lsp_ext.LookedUp | None) -> str:
        """What may leave the machine of it."""
        whole = _BETWEEN.join(found.texts)[:_READ_CHARACTERS] if found is not None else ""
        try:
            return refusing.redacted(whole, "an answer").text[:_TEXT_MAX]
        except faults.Refused as refused:
            log.info("look-up held back: %s", refused)
            return ""

    def _places(self, found: lsp_ext.LookedUp | None) -> tuple[SharedPlace, ...]:
        places = []
        for location in found.places if found is not None else ():
            path = self._table.path(location.uri)
            buffer = self._buffers.get(path) if path is not None else None
            if buffer is not None:
                start, end = location.range.start, location.range.end
                place = SharedPlace(
                    path=buffer.path,
                    start=buffer.place_of(_position(start)),
                    end=buffer.place_of(_position(end)),
                )
                places.append(place)
        return tuple(places)

    def _outside(self, found: lsp_ext.LookedUp | None) -> tuple[str, ...]:
        names = {
            share_table.name_of_unshared(location.uri, self._place.roots)
            for location in (found.places if found is not None else ())
            if self._table.path(location.uri) not in self._buffers
        }
        return tuple(sorted(names))[:_OUTSIDE_MAX]


def _position(given: lsp_ext.Position) -> Position:
    return Position(max(0, given.line), max(0, given.character))
