import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cm_lsp.sharing import edits
from cm_lsp.sharing.differences import diff
from cm_lsp.sharing.edits import Operation, Replacement
from cm_lsp.sharing.indexed_text import IndexedText

TEXTS = st.text(alphabet="ab\n é😀", max_size=40)


@st.composite
def operations(draw: st.DrawFn, text: str) -> Operation:
    writer = edits.Writer()
    left = len(text)
    for _ in range(draw(st.integers(0, 6))):
        kept = draw(st.integers(0, left))
        writer.retain(kept)
        writer.insert(draw(st.text(alphabet="XY\n", max_size=3)))
        gone = draw(st.integers(0, left - kept))
        writer.delete(gone)
        left -= kept + gone
    return writer.operation()


@given(st.data())
def test_composed_operations_do_what_both_do(data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    first = data.draw(operations(text))
    middle = edits.apply(text, first)
    second = data.draw(operations(middle))
    both = edits.compose(first, second)
    assert edits.apply(text, both) == edits.apply(middle, second)
    third = data.draw(operations(edits.apply(middle, second)))
    assert edits.apply(text, edits.compose_all([first, second, third])) == edits.apply(
        edits.apply(middle, second), third
    )


@given(st.data())
def test_transformed_operations_end_in_one_text_in_either_order(data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    left, right = data.draw(operations(text)), data.draw(operations(text))
    moved_left, moved_right = edits.transform(left, right)
    assert edits.apply(edits.apply(text, left), moved_right) == edits.apply(
        edits.apply(text, right), moved_left
    )


@given(st.data())
def test_an_inverse_takes_everything_back(data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    operation = data.draw(operations(text))
    back = edits.invert(operation, IndexedText(text))
    changed = edits.apply(text, operation)
    assert edits.apply(changed, back) == text
    assert edits.length_change(operation) == len(changed) - len(text)


@given(st.data())
def test_replacements_and_operation_are_two_forms_of_one_thing(data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    operation = data.draw(operations(text))
    assert edits.from_replacements(edits.replacements(operation)) == operation
    count = data.draw(st.integers(0, 4))
    first, rest = edits.split_after(operation, count)
    assert len(edits.replacements(first)) <= count
    assert edits.apply(edits.apply(text, first), rest) == edits.apply(text, operation)


@given(TEXTS, TEXTS)
def test_a_diff_makes_the_new_text(old: str, new: str) -> None:
    assert edits.apply(old, diff(old, new)) == new


@given(st.data())
def test_the_place_of_every_kept_character_is_followed_both_ways(data: st.DataObject) -> None:
    text = data.draw(TEXTS)
    operation = data.draw(operations(text))
    old = new = 0
    for part in [*operation, len(text) + edits.length_change(operation)]:
        if isinstance(part, str):
            new += len(part)
        elif part < 0:
            old -= part
        else:
            kept = min(part, len(text) - old)
            for at in range(kept):
                assert edits.map_index(operation, old + at, after=True) == new + at
                assert edits.map_index_back(operation, new + at) == old + at
            old, new = old + kept, new + kept


def test_text_of_the_left_operation_stands_left_at_one_place() -> None:
    left, right = edits.transform((1, "L"), (1, "R"))
    assert edits.apply("ab", edits.compose((1, "L"), right)) == "aLRb"
    assert edits.apply("ab", edits.compose((1, "R"), left)) == "aLRb"


def test_a_deletion_leaves_what_the_other_inserted_inside_it() -> None:
    deletion, insertion = edits.transform((1, -3), (2, "X"))
    assert edits.apply("a1X23b", deletion) == "aXb"
    assert edits.apply("ab", insertion) == "aXb"


@pytest.mark.parametrize(("after", "place"), [(True, 4), (False, 1)])
def test_text_inserted_at_a_place_pushes_it_only_when_asked(after: bool, place: int) -> None:
    assert edits.map_index((1, "XYZ"), 1, after=after) == place


def test_a_place_in_deleted_text_falls_to_where_it_was() -> None:
    assert edits.map_index((2, -4), 4, after=True) == 2
    assert edits.map_index((2, -4), 7, after=True) == 3
    assert edits.map_index_back((2, "new", -1), 4) == 2


def test_reaching_past_the_end_is_refused() -> None:
    with pytest.raises(ValueError, match="past the end of a text of 2"):
        edits.apply("ab", (1, -2))


def test_a_reindented_file_differs_in_blanks_only() -> None:
    old = "".join(f"    line {at} of many\n" for at in range(300))
    operation = diff(old, old.replace("    ", "\t"))
    assert all(
        len(text) <= 1 and end - start <= 4 for start, end, text in edits.replacements(operation)
    )


def test_moved_and_changed_lines_leave_the_others_alone() -> None:
    lines = [f"unique {at}\n" for at in range(50)]
    new = [*lines[:10], "added\n", *lines[10:30], *lines[35:], "end"]
    operation = diff("".join(lines), "".join(new))
    assert edits.cost(operation) == len("added\n") + len("".join(lines[30:35])) + len("end")


def test_a_letter_changed_in_a_line_is_a_letter_of_difference() -> None:
    assert edits.replacements(diff("the cat sat\n", "the cut sit\n")) == [
        Replacement(5, 6, "u"),
        Replacement(9, 10, "i"),
    ]


@pytest.mark.parametrize("shape", ["reversed", "same letter", "blank lines", "one long line"])
def test_a_diff_of_two_unlike_megabytes_is_bounded(shape: str) -> None:
    old = "".join(f"    value_{at} = compute({at})\n" for at in range(30_000))
    new = {
        "reversed": old[::-1],
        "same letter": "a" * len(old),
        "blank lines": "\n" * 30_000,
        "one long line": old.replace("\n", ";"),
    }[shape]
    begun = time.process_time()
    operation = diff(old, new)
    # A quadratic search would take minutes; the bound here is loose for slow machines.
    assert time.process_time() - begun < 10
    assert edits.apply(old, operation) == new
