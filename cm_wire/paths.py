"""Which strings may name a shared file, and which files the other side may never write.

A path on the wire is a name in the session's share table, never opened as it stands by whoever receives it. It is
still held to a form that is the same on every file system, so that a mirror or a patch cannot be led astray.
"""

import re
import unicodedata
from pathlib import PurePosixPath
from typing import Final

from cm_wire import faults, limits
from cm_wire.ids import FilePath

_DEVICE: Final = re.compile(r"(?i)^(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?$")

AUTO_RUN_FOLDERS: Final = frozenset(
    {".git", ".vscode", ".idea", ".zed", ".husky", ".devcontainer", ".github"}
)
AUTO_RUN_FILES: Final = frozenset(
    {
        ".nvim.lua",
        ".nvimrc",
        ".exrc",
        ".vimrc",
        ".envrc",
        ".dir-locals.el",
        ".editorconfig",
        "sitecustomize.py",
    }
)
AUTO_RUN_SUFFIXES: Final = (".code-workspace", ".pth")
"""Compiled in, not read from the workspace: whoever may write the list could take himself off it."""


def checked(path: str) -> FilePath:
    """`path` as a `FilePath`, or `faults.Refused` (`bad-path`) saying what is wrong with it."""
    problem = _problem(path)
    if problem:
        raise faults.refusal(
            "bad-path",
            f"{faults.shortened(path)!r} cannot name a shared file: {problem}.",
            "Use a path relative to the project, such as src/app.py.",
            field="path",
        )
    return FilePath(path)


def collides(path: FilePath, others: frozenset[FilePath]) -> FilePath | None:
    """A different path among `others` that is the same file on a case-folding or normalising file system."""
    twin = _folded(path)
    return next((other for other in others if other != path and _folded(other) == twin), None)


def is_auto_run(path: FilePath) -> bool:
    """Whether an editor, shell or tool may run this file by itself: shown, but never writable by the other side."""
    parts = [part.lower() for part in PurePosixPath(path).parts]
    return (
        any(part in AUTO_RUN_FOLDERS for part in parts)
        or parts[-1] in AUTO_RUN_FILES
        or parts[-1].endswith(AUTO_RUN_SUFFIXES)
    )


def _problem(path: str) -> str:
    if not path:
        return "it is empty"
    if len(path) > limits.PATH_CHARACTERS_MAX:
        return f"it is longer than {limits.PATH_CHARACTERS_MAX} characters"
    if not path.isprintable():
        return "it has control or invisible characters"
    if "\\" in path or ":" in path:
        return "it has a backslash or a colon"
    if unicodedata.normalize("NFC", path) != path:
        return "it is not in Unicode's composed form (NFC)"
    return next((found for part in path.split("/") if (found := _part_problem(part))), "")


def _part_problem(part: str) -> str:
    if part in {"", ".", ".."}:
        return "it has an empty, '.' or '..' part"
    if part[-1] in ". ":
        return "a part ends in a dot or a blank"
    if _DEVICE.match(part):
        return f"{part!r} is a device name on Windows"
    return ""


def _folded(path: str) -> str:
    return unicodedata.normalize("NFC", path.casefold())
