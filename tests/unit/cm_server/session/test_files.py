"""What may be shared, and what is refused with which code before anything is written."""

import pytest
from sqlmodel import Session

from cm_server.session import events, files, lifecycle
from cm_server.session.files import FileTexts
from cm_server.session.standing import Standing
from cm_wire import faults, limits
from cm_wire.ids import FilePath, PersonId
from tests.unit.cm_server.session.conftest import LEARNER, MENTOR, SESSION, moment, opening


def share(db: Session, path: str, text: str = "x\n", person: PersonId = LEARNER) -> Standing:
    file = FileTexts(FilePath(path), FilePath(path), "python", text, None)
    return files.share(db, SESSION, person, file, moment(1))


@pytest.fixture(autouse=True)
def opened(db: Session) -> None:
    lifecycle.open_session(db, opening(), moment())


def codes(refusal: faults.Refused) -> str:
    return refusal.fault.code


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("", "bad-path"), ("../x", "bad-path"), ("/etc/passwd", "bad-path"), ("a\x00b", "bad-path"),
        ("a\\b", "bad-path"), ("CON", "bad-path"), ("x" * 300, "bad-path"), ("a.py", "key-used"), ("A.py", "bad-path"),
    ],
)  # fmt: skip
def test_paths_that_cannot_be_shared(db: Session, path: str, code: str) -> None:
    share(db, "a.py")
    with pytest.raises(faults.Refused) as refused:
        share(db, path)
    assert codes(refused.value) == code
    assert len(events.read(db, SESSION)) == 2


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("a\0b", "not-text"), ("\ud800", "not-text"), ("x" * (limits.LINE_CHARACTERS_MAX + 1), "too-large"),
        ("\n" * limits.FILE_LINES_MAX, "too-large"), ("éé\n" * 300_000, "too-large"),
    ],
)  # fmt: skip
def test_texts_that_cannot_be_shared(db: Session, text: str, code: str) -> None:
    with pytest.raises(faults.Refused) as refused:
        share(db, "b.py", text)
    assert codes(refused.value) == code


def test_number_and_sum_of_files_are_bounded(db: Session) -> None:
    almost = ("x" * 9_999 + "\n") * 104
    for number in range(8):
        share(db, f"big{number}.py", almost)
    with pytest.raises(faults.Refused) as refused:
        share(db, "big8.py", almost)
    assert codes(refused.value) == "too-large"
    for number in range(12):
        share(db, f"small{number}.py")
    with pytest.raises(faults.Refused) as refused:
        share(db, "one-more.py")
    assert codes(refused.value) == "too-many"


def test_only_the_learner_shares_unshares_and_renames(db: Session) -> None:
    share(db, "a.py")
    with pytest.raises(faults.Refused) as refused:
        share(db, "b.py", person=MENTOR)
    assert codes(refused.value) == "not-allowed"
    with pytest.raises(faults.Refused):
        files.unshare(db, SESSION, MENTOR, FilePath("a.py"), "x", moment(2))
    with pytest.raises(faults.Refused):
        files.rename(db, SESSION, MENTOR, FilePath("a.py"), FilePath("b.py"), moment(2))


def test_a_file_keeps_its_first_text_through_rename_and_unshare(db: Session) -> None:
    share(db, "a.py", "first\n")
    renamed = files.rename(db, SESSION, LEARNER, FilePath("a.py"), FilePath("b.py"), moment(2))
    assert [(file.path, file.name) for file in renamed.files] == [("a.py", "b.py")]
    gone = files.unshare(db, SESSION, LEARNER, FilePath("a.py"), "last\n", moment(3))
    assert gone.files == ()
    share(db, "b.py", "again\n")
    files.keep_last_texts(db, SESSION, {FilePath("b.py"): "end\n"})
    texts = [(f.first_path, f.path, f.first, f.last) for f in files.all_texts(db, SESSION)]
    assert texts == [("a.py", "b.py", "first\n", "last\n"), ("b.py", "b.py", "again\n", "end\n")]


@pytest.mark.parametrize(
    ("new_path", "code"),
    [
        ("../b.py", "bad-path"),
        ("other.py", "key-used"),
        ("OTHER.py", "bad-path"),
        (".envrc", "bad-path"),
        (".vscode/tasks.json", "bad-path"),
    ],
)
def test_a_name_that_no_shared_file_may_have_is_refused(
    db: Session, new_path: str, code: str
) -> None:
    share(db, "a.py")
    share(db, "other.py")
    with pytest.raises(faults.Refused) as refused:
        files.rename(db, SESSION, LEARNER, FilePath("a.py"), FilePath(new_path), moment(2))
    assert codes(refused.value) == code


def test_a_name_that_has_become_free_may_be_taken_and_given_back(db: Session) -> None:
    share(db, "a.py")
    files.rename(db, SESSION, LEARNER, FilePath("a.py"), FilePath("b.py"), moment(2))
    share(db, "c.py")
    files.rename(db, SESSION, LEARNER, FilePath("c.py"), FilePath("a.py"), moment(3))
    with pytest.raises(faults.Refused):
        files.rename(db, SESSION, LEARNER, FilePath("a.py"), FilePath("a.py"), moment(4))
    files.rename(db, SESSION, LEARNER, FilePath("c.py"), FilePath("c.py"), moment(5))
    back = files.rename(db, SESSION, LEARNER, FilePath("a.py"), FilePath("a.py"), moment(6))
    assert [file.renamed_to for file in back.files] == [None, None]


def test_auto_run_files_are_shown_as_read_only(db: Session) -> None:
    standing = share(db, ".vscode/settings.json", "{}")
    assert standing.files[0].read_only
