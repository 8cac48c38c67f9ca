"""What an ask says about the learner's code: the selection, as much around it as is allowed, the diagnostics, a question.

Pure: a document and a span in, an `AskContext` out. Everything that leaves the machine with an ask is made here, and the
preview shows exactly this value. Limits are refused by name for what the user chose (the selection) and cut for what we
chose (the surroundings).
"""

import re
from collections.abc import Sequence
from typing import Final

from cm_lsp import lsp_ext
from cm_lsp.documents import OpenDocument, OpenDocuments
from cm_wire import faults, limits
from cm_wire.asking import AskContext, Diagnostic, Excerpt, Library, Severity, Span
from cm_wire.ids import FilePath

_SEVERITIES: Final[dict[int, Severity]] = {1: "error", 2: "warning", 3: "information", 4: "hint"}

_QUESTION: Final = re.compile(
    r"^\s*(?://+|#+|--+|;+|%+|/\*+|<!--)\s*(?:mentor|ask)\s*:\s*(.+?)\s*(?:\*/|-->)?\s*$",
    re.IGNORECASE,
)
"""A comment line such as `# mentor: why does this loop?` is the question, where no one prompts for one."""

_PYTHON_IMPORT: Final = re.compile(
    r"^\s*(?:from\s+([A-Za-z_]\w*)|import\s+([A-Za-z_]\w*))", re.MULTILINE
)
_SCRIPT_IMPORT: Final = re.compile(r"""(?:from|require\()\s*["']((?:@[\w.-]+/)?[A-Za-z_][\w.-]*)""")
_RUST_IMPORT: Final = re.compile(r"^\s*use\s+([a-z_]\w*)::", re.MULTILINE)
_IMPORTS: Final = {
    "python": _PYTHON_IMPORT,
    "javascript": _SCRIPT_IMPORT,
    "typescript": _SCRIPT_IMPORT,
    "javascriptreact": _SCRIPT_IMPORT,
    "typescriptreact": _SCRIPT_IMPORT,
    "rust": _RUST_IMPORT,
}
_NO_LIBRARIES: Final = frozenset({"crate", "self", "super", "std", "core", "alloc"})


def build(
    open_documents: OpenDocuments,
    document: OpenDocument,
    selection: Span,
    *,
    path: FilePath,
    diagnostics: Sequence[lsp_ext.ReportedDiagnostic],
    question: str,
    surrounding_lines: int,
) -> AskContext:
    """Raises `faults.Refused` (`too-large`) when the selection alone breaks a limit."""
    lines = str(document.text).split("\n")
    first, last = selection.start.line, selection.end.line
    _check_selection(lines[first : last + 1])
    above, below = _surroundings(lines, first, last, surrounding_lines)
    text = "\n".join(lines[above : below + 1])
    return AskContext(
        excerpt=Excerpt(
            path=path,
            language_id=document.language_id,
            text=text,
            first_line=above,
            selection=selection,
        ),
        diagnostics=tuple(
            diagnostic(open_documents, document, reported)
            for reported in diagnostics[: limits.DIAGNOSTICS_MAX]
        ),
        libraries=libraries(document.language_id, text),
        question=(question or question_in(lines[first : last + 1]))[
            : limits.QUESTION_CHARACTERS_MAX
        ],
    )


def diagnostic(
    open_documents: OpenDocuments, document: OpenDocument, reported: lsp_ext.ReportedDiagnostic
) -> Diagnostic:
    """An editor's diagnostic as it travels."""
    return Diagnostic(
        message=reported.message[: limits.DIAGNOSTIC_CHARACTERS_MAX],
        span=open_documents.span_of(document, reported.range),
        severity=_SEVERITIES.get(reported.severity or 1, "error"),
        source=(reported.source or "")[:100],
        code=str("" if reported.code is None else reported.code)[:100],
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


def libraries(language_id: str, text: str) -> tuple[Library, ...]:
    """What the excerpt imports, by name, in order of appearance."""
    pattern = _IMPORTS.get(language_id)
    if pattern is None:
        return ()
    names = ["".join(group or "" for group in match.groups()) for match in pattern.finditer(text)]
    unique = dict.fromkeys(name for name in names if name not in _NO_LIBRARIES)
    return tuple(Library(name) for name in unique)[: limits.LIBRARIES_MAX]


def _check_selection(lines: Sequence[str]) -> None:
    if len(lines) > limits.SELECTION_LINES_MAX:
        raise _selection_refused("lines", limits.SELECTION_LINES_MAX, len(lines))
    size = sum(len(line.encode()) + 1 for line in lines)
    if size > limits.SELECTION_BYTES_MAX:
        raise _selection_refused("bytes", limits.SELECTION_BYTES_MAX, size)


def _selection_refused(what: str, limit: int, got: int) -> faults.Refused:
    return faults.refusal(
        "too-large",
        f"The selection has {got} {what}; an ask sends at most {limit}.",
        "Select the part the question is about.",
        field="range",
        limit=limit,
        got=got,
    )


def _surroundings(lines: Sequence[str], first: int, last: int, wanted: int) -> tuple[int, int]:
    """The first and last line to send: as many on each side as wanted, and as the limit leaves room for."""
    room = limits.SURROUNDINGS_BYTES_MAX - sum(
        len(line.encode()) + 1 for line in lines[first : last + 1]
    )
    above, below = first, last
    for _ in range(wanted):
        for line in (above - 1, below + 1):
            if not 0 <= line < len(lines):
                continue
            room -= len(lines[line].encode()) + 1
            if room < 0:
                return above, below
            above, below = min(above, line), max(below, line)
    return above, below
