"""What the other side is told of a draft, and when."""

from cm_lsp.sharing import edits
from cm_lsp.sharing.draft import Draft
from cm_lsp.sharing.indexed_text import IndexedText


def test_what_the_other_typed_themselves_is_no_proposal_any_more_and_they_are_told_so() -> None:
    draft = Draft(IndexedText("one two"))
    draft.typed(edits.replacement(3, 3, "!"))
    draft.typed(edits.replacement(8, 8, "?"))
    first, second = draft.publish()
    was_told = draft.is_told
    moved = draft.remote(edits.replacement(*first.change))
    assert (was_told, moved, draft.is_told) == (True, (), False)
    (left,) = draft.publish()
    assert (left.id, left.change.text) == (second.id, "?")
