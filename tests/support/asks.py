"""An ask's context made of a document, the way the editor's side makes it."""

from cm_lsp import lsp_ext
from cm_lsp.asking import context
from cm_lsp.asking.context import Beside
from cm_lsp.asking.not_secrets import Redacting
from cm_lsp.asking.project import Project
from cm_lsp.documents import OpenDocuments
from cm_lsp.sharing.positions import PositionEncoding
from cm_wire.asking import AskContext
from cm_wire.ids import FilePath


def at(line: int, character: int) -> lsp_ext.Position:
    return lsp_ext.Position(line=line, character=character)


def reported(
    message: str, line: int = 0, character: int = 0, severity: int = 1, source: str = "Pyright"
) -> lsp_ext.ReportedDiagnostic:
    where = lsp_ext.Range(start=at(line, character), end=at(line, character + 1))
    return lsp_ext.ReportedDiagnostic(
        range=where, message=message, severity=severity, source=source, code="E1"
    )


def built(
    text: str,
    start: tuple[int, int] = (0, 0),
    end: tuple[int, int] = (0, 0),
    *,
    around: int = 30,
    question: str = "",
    diagnostics: tuple[lsp_ext.ReportedDiagnostic, ...] = (),
    language: str = "python",
    path: str = "app.py",
    project: Project | None = None,
    redacting: Redacting | None = None,
) -> AskContext:
    documents = OpenDocuments(PositionEncoding.UTF16, "\n")
    document = documents.opened("file:///w/app.py", language, 1, text)
    return context.build(
        documents,
        document,
        documents.span_of(document, lsp_ext.Range(start=at(*start), end=at(*end))),
        path=FilePath(path),
        diagnostics=diagnostics,
        question=question,
        beside=Beside(around, project or Project()),
        redacting=redacting,
    )
