from cm_lsp.sharing import edits, undo
from cm_lsp.sharing.edits import Operation
from cm_lsp.sharing.indexed_text import IndexedText
from cm_lsp.sharing.undo import OthersChanges


class History:
    def __init__(self, text: str) -> None:
        self.text = IndexedText(text)
        self.changes = OthersChanges()
        self.now_ms = 0

    def change(self, start: int, end: int, text: str, *, own: bool) -> None:
        operation = edits.replacement(start, end, text)
        self.changes.record(operation, self.text, own=own, now_ms=self.now_ms)
        self.text.apply(operation)

    def mentor(self, start: int, end: int, text: str) -> None:
        self.change(start, end, text, own=False)

    def learner(self, start: int, end: int, text: str) -> None:
        self.change(start, end, text, own=True)

    def pause(self) -> None:
        self.now_ms += undo.BURST_PAUSE_MS

    def after(self, operation: Operation) -> str:
        self.text.apply(operation)
        return str(self.text)


def test_mentors_last_burst_is_taken_back_and_the_earlier_one_stays() -> None:
    history = History("base\n")
    history.mentor(0, 0, "first ")
    history.pause()
    history.mentor(6, 6, "sec")
    history.mentor(9, 9, "ond ")
    assert str(history.text) == "first second base\n"
    assert history.after(history.changes.take_last()) == "first base\n"
    assert history.after(history.changes.take_last()) == "base\n"
    assert history.changes.take_last() == ()


def test_learners_typing_inside_the_mentors_text_stays() -> None:
    history = History("ab")
    history.mentor(1, 1, "MENTOR")
    history.learner(4, 4, "learner")
    assert history.after(history.changes.take_all()) == "alearnerb"


def test_text_the_mentor_deleted_comes_back_where_it_was() -> None:
    history = History("keep gone keep")
    history.mentor(5, 10, "")
    history.learner(0, 0, ">> ")
    history.learner(12, 12, "!")
    assert history.after(history.changes.take_last()) == ">> keep gone keep!"


def test_what_the_learner_deleted_of_the_mentors_text_is_not_missed() -> None:
    history = History("")
    history.mentor(0, 0, "all of it")
    history.learner(0, 9, "")
    assert history.changes.take_last() == ()


def test_typing_after_an_undo_is_a_burst_of_its_own() -> None:
    history = History("")
    history.mentor(0, 0, "a")
    history.pause()
    history.mentor(1, 1, "b")
    history.after(history.changes.take_last())
    history.mentor(1, 1, "c")
    assert history.after(history.changes.take_last()) == "a"


def test_all_is_taken_back_however_many_bursts_there_were() -> None:
    history = History("base")
    for at in range(undo.BURSTS_KEPT + 50):
        history.mentor(at, at, "m")
        history.learner(len(history.text), len(history.text), "L")
        history.pause()
    assert history.after(history.changes.take_all()) == "base" + "L" * (undo.BURSTS_KEPT + 50)
