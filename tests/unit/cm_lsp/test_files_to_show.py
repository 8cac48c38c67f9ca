"""A text that is shown: private, fresh for every editor, and not kept for ever."""

import stat
from pathlib import Path

from cm_lsp import files_to_show
from cm_lsp.files_to_show import KEPT_OF_A_NAME


def write(folder: Path, text: str, name: str = "codementor-ask.md") -> Path:
    return Path(files_to_show.write(folder, name, text).removeprefix("file://"))


def test_a_changed_text_is_another_file_for_editors_read_none_anew(tmp_path: Path) -> None:
    first, same, other = (write(tmp_path, text) for text in ("one", "one", "two"))
    assert first == same
    assert other != first
    assert (first.read_text(), other.read_text()) == ("one", "two")
    assert first.name == other.name == "codementor-ask.md"


def test_only_its_user_can_read_it(tmp_path: Path) -> None:
    place = write(tmp_path, "mine")
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700


def test_the_oldest_of_a_name_go_and_those_of_other_names_stay(tmp_path: Path) -> None:
    kept = write(tmp_path, "text 0", "kept-a.py")
    places = [write(tmp_path, f"text {number}") for number in range(KEPT_OF_A_NAME + 3)]
    assert [place.exists() for place in places] == [False] * 3 + [True] * KEPT_OF_A_NAME
    assert not places[1].parent.exists()
    assert kept.exists()


def test_a_name_from_the_other_side_chooses_no_place(tmp_path: Path) -> None:
    shown = tmp_path / "shown"
    for name in ("../../evil", "/etc/passwd", "..", "a\0b", "x" * 5_000):
        assert write(tmp_path, "text", name).parent.parent == shown
