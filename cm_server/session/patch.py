"""The result of a session as a unified diff: each file from the text the learner shared to how it was left.

Pure. The text is the files' own, byte for byte, so that `git apply` takes it; who draws it in a terminal escapes it there.
"""

import difflib
from collections.abc import Iterable, Iterator
from typing import Final

from cm_server.session.files import FileTexts

CONTEXT_LINES: Final = 3
_NO_NEWLINE: Final = "\\ No newline at end of file\n"


def unified(files: Iterable[FileTexts]) -> str:
    """One diff for all files that changed or were renamed, in the order of sharing; empty where none did.

    A file's `last` must be filled in.
    """
    return "".join(part for file in files for part in _of_file(file))


def changed_lines(file: FileTexts) -> tuple[int, int]:
    """How many lines were added and removed."""
    after_heading = list(_hunks(file))[2:]
    marks = [line[0] for line in after_heading]
    return marks.count("+"), marks.count("-")


def _of_file(file: FileTexts) -> Iterator[str]:
    hunks = list(_hunks(file))
    if not hunks and file.path == file.first_path:
        return
    yield f"diff --git a/{file.first_path} b/{file.path}\n"
    if file.path != file.first_path:
        yield f"rename from {file.first_path}\nrename to {file.path}\n"
    yield from hunks


def _hunks(file: FileTexts) -> Iterator[str]:
    assert file.last is not None
    lines = difflib.unified_diff(
        _lines(file.first),
        _lines(file.last),
        f"a/{file.first_path}",
        f"b/{file.path}",
        n=CONTEXT_LINES,
    )
    for line in lines:
        yield line if line.endswith("\n") else f"{line}\n{_NO_NEWLINE}"


def _lines(text: str) -> list[str]:
    """As git counts them: only a newline ends a line, whatever else Unicode calls one."""
    *whole, rest = text.split("\n")
    return [f"{line}\n" for line in whole] + ([rest] if rest else [])
