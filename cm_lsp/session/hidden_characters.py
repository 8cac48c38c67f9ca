"""Characters that cannot be seen, where the other side's edit brought them: marked in their lines, and said once.

Owns which files are looked at (only those an edit brought such a character to, and never while a key is on its way) and what is
said. What a reader would guess wrong: the text is not changed. Both sides have the very same characters, or their texts
would differ; the user is told what stands there, and takes it out or leaves it.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass, field
from itertools import islice
from typing import Final, NamedTuple

from lsprotocol import types

from cm_lsp.documents import OpenDocument
from cm_lsp.session import views
from cm_lsp.session.marks import SOURCE
from cm_lsp.session.place import Place
from cm_lsp.session.settling import Settling
from cm_lsp.sharing.buffer import Buffer
from cm_lsp.to_editor import lsp_range
from cm_wire import asking, printable
from cm_wire.asking import Span
from cm_wire.ids import FilePath
from cm_wire.session import SessionView

CODE: Final = "codementor.hidden-characters"
MARKS_MAX: Final = 100
"""Of one file; a mark for each line of a pasted megabyte would bury the rest."""

NAMED_MAX: Final = 5
SAID_EVERY_SECONDS: Final = 60.0
REMEDY: Final = (
    "Text with them can read other than it runs: delete them unless you know what they are for."
)


class Hidden(NamedTuple):
    """In one line: from the first to behind the last, in code points, and which there are."""

    start: int
    end: int
    characters: tuple[str, ...]

    @property
    def names(self) -> str:
        named = ", ".join(map(printable.code_point, self.characters[:NAMED_MAX]))
        more = len(self.characters) - NAMED_MAX
        return f"{named} and {more} more" if more > 0 else named


@dataclass(slots=True)
class _Watched:
    """One file, from the edit that brought one on until the last of them is gone."""

    seen: frozenset[str]
    """The lines that were looked at; at first those before that edit, which are not the other side's doing."""

    brought: frozenset[str] = frozenset()
    found: dict[str, Hidden] = field(default_factory=dict)
    settling: Settling = field(default_factory=Settling)


class HiddenCharacters:
    """`buffers` is the room's own table, as it is at the time."""

    def __init__(
        self, place: Place, buffers: Mapping[FilePath, Buffer], view: Callable[[], SessionView]
    ) -> None:
        self._place = place
        self._buffers = buffers
        self._view = view
        self._watched: dict[FilePath, _Watched] = {}
        self._said_at: dict[FilePath, float] = {}

    def came(self, path: FilePath, inserted: str) -> None:
        """To be told before the text follows an insertion of the other side's, or one of theirs that was accepted."""
        if brought := printable.unseen(inserted):
            self._watch(path, brought, self._buffers[path].text())

    def came_before(self, path: FilePath, had: str | None) -> None:
        """What was there when this side came, beyond what its user `had`, is the other side's doing as well."""
        text = self._buffers[path].text()
        if had is None or had == text:
            return
        known = frozenset(had.split("\n"))
        new = "\n".join(line for line in text.split("\n") if line not in known)
        if brought := printable.unseen(new):
            self._watch(path, brought, had)

    def _watch(self, path: FilePath, brought: frozenset[str], had: str) -> None:
        watched = self._watched.get(path)
        if watched is None:
            watched = self._watched[path] = _Watched(frozenset(had.split("\n")))
        watched.brought |= brought
        watched.settling.changed(asyncio.get_running_loop().time())

    def changed(self, path: FilePath, now: float) -> None:
        """The editor reported a change, whoever made it."""
        watched = self._watched.get(path)
        if watched is not None:
            watched.settling.changed(now)

    def left(self, path: FilePath) -> None:
        self._watched.pop(path, None)

    def tick(self, now: float) -> None:
        """A few times a second; `now` is the loop's time in seconds."""
        for path, watched in self._watched.items():
            if watched.settling.taken(now):
                self._place.editor.later(self._look(path, watched, now))

    async def _look(self, path: FilePath, watched: _Watched, now: float) -> None:
        try:
            buffer = self._buffers.get(path)
            document = self._place.documents.get(buffer.uri) if buffer is not None else None
            if buffer is None or document is None:
                return
            lines = str(document.text).split("\n")
            new = [line for line in lines if line not in watched.seen]
            found = await asyncio.to_thread(found_in, new, watched.brought)
            watched.seen = frozenset(lines)
            before, watched.found = (
                watched.found,
                {
                    **{line: one for line, one in watched.found.items() if line in watched.seen},
                    **found,
                },
            )
            if len(watched.found) > len(before):
                self._warn(path, lines, next(x for x in found if x not in before), watched, now)
            if watched.found or before:
                self._mark(document, watched)
            # Read anew, for more may have come; what is on its way to the editor is in the shared text only.
            texts = str(document.text), buffer.text()
            watched.brought -= {x for x in watched.brought if not any(x in text for text in texts)}
            if not watched.brought and self._watched.get(path) is watched:
                del self._watched[path]
        finally:
            watched.settling.is_looking = False

    def _warn(
        self, path: FilePath, lines: list[str], line: str, watched: _Watched, now: float
    ) -> None:
        if now - self._said_at.get(path, -SAID_EVERY_SECONDS) < SAID_EVERY_SECONDS:
            return
        self._said_at[path] = now
        view = self._view()
        partner = views.display_name(view.mentor if view.you == "learner" else view.learner)
        place = f"line {lines.index(line) + 1} of {printable.line(path)}"
        self._place.editor.say(
            f"Codementor: an edit of {partner}'s brought characters that cannot be seen to {place} "
            f"({watched.found[line].names}). {REMEDY} Each such line is marked.",
            types.MessageType.Warning,
        )

    def _mark(self, document: OpenDocument, watched: _Watched) -> None:
        editor, marks = self._place.editor, self._place.marks.of(document.uri)
        rows = enumerate(str(document.text).split("\n"))
        marked = ((row, watched.found[line]) for row, line in rows if line in watched.found)
        hidden = [self._diagnostic(document, row, one) for row, one in islice(marked, MARKS_MAX)]
        if hidden != marks.hidden:
            marks.hidden = hidden
            shown = marks.diagnostics(with_cursors=not editor.claims.cursors)
            editor.publish_diagnostics(document.uri, shown)

    def _diagnostic(self, document: OpenDocument, row: int, hidden: Hidden) -> types.Diagnostic:
        span = Span(asking.Place(row, hidden.start), asking.Place(row, hidden.end))
        return types.Diagnostic(
            range=lsp_range(self._place.documents.range_of(document, span)),
            message=f"This line holds characters that cannot be seen ({hidden.names}). {REMEDY}",
            severity=types.DiagnosticSeverity.Warning,
            code=CODE,
            source=SOURCE,
        )


def found_in(lines: Iterable[str], brought: Set[str]) -> dict[str, Hidden]:
    """The lines that hold a hidden character of those that were brought."""
    found: dict[str, Hidden] = {}
    for line in lines:
        places = [(at, one) for at, one in printable.hidden(line) if one in brought]
        if places:
            characters = tuple(dict.fromkeys(one for _, one in places))
            found[line] = Hidden(places[0][0], places[-1][0] + 1, characters)
    return found
