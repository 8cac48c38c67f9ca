"""The patch applies, byte for byte, with git itself."""

import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cm_server.session import patch
from cm_server.session.files import FileTexts
from cm_wire.ids import FilePath


def file(first: str, last: str, path: str = "a.py", first_path: str = "a.py") -> FileTexts:
    return FileTexts(FilePath(path), FilePath(first_path), "python", first, last)


def test_what_did_not_change_is_not_in_it() -> None:
    assert patch.unified([file("x\n", "x\n"), file("", "")]) == ""


def test_a_change_with_its_surroundings() -> None:
    first = "".join(f"line {n}\n" for n in range(10))
    assert patch.unified([file(first, first.replace("line 5", "line five"))]) == (
        "diff --git a/a.py b/a.py\n--- a/a.py\n+++ b/a.py\n@@ -3,7 +3,7 @@\n"
        " line 2\n line 3\n line 4\n-line 5\n+line five\n line 6\n line 7\n line 8\n"
    )


def test_renames_and_counts_are_shown() -> None:
    renamed = file("x\n", "y\nz\n", path="b.py")
    assert "rename from a.py\nrename to b.py\n--- a/a.py\n+++ b/b.py\n" in patch.unified([renamed])
    assert patch.changed_lines(renamed) == (2, 1)
    assert patch.changed_lines(file("--- a\n", "+++ b\n")) == (1, 1)


LINES = st.lists(
    st.sampled_from(["a", "b", "--- x", "+++ y", "@@", "é😀", "", "\x0c", "\u2028", "c\r"]),
    max_size=12,
)
TEXTS = st.builds(lambda lines, end: "\n".join(lines) + end, LINES, st.sampled_from(["", "\n"]))


@pytest.mark.slow
@given(TEXTS, TEXTS)
@settings(max_examples=60, deadline=None)
def test_git_makes_the_last_text_of_the_first(
    tmp_path_factory: pytest.TempPathFactory, first: str, last: str
) -> None:
    folder = tmp_path_factory.mktemp("patch")
    _check(folder, first, last)


def _check(folder: Path, first: str, last: str) -> None:
    target = folder / "a.py"
    target.write_bytes(first.encode())
    diff = patch.unified([file(first, last)])
    if diff:
        subprocess.run(
            ["git", "apply", "--whitespace=nowarn", "-"],
            input=diff.encode(),
            cwd=folder,
            check=True,
            capture_output=True,
        )
    assert target.read_bytes().decode() == last
