import random

from cm_lsp.sharing import edits, undo
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.own_undo import OwnUndo


class Typing:
    """A shared text, what each side types into it, and our undo of it."""

    def __init__(self, text: str) -> None:
        self.text = IndexedText(text)
        self.undoing = OwnUndo()
        self.now_ms = 0

    def change(self, start: int, end: int, text: str, *, own: bool) -> None:
        operation = edits.replacement(start, end, text)
        self.undoing.record(operation, self.text, own=own, now_ms=self.now_ms)
        self.text.apply(operation)

    def pause(self) -> None:
        self.now_ms += undo.BURST_PAUSE_MS

    def undo(self) -> str:
        self.text.apply(self.undoing.undo(self.text, self.now_ms))
        return str(self.text)

    def redo(self) -> str:
        self.text.apply(self.undoing.redo(self.text, self.now_ms))
        return str(self.text)


def test_own_typing_goes_and_what_the_other_typed_meanwhile_stays() -> None:
    typing = Typing("base\n")
    typing.change(5, 5, "mine\n", own=True)
    typing.change(0, 0, "theirs\n", own=False)
    typing.change(14, 14, " INSIDE", own=False)
    assert typing.undo() == "theirs\nbase\n INSIDE"


def test_what_was_deleted_comes_back() -> None:
    typing = Typing("keep gone keep")
    typing.change(5, 10, "", own=True)
    typing.change(0, 0, "> ", own=False)
    assert typing.undo() == "> keep gone keep"


def test_bursts_are_undone_one_by_one_and_redone_in_their_order() -> None:
    typing = Typing("")
    for word in ("one ", "two ", "three "):
        typing.change(len(typing.text), len(typing.text), word, own=True)
        typing.pause()
    typing.change(0, 0, "their ", own=False)
    assert typing.undo() == "their one two "
    assert typing.undo() == "their one "
    assert typing.redo() == "their one two "
    assert typing.redo() == "their one two three "
    assert typing.redo() == "their one two three ", "there is no more"
    assert typing.undo() == "their one two "


def test_who_types_anew_has_nothing_to_redo() -> None:
    typing = Typing("")
    typing.change(0, 0, "one", own=True)
    typing.undo()
    typing.change(0, 0, "two", own=True)
    assert typing.redo() == "two"


def test_undoing_all_leaves_exactly_what_the_other_typed() -> None:
    seed = random.randrange(2**32)
    chance = random.Random(seed)
    for _ in range(200):
        typing, theirs = Typing(""), ""
        for _ in range(chance.randrange(1, 25)):
            at = chance.randrange(len(typing.text) + 1)
            own = chance.random() < 0.5
            letter = chance.choice("abc") if own else chance.choice("XYZ")
            typing.change(at, at, letter, own=own)
            theirs += "" if own else letter
            if chance.random() < 0.3:
                typing.pause()
        for _ in range(30):
            typing.undo()
        assert sorted(str(typing.text)) == sorted(theirs), f"seed {seed}"
