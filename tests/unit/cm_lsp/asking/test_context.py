import pytest

from cm_lsp import lsp_ext
from cm_lsp.asking import context, preview
from cm_lsp.asking.context import Beside
from cm_lsp.documents import OpenDocuments
from cm_lsp.sharing.positions import PositionEncoding
from cm_wire import faults, limits
from cm_wire.asking import AskContext, Place, Span, Terms
from cm_wire.ids import FilePath
from cm_wire.money import Money


def build(
    text: str,
    first: int,
    last: int,
    *,
    around: int = 2,
    question: str = "",
    diagnostics: tuple[lsp_ext.ReportedDiagnostic, ...] = (),
    language: str = "python",
) -> AskContext:
    known = OpenDocuments(PositionEncoding.UTF16, "\n")
    document = known.opened("file:///w/app.py", language, 1, text)
    return context.build(
        known,
        document,
        Span(Place(first, 0), Place(last, 0)),
        path=FilePath("app.py"),
        diagnostics=diagnostics,
        question=question,
        beside=Beside(around),
    )


def test_the_excerpt_is_the_selection_with_as_many_lines_around_it_as_allowed() -> None:
    text = "\n".join(f"line {number}" for number in range(20))
    built = build(text, 10, 11)
    assert built.excerpt.text == "\n".join(f"line {number}" for number in range(8, 14))
    assert built.excerpt.first_line == 8
    assert build(text, 10, 11, around=0).excerpt.text == "line 10\nline 11"


def test_the_surroundings_are_cut_where_the_limit_is_reached_and_the_selection_is_not() -> None:
    wide = "x" * 1_000
    built = build("\n".join([wide] * 1_000), 500, 500, around=1_000)
    assert len(built.excerpt.text.encode()) <= limits.SURROUNDINGS_BYTES_MAX
    assert built.excerpt.first_line > 0


def test_a_selection_over_the_limit_is_refused_by_name() -> None:
    with pytest.raises(faults.Refused) as refused:
        build("\n" * 600, 0, 599)
    fault = refused.value.fault
    assert (fault.field, fault.limit, fault.got) == ("range", limits.SELECTION_LINES_MAX, 600)


@pytest.mark.parametrize(
    "line",
    [
        "# mentor: why?",
        "  // Mentor: why?",
        "-- ask: why?",
        "<!-- mentor: why? -->",
        "/* mentor: why? */",
    ],
)
def test_a_comment_line_of_the_selection_is_the_question(line: str) -> None:
    assert build(f"a\n{line}\nb", 0, 2).question == "why?"
    assert build(f"a\n{line}\nb", 0, 2, question="mine").question == "mine"
    assert build(f"a\n{line}\nb", 0, 0).question == ""


def test_diagnostics_are_bounded_and_told_in_code_points() -> None:
    where = lsp_ext.Range(
        start=lsp_ext.Position(line=0, character=2), end=lsp_ext.Position(line=0, character=3)
    )
    reported = lsp_ext.ReportedDiagnostic(range=where, message="m" * 5_000, severity=2, code=7)
    built = build("🌴x\n", 0, 0, diagnostics=(reported,) * 60)
    assert len(built.diagnostics) == limits.DIAGNOSTICS_MAX
    first = built.diagnostics[0]
    assert first.span == Span(Place(0, 1), Place(0, 2))
    assert (len(first.message), first.severity, first.code) == (800, "warning", "7")


def test_the_preview_shows_every_text_that_is_sent_and_no_fence_can_end_it() -> None:
    built = build("import httpx\n```\n[x](javascript:1)\n", 0, 2, question="why [x](y)?")
    shown = preview.of_ask(built, Terms(cap_minutes=30, price_max=Money(1_500, "USD")))
    assert built.excerpt.text in shown
    assert "````python" in shown
    assert "$15.00 per 15 min" in shown
    assert "why [x](y)?" in shown
