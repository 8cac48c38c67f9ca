"""The learning note: what was asked, what was wrong, what changed and what was said, as Markdown to keep.

Pure. Everything people wrote is foreign: in prose it is escaped so that no link, image or HTML comes of it; code stands in
a fence longer than any run of backquotes inside, with what cannot be seen made visible.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from cm_server.session import patch
from cm_server.session.files import FileTexts
from cm_server.session.standing import Standing
from cm_wire import limits, printable
from cm_wire.ids import PersonId

_SHORTEST_FENCE: Final = 3


@dataclass(frozen=True, slots=True)
class Said:
    """One line of chat."""

    author: PersonId
    text: str


def markdown(standing: Standing, files: Sequence[FileTexts], chat: Iterable[Said]) -> str:
    """The whole note; each file's `last` must be filled in."""
    parts = [
        f"# What {_name(standing.learner_name)} learned with {_name(standing.mentor_name)}",
        _section("Question", _prose(standing.question)),
        _section("Diagnosis", _prose(standing.diagnosis)),
        _section("What changed", _changes(files)),
        _section("What was said", _chat(standing, chat)),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _section(title: str, body: str) -> str:
    return f"## {title}\n\n{body}" if body else ""


def _changes(files: Sequence[FileTexts]) -> str:
    diff = patch.unified(files)
    if not diff:
        return "Nothing: the files are as they were."
    counts = "\n".join(_count(file) for file in files)
    return f"{counts}\n\n{_fenced(diff, 'diff')}"


def _count(file: FileTexts) -> str:
    added, removed = patch.changed_lines(file)
    renamed = "" if file.path == file.first_path else f", was {_inline(file.first_path)}"
    return f"- {_inline(file.path)}: {added} lines added, {removed} lines removed{renamed}"


def _chat(standing: Standing, chat: Iterable[Said]) -> str:
    return "\n".join(
        f"- **{_name(standing.name_of(line.author))}**: {_prose(line.text, joint='<br>')}"
        for line in chat
    )


def _name(name: str) -> str:
    return printable.markdown(printable.display_name(name, limits.NAME_CHARACTERS_MAX))


def _inline(path: str) -> str:
    return printable.markdown(path)


def _prose(text: str, joint: str = "  \n") -> str:
    """`joint` is what a new line becomes; each line is escaped by itself."""
    lines = text.strip().split("\n")
    return joint.join(printable.markdown(line) for line in lines)


def _fenced(code: str, language: str) -> str:
    shown = printable.plain(code)
    longest = max((len(run) for run in re.findall("`+", shown)), default=0)
    fence = "`" * max(_SHORTEST_FENCE, longest + 1)
    return f"{fence}{language}\n{shown.rstrip()}\n{fence}"
