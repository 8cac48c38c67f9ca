"""What an ask says about the learner's code: the excerpt, the diagnostics, libraries and tools, a question.

Pure: a document, a span and what is known of the project in, an `AskContext` out. Everything that leaves the machine with an
ask is made here, without secrets, and the preview shows exactly this value.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import msgspec

from cm_lsp import lsp_ext
from cm_lsp.asking import excerpt, not_secrets
from cm_lsp.asking.not_secrets import Redacting
from cm_lsp.asking.project import Project
from cm_lsp.documents import OpenDocument, OpenDocuments
from cm_wire import faults, limits
from cm_wire.asking import AskContext, Diagnostic, Excerpt, Severity, Span
from cm_wire.ids import FilePath
from cm_wire.secrets import refusing

_SEVERITIES: Final[dict[int, Severity]] = {1: "error", 2: "warning", 3: "information", 4: "hint"}
_WORD_CHARACTERS_MAX: Final = 100
_READ_OF_A_MESSAGE: Final = 4 * limits.DIAGNOSTIC_CHARACTERS_MAX
"""More than is sent, so that a secret at the cut is seen whole."""
_WHERE: Final = "a diagnostic"

_QUESTION: Final = re.compile(
    r"^\s*(?://+|#+|--+|;+|%+|/\*+|<!--)\s*(?:mentor|ask)\s*:\s*(.+?)\s*(?:\*/|-->)?\s*$",
    re.IGNORECASE,
)
"""A comment line such as `# mentor: why does this loop?` is the question, where no one prompts for one."""


@dataclass(frozen=True, slots=True)
class Beside:
    """What an ask says beside the selection: so many lines on each side, and what the project is made of."""

    lines: int
    project: Project = field(default_factory=Project)


def build(
    open_documents: OpenDocuments,
    document: OpenDocument,
    selection: Span,
    *,
    path: FilePath,
    diagnostics: Sequence[lsp_ext.ReportedDiagnostic],
    question: str,
    beside: Beside,
    redacting: Redacting | None = None,
) -> AskContext:
    """Raises `faults.Refused` for a selection that cannot be sent: `too-large`, `not-text`, `secret-found`, `bad-value`.

    `redacting` knows which secrets are none, and afterwards which were replaced.
    """
    redacting = redacting or Redacting()
    refusing.check_file_name(path, "uri")
    text = str(document.text)
    lines = text.split("\n")
    around = excerpt.surrounded(lines, selection, beside.lines, redacting)
    asked = _asked(question, around, selection, redacting)
    worst_first = sorted(diagnostics, key=lambda one: one.severity or 1)[: limits.DIAGNOSTICS_MAX]
    found = [diagnostic(open_documents, document, one, around, redacting) for one in worst_first]
    language_id = document.language_id[:_WORD_CHARACTERS_MAX]
    rest = AskContext(
        excerpt=Excerpt(
            path=path, language_id=language_id, text="", first_line=0, selection=selection
        ),
        diagnostics=tuple(found),
        libraries=beside.project.libraries(language_id, text),
        tools=beside.project.tools([one.source for one in found]),
        question=asked[: limits.QUESTION_CHARACTERS_MAX],
        not_secrets=redacting.left(),
    )
    sent = excerpt.cut(
        around,
        selection,
        path=path,
        language_id=language_id,
        wanted=beside.lines,
        frame_bytes=excerpt.FRAME_BYTES - len(msgspec.json.encode(rest)),
        redacting=redacting,
    )
    if not sent.text.strip() and not asked.strip():
        raise _nothing_to_ask_about()
    return not_secrets.said_in(msgspec.structs.replace(rest, excerpt=sent), rest.not_secrets)


def _asked(question: str, around: excerpt.Surrounded, selection: Span, redacting: Redacting) -> str:
    """The question, or the comment of the selection that is one; nothing only where there is code to ask about."""
    index = selection.start.line - around.first_line
    selected = around.lines[index : index + selection.end.line - selection.start.line + 1]
    asked = redacting.without_secrets(question, "the question") or question_in(selected)
    if not asked:
        _refuse_a_bare_secret(around, selection)
    return asked


def _refuse_a_bare_secret(around: excerpt.Surrounded, selection: Span) -> None:
    if excerpt.holds_only_a_secret(around, selection):
        raise faults.refusal(
            "secret-found",
            "The selection holds nothing but a secret, which is not sent.",
            "Select the code around it, or write a question.",
            field="range",
        )


def _nothing_to_ask_about() -> faults.Refused:
    return faults.refusal(
        "bad-value",
        "There is nothing to ask about: no code and no question.",
        "Select the code you are stuck on, or write a question.",
        field="range",
    )


def diagnostic(
    open_documents: OpenDocuments,
    document: OpenDocument,
    reported: lsp_ext.ReportedDiagnostic,
    around: excerpt.Surrounded | None = None,
    redacting: Redacting | None = None,
) -> Diagnostic:
    """An editor's diagnostic as it travels, without secrets; `around` says how far these have moved its columns."""
    span = open_documents.span_of(document, reported.range)
    redacting = redacting or Redacting()
    code = "" if reported.code is None else str(reported.code)
    return Diagnostic(
        message=redacting.without_secrets(reported.message[:_READ_OF_A_MESSAGE], _WHERE)[
            : limits.DIAGNOSTIC_CHARACTERS_MAX - 2 * _WORD_CHARACTERS_MAX
        ],
        span=around.span(span) if around is not None else span,
        severity=_SEVERITIES.get(reported.severity or 1, "error"),
        source=redacting.without_secrets(reported.source or "", _WHERE)[:_WORD_CHARACTERS_MAX],
        code=redacting.without_secrets(code, _WHERE)[:_WORD_CHARACTERS_MAX],
    )


def touching(
    diagnostics: Sequence[lsp_ext.ReportedDiagnostic], given: lsp_ext.Range
) -> tuple[lsp_ext.ReportedDiagnostic, ...]:
    """Those on the lines of a range."""
    return tuple(
        found
        for found in diagnostics
        if found.range.start.line <= given.end.line and found.range.end.line >= given.start.line
    )


def question_in(selected_lines: Sequence[str]) -> str:
    """The question a comment line of the selection asks."""
    found = (_QUESTION.match(line) for line in selected_lines)
    return next((match.group(1) for match in found if match), "")
