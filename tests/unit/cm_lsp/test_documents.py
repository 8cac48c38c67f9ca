from cm_lsp import documents, lsp_ext
from cm_lsp.documents import OpenDocuments
from cm_lsp.sharing.bridge_messages import RangeChange, WholeText
from cm_lsp.sharing.positions import Position, PositionEncoding
from cm_wire.asking import Place, Span


def opened(text: str) -> OpenDocuments:
    known = OpenDocuments(PositionEncoding.UTF16, "\n")
    known.opened("file:///w/a%20b.py", "python", 1, text)
    return known


def test_form_feeds_and_line_separators_end_no_line() -> None:
    known = opened("a\fb\u2028c\r\nsecond\n")
    known.changed("file:///w/a b.py", 2, [RangeChange(Position(1, 0), Position(1, 6), "2nd")])
    document = known.get("file:///w/a%20b.py")
    assert document is not None
    assert str(document.text) == "a\fb\u2028c\n2nd\n"
    assert document.version == 2


def test_ranges_are_cut_to_the_text_turned_round_and_counted_in_code_points() -> None:
    known = opened("🌴🌴x\n")
    document = known.get("file:///w/a b.py")
    assert document is not None
    far = lsp_ext.Position(line=90, character=0)
    after_palms = lsp_ext.Position(line=0, character=4)
    span = known.span_of(document, lsp_ext.Range(start=far, end=after_palms))
    assert span == Span(Place(0, 2), Place(1, 0))
    back = known.range_of(document, span)
    assert back.start == after_palms


def test_a_change_of_a_document_that_is_not_open_is_told_apart() -> None:
    known = opened("x")
    assert known.changed("file:///other", 1, [WholeText("y")]) is None


def test_spellings_of_one_address_are_one_document() -> None:
    assert documents.key("file:///c%3A/x.py") == documents.key("file:///c:/x.py")
    assert documents.key("untitled:Untitled-1") != documents.key("untitled:Untitled-2")
