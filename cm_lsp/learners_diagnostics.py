"""What the learner's tools say of a shared file, on its way to the mentor's editor and drawn there.

Owns both ends, because each must not miss what came before it was ready: a file that is shared with its diagnostics known, a
document that is opened after its report. Plain LSP tells us nothing of other servers' diagnostics but what a code action
carries; plugins report all of them.
"""

from collections.abc import Collection
from typing import Final

from lsprotocol import types

from cm_lsp.app import Codementor
from cm_lsp.asking import context
from cm_lsp.session.marks import SOURCE
from cm_lsp.to_editor import lsp_range
from cm_wire import limits, printable
from cm_wire.session import FileDiagnostics, SharedFile
from cm_wire.to_server import ReportDiagnostics

_SEVERITIES: Final = {
    "error": types.DiagnosticSeverity.Error,
    "warning": types.DiagnosticSeverity.Warning,
    "information": types.DiagnosticSeverity.Information,
    "hint": types.DiagnosticSeverity.Hint,
}


def report(here: Codementor, uri: str) -> None:
    """At the learner's: tell the mentor what is said of a document now, if it is shared."""
    document, room = here.documents.get(uri), here.room
    path = room.table.path(uri) if room is not None else None
    if document is None or room is None or path is None or room.view.you != "learner":
        return
    if all(file.path != path for file in room.view.files):
        return
    told = ReportDiagnostics(
        session_id=room.view.session_id,
        path=path,
        diagnostics=tuple(
            context.diagnostic(here.documents, document, found)
            for found in document.diagnostics[: limits.DIAGNOSTICS_MAX]
        ),
    )
    here.editor.later(here.send(told))


def report_newly_shared(here: Codementor, known: Collection[SharedFile]) -> None:
    """Diagnostics that were there before the file was shared change no more by themselves."""
    room = here.room
    paths = {file.path for file in known}
    for file in room.view.files if room is not None else ():
        uri = room.table.uri(file.path) if room is not None else None
        document = here.documents.get(uri) if uri is not None else None
        if file.path not in paths and document is not None and document.diagnostics:
            report(here, document.uri)


def heard(here: Codementor, told: FileDiagnostics) -> None:
    """At the mentor's: keep it, and draw it where the document is open."""
    room = here.room
    if room is None or room.view.you != "mentor":
        return
    room.reports[told.path] = told
    uri = room.table.uri(told.path)
    if uri is not None:
        draw(here, uri)


def draw(here: Codementor, uri: str) -> None:
    """The last report, in the places of this editor."""
    room, document = here.room, here.documents.get(uri)
    path = room.table.path(uri) if room is not None else None
    told = room.reports.get(path) if room is not None and path is not None else None
    if document is None or told is None:
        return
    marks = here.marks.of(document.uri)
    marks.learners = [
        types.Diagnostic(
            range=lsp_range(here.documents.range_of(document, found.span)),
            message=printable.plain(found.message),
            severity=_SEVERITIES[found.severity],
            source=printable.line(found.source) or SOURCE,
            code=printable.line(found.code) or None,
        )
        for found in told.diagnostics
    ]
    shown = marks.diagnostics(with_cursors=not here.editor.claims.cursors)
    here.editor.publish_diagnostics(document.uri, shown)
