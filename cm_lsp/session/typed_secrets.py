"""Secrets typed into a file that is shared already: found a moment later, marked in the line, and said to who typed them.

Owns when a text is looked at (never while a key is on its way) and which lines were looked at before. What a reader would guess
wrong: nothing is held back. A live edit has left the machine with its keystroke, so all that is left to say is to take
the secret out and to replace it.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import NamedTuple

from lsprotocol import types

from cm_lsp.documents import OpenDocument
from cm_lsp.session import views
from cm_lsp.session.marks import SOURCE
from cm_lsp.session.place import Place
from cm_lsp.session.settling import Settling
from cm_lsp.to_editor import lsp_range
from cm_wire import asking, faults, printable
from cm_wire.asking import Span
from cm_wire.ids import FilePath
from cm_wire.secrets import refusing
from cm_wire.session import SessionView


class Part(NamedTuple):
    """Of a secret: the columns of one line, in code points."""

    kind: str
    start: int
    end: int


@dataclass(slots=True)
class _Watched:
    """One file: the lines that were looked at, and what was found in them."""

    seen: frozenset[str]
    found: dict[str, tuple[Part, ...]] = field(default_factory=dict)
    settling: Settling = field(default_factory=Settling)


class TypedSecrets:
    """Of what is typed here, whichever side this is. `uri_of` says where a file is in this editor."""

    def __init__(
        self,
        place: Place,
        view: Callable[[], SessionView],
        uri_of: Callable[[FilePath], str | None],
    ) -> None:
        self._place = place
        self._view = view
        self._uri_of = uri_of
        self._watched: dict[FilePath, _Watched] = {}

    def began(self, path: FilePath, text: str) -> None:
        """What a file holds when it is shared, or opened here, is not what its user types now."""
        self._watched[path] = _Watched(frozenset(text.split("\n")))

    def left(self, path: FilePath) -> None:
        self._watched.pop(path, None)

    def typed(self, path: FilePath, now: float) -> None:
        """The user changed it. On a key's path: notes the time and nothing else."""
        watched = self._watched.get(path)
        if watched is not None:
            watched.settling.changed(now)

    def tick(self, now: float) -> None:
        """A few times a second; `now` is the loop's time in seconds."""
        for path, watched in self._watched.items():
            if watched.settling.taken(now):
                self._place.editor.later(self._look(path, watched))

    async def _look(self, path: FilePath, watched: _Watched) -> None:
        try:
            uri = self._uri_of(path)
            document = self._place.documents.get(uri) if uri is not None else None
            if document is None:
                return
            lines = str(document.text).split("\n")
            found = await asyncio.to_thread(found_in, [x for x in lines if x not in watched.seen])
            watched.seen = frozenset(lines)
            left = {line: parts for line, parts in watched.found.items() if line in watched.seen}
            if found or left != watched.found:
                self._warn(
                    path, lines, [line for line in found if line not in watched.found], found
                )
                watched.found = {**left, **found}
                self._mark(document, watched)
        finally:
            watched.settling.is_looking = False

    def _warn(
        self,
        path: FilePath,
        lines: Sequence[str],
        new: Sequence[str],
        found: dict[str, tuple[Part, ...]],
    ) -> None:
        if not new:
            return
        view = self._view()
        partner = views.display_name(view.mentor if view.you == "learner" else view.learner)
        place = f"line {lines.index(new[0]) + 1} of {printable.line(path)}"
        self._place.editor.say(
            f"Codementor: {place} looks like it holds a secret ({found[new[0]][0].kind}). {partner} may have seen it: "
            "what is typed into a shared file is sent at once. Take it out, and replace the secret.",
            types.MessageType.Warning,
        )

    def _mark(self, document: OpenDocument, watched: _Watched) -> None:
        documents, editor = self._place.documents, self._place.editor
        marks = self._place.marks.of(document.uri)
        marks.secrets = [
            types.Diagnostic(
                range=lsp_range(documents.range_of(document, _span(row, part))),
                message=f"This looks like a secret ({part.kind}); the other side may have seen it.",
                severity=types.DiagnosticSeverity.Warning,
                source=SOURCE,
            )
            for row, line in enumerate(str(document.text).split("\n"))
            for part in watched.found.get(line, ())
        ]
        editor.publish_diagnostics(
            document.uri, marks.diagnostics(with_cursors=not editor.claims.cursors)
        )


def found_in(lines: Sequence[str]) -> dict[str, tuple[Part, ...]]:
    """The lines that hold a secret or a part of one; nothing where the search took too long, as for a pasted megabyte."""
    try:
        findings = refusing.findings("\n".join(lines), "what was typed")
    except faults.Refused:
        return {}
    starts = list(accumulate((len(line) + 1 for line in lines), initial=0))
    found: dict[str, tuple[Part, ...]] = {}
    for line, start in zip(lines, starts, strict=False):
        parts = tuple(_parts_in(findings, start, start + len(line)))
        if parts:
            found[line] = parts
    return found


def _parts_in(findings: Iterable[tuple[str, int, int]], start: int, end: int) -> Iterable[Part]:
    for kind, first, last in findings:
        if first < end and last > start:
            yield Part(kind, max(first, start) - start, min(last, end) - start)


def _span(row: int, part: Part) -> Span:
    return Span(asking.Place(row, part.start), asking.Place(row, part.end))
