import pytest
from hypothesis import given
from hypothesis import strategies as st
from pycrdt import Doc, Map, Text

from cm_wire.ids import YjsClientId
from cm_wire.yjs import update as updates
from cm_wire.yjs.structs import (
    Collected,
    Entry,
    Insert,
    Skip,
    Tombstone,
    Value,
    from_clock,
    second_halves,
    utf16_length,
)
from cm_wire.yjs.varint import MalformedError
from cm_wire.yjs.verdict import DOCUMENT_LIMITS, UPDATE_LIMITS
from tests.support.guarded_document import AnyDoc, replica, seeded_update, text_in

WRITER = YjsClientId(7)


def a_document_of_everything() -> bytes:
    document: AnyDoc = Doc(client_id=WRITER)
    files = document.get("files", type=Map)
    for path in ("a.py", "gone.py"):
        files[path] = Text("some 😀 text")
    document.get("meta", type=Map)["format"] = "first"
    document.get("meta", type=Map)["count"] = -70_000
    text = text_in(document, "a.py")
    text.insert(4, "ed")
    del text[2:5]
    del files["gone.py"]
    return document.get_update()


def test_document_of_the_library_is_read_whole_and_written_alike() -> None:
    encoded = a_document_of_everything()
    update = updates.decode(encoded, DOCUMENT_LIMITS)
    kinds = {type(struct) for block in update.blocks for struct in block.structs}
    assert kinds == {Entry, Insert, Tombstone, Collected, Value}
    assert updates.encode(update) == encoded


@given(st.binary(max_size=60))
def test_any_bytes_are_refused_or_written_alike(encoded: bytes) -> None:
    try:
        update = updates.decode(encoded, UPDATE_LIMITS)
    except MalformedError:
        return
    assert updates.encode(update) == encoded


@given(st.data())
def test_every_prefix_of_a_document_is_refused(data: st.DataObject) -> None:
    encoded = a_document_of_everything()
    end = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(MalformedError):
        updates.decode(encoded[:end], DOCUMENT_LIMITS)


def test_limit_is_named_when_it_is_passed() -> None:
    with pytest.raises(updates.TooMuchError, match="65537 bytes; the limit is 65536"):
        updates.decode(bytes(65_537), UPDATE_LIMITS)


@given(st.text(min_size=1), st.data())
def test_cut_text_is_the_text_from_there_on(text: str, data: st.DataObject) -> None:
    utf8 = text.encode()
    whole = Insert(5, utf16_length(utf8), None, None, (WRITER, 0), None, False, None, utf8)
    cut = data.draw(st.integers(1, whole.length))
    if cut == whole.length:
        return
    if cut in second_halves(utf8):
        with pytest.raises(MalformedError, match="inside a character"):
            from_clock(WRITER, whole, 5 + cut)
        return
    later = from_clock(WRITER, whole, 5 + cut)
    assert isinstance(later, Insert)
    assert (later.clock, later.origin, later.parent) == (5 + cut, (WRITER, 4 + cut), None)
    kept = utf8[: len(utf8) - len(later.utf8)]
    assert kept + later.utf8 == utf8
    assert utf16_length(kept) == cut


def test_places_without_text_are_cut_by_length() -> None:
    tombstone = Tombstone(0, 9, None, None, (WRITER, 0), None, False, None)
    assert from_clock(WRITER, tombstone, 4).length == 5
    assert from_clock(WRITER, Collected(0, 9), 4) == Collected(4, 5)
    assert from_clock(WRITER, Skip(0, 9), 4) == Skip(4, 5)


@given(st.text())
def test_second_halves_are_where_utf16_has_low_surrogates(text: str) -> None:
    units = memoryview(text.encode("utf-16-le")).cast("H")
    expected = [index for index, unit in enumerate(units) if 0xDC00 <= unit <= 0xDFFF]
    assert second_halves(text.encode()) == expected


def test_written_document_is_read_by_the_library() -> None:
    start = seeded_update({"a.py": "hello 😀"})
    again = updates.encode(updates.decode(start, DOCUMENT_LIMITS))
    assert str(text_in(replica(2, again), "a.py")) == "hello 😀"
