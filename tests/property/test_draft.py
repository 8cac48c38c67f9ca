"""A draft over a shared text: whatever is typed, changed, accepted and refused, the account of it is exact."""

from hypothesis import given
from hypothesis import strategies as st

from cm_lsp.sharing import edits
from cm_lsp.sharing.draft import Draft, Hunk
from cm_lsp.sharing.edits import Operation
from cm_lsp.sharing.indexed_text import IndexedText

TEXTS = st.text(alphabet="ab\n🌴", max_size=6)


class Both:
    """The shared text and what the mentor's editor shows, changed only by what the draft says."""

    def __init__(self, text: str) -> None:
        self.draft = Draft(IndexedText(text))
        self.shared = text
        self.shown = text
        self.told: list[Hunk] = []

    def type(self, operation: Operation) -> None:
        self.shown = edits.apply(self.shown, operation)
        self.draft.typed(operation)

    def remote(self, operation: Operation) -> None:
        self.shared = edits.apply(self.shared, operation)
        self.shown = edits.apply(self.shown, self.draft.remote(operation))

    def check(self) -> None:
        assert str(self.draft.shared) == self.shared
        assert edits.apply(self.shared, self.draft.operation) == self.shown


def some_replacement(data: st.DataObject, text: str) -> Operation:
    start = data.draw(st.integers(0, len(text)))
    end = data.draw(st.integers(start, min(len(text), start + 4)))
    return edits.replacement(start, end, data.draw(TEXTS))


@given(st.text(alphabet="xyz\n", max_size=20), st.data())
def test_the_draft_is_the_shared_text_and_what_is_proposed_whatever_comes(
    text: str, data: st.DataObject
) -> None:
    both = Both(text)
    steps = st.sampled_from(["type", "remote", "publish", "refuse", "accept"])
    for step in data.draw(st.lists(steps, max_size=25)):
        match step:
            case "type":
                both.type(some_replacement(data, both.shown))
            case "remote":
                both.remote(some_replacement(data, both.shared))
            case "publish":
                both.told = both.draft.publish()
                assert both.draft.is_told
            case _ if not both.told:
                continue
            case "refuse":
                hunk = data.draw(st.sampled_from(both.told))
                both.shown = edits.apply(both.shown, both.draft.drop(hunk.id))
            case _:
                both.told = both.draft.publish()
                if both.told:
                    shown = both.shown
                    hunk = data.draw(st.sampled_from(both.told))
                    both.remote(edits.from_replacements([hunk.change]))
                    assert both.shown == shown, "an accepted hunk changes nothing for who wrote it"
        both.check()
    both.shown = edits.apply(both.shown, both.draft.drop_all())
    assert both.shown == both.shared


def test_a_hunk_that_only_moved_keeps_its_id_and_need_not_be_told_again() -> None:
    draft = Draft(IndexedText("one two three"))
    draft.typed(edits.replacement(4, 7, "TWO"))
    (hunk,) = draft.publish()
    draft.remote(edits.replacement(0, 0, "zero "))
    assert draft.is_told
    (same,) = draft.publish()
    assert same.id == hunk.id
    assert same.change.start == hunk.change.start + 5


def test_a_hunk_whose_text_the_learner_changed_is_told_anew() -> None:
    draft = Draft(IndexedText("one two three"))
    draft.typed(edits.replacement(4, 7, "TWO"))
    draft.publish()
    draft.remote(edits.replacement(5, 6, ""))
    assert not draft.is_told
    (hunk,) = draft.publish()
    assert hunk.removed == "to"


def test_a_refused_hunk_goes_and_what_was_typed_since_and_the_other_hunks_stay() -> None:
    draft = Draft(IndexedText("one two three"))
    draft.typed(edits.replacement(0, 3, "ONE"))
    draft.typed(edits.replacement(8, 13, "THREE"))
    first, _ = draft.publish()
    draft.typed(edits.replacement(13, 13, "!"))
    shown = edits.apply("ONE two THREE!", draft.drop(first.id))
    assert shown == "one two THREE!"


def test_a_refusal_of_what_is_no_more_changes_nothing() -> None:
    draft = Draft(IndexedText("one"))
    draft.typed(edits.replacement(3, 3, "!"))
    (hunk,) = draft.publish()
    draft.remote(edits.replacement(3, 3, "!"))
    assert draft.is_empty
    assert draft.drop(hunk.id) == ()
