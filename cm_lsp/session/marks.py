"""What stands in the margins of a document without being text: the other's cursor, a pointer, the learner's diagnostics.

Owns them per document, in shapes that plain LSP can ask for (diagnostics, highlights, hints, lenses). Does not own when they are
drawn anew.
"""

from dataclasses import dataclass, field
from typing import Final

from lsprotocol import types

from cm_lsp import documents, lsp_ext
from cm_lsp.to_editor import lsp_range

SOURCE: Final = "codementor"


@dataclass(slots=True)
class Marks:
    """Of one document."""

    cursors: tuple[lsp_ext.RemoteCursor, ...] = ()
    point: lsp_ext.Point | None = None
    standing: tuple[str, ...] = ()
    """What stands in the first line of an editor that does not draw it: the meter, the other's last words."""

    learners: list[types.Diagnostic] = field(default_factory=list)
    proposals: list[types.Diagnostic] = field(default_factory=list)
    secrets: list[types.Diagnostic] = field(default_factory=list)
    hidden: list[types.Diagnostic] = field(default_factory=list)
    waiting: list[types.Diagnostic] = field(default_factory=list)

    def diagnostics(self, *, with_cursors: bool) -> list[types.Diagnostic]:
        """All as diagnostics: the one thing every editor draws."""
        found = [*self.learners, *self.proposals, *self.secrets, *self.hidden, *self.waiting]
        if with_cursors:
            found += [
                _hint(cursor.selection or _caret(cursor.position), f"{cursor.name} is here")
                for cursor in self.cursors
            ]
            if self.point is not None:
                note = f": {self.point.note}" if self.point.note else ""
                found.append(_hint(self.point.range, f"{self.point.name} points here{note}"))
            top = _caret(lsp_ext.Position(line=0, character=0))
            found += [_hint(top, text) for text in self.standing]
        return found

    def said_at(self, line: int) -> str:
        """What a hover in this line says: one sentence on each line, or nothing."""
        said = [*self.standing] if line == 0 else []
        said += [f"{c.name} is here" for c in self.cursors if c.position.line == line]
        point = self.point
        if point is not None and point.range.start.line <= line <= point.range.end.line:
            said.append(f"{point.name} points here: {point.note}".rstrip(": "))
        return "\n".join(said)

    def highlights(self) -> list[types.DocumentHighlight]:
        return [
            types.DocumentHighlight(lsp_range(cursor.selection or _caret(cursor.position)))
            for cursor in self.cursors
        ]

    def hints(self) -> list[types.InlayHint]:
        return [
            types.InlayHint(
                position=types.Position(cursor.position.line, cursor.position.character),
                label=f"▏{cursor.name}",
                padding_right=True,
            )
            for cursor in self.cursors
        ]


class AllMarks:
    """By document."""

    def __init__(self) -> None:
        self._by_key: dict[str, Marks] = {}

    def of(self, uri: str) -> Marks:
        return self._by_key.setdefault(documents.key(uri), Marks())

    def forget(self, uri: str) -> None:
        self._by_key.pop(documents.key(uri), None)


def _caret(position: lsp_ext.Position) -> lsp_ext.Range:
    return lsp_ext.Range(start=position, end=position)


def _hint(where: lsp_ext.Range, text: str) -> types.Diagnostic:
    return types.Diagnostic(
        range=lsp_range(where),
        message=text,
        severity=types.DiagnosticSeverity.Hint,
        source=SOURCE,
    )
