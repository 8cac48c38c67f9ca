"""The other side's changes in an editor that takes edits only when its user says so: told of, and handed out.

Owns what is said and when. Does not own which edits they are (`sharing.pulling`). They are handed out by two standard ways, a
code action that carries its edit and formatting, since no editor is known that has neither.
"""

from collections.abc import Callable, Mapping
from typing import Final

from lsprotocol import types

from cm_lsp.session import views
from cm_lsp.session.marks import SOURCE
from cm_lsp.session.place import Place
from cm_lsp.sharing.bridge_messages import TextEdit
from cm_lsp.sharing.buffer import Buffer
from cm_lsp.sharing.positions import Position
from cm_wire.ids import FilePath
from cm_wire.session import SessionView

SAID_EVERY_SECONDS: Final = 30.0


class WaitingChanges:
    """`buffers` is the room's own table, as it is at the time."""

    def __init__(
        self, place: Place, buffers: Mapping[FilePath, Buffer], view: Callable[[], SessionView]
    ) -> None:
        self._place = place
        self._buffers = buffers
        self._view = view
        self._said_at = -SAID_EVERY_SECONDS

    def offer(self, path: FilePath) -> tuple[TextEdit, ...]:
        """All that waits in this file, as edits of the text the editor last reported."""
        buffer = self._buffers.get(path)
        return buffer.offer() if buffer is not None else ()

    def title(self, path: FilePath) -> str:
        """What the code action is called that takes them."""
        buffer = self._buffers.get(path)
        return f"Codementor: take {self._counted(len(buffer.waiting()) if buffer else 0)}"

    def tick(self, now: float) -> None:
        """A few times a second; `now` is the loop's time in seconds."""
        if not self._place.profile.pulls:
            return
        for buffer in self._buffers.values():
            places = buffer.waiting()
            marks = self._place.marks.of(buffer.uri)
            told = [self._diagnostic(places)] if places else []
            if told == marks.waiting:
                continue
            is_news, marks.waiting = not marks.waiting, told
            shown = marks.diagnostics(with_cursors=not self._place.editor.claims.cursors)
            self._place.editor.publish_diagnostics(buffer.uri, shown)
            if is_news and now - self._said_at >= SAID_EVERY_SECONDS:
                self._said_at = now
                self._place.editor.say(f"Codementor: {told[0].message}")

    def _diagnostic(self, places: tuple[Position, ...]) -> types.Diagnostic:
        first = types.Position(*places[0])
        verb = "waits" if len(places) == 1 else "wait"
        it = "it" if len(places) == 1 else "them"
        return types.Diagnostic(
            range=types.Range(first, first),
            message=f"{self._counted(len(places))} {verb}: take {it} by code action, or format the document.",
            severity=types.DiagnosticSeverity.Information,
            source=SOURCE,
        )

    def _counted(self, count: int) -> str:
        view = self._view()
        partner = views.display_name(view.mentor if view.you == "learner" else view.learner)
        return f"{count} change{'' if count == 1 else 's'} of {partner}'s"
