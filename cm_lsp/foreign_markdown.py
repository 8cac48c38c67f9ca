"""Markdown of the other side, made harmless: code blocks stay code blocks, everything else is text as it was written.

Pure. A hover is drawn by the editor as Markdown, where a stranger's link could run a command, and a stranger's image or HTML
could load something. So nothing of it is trusted: each part is written anew.
"""

import re
from collections.abc import Iterator
from typing import Final

from cm_wire import printable

_FENCE: Final = re.compile(r"^\s*(`{3,}|~{3,})\s*([A-Za-z0-9_+#.-]{0,30})")
_RULE: Final = re.compile(r"^\s*([-*_])(?:\s*\1){2,}\s*$")


def markdown(text: str) -> str:
    """For an editor that draws Markdown."""
    return "\n".join(_written_anew(printable.plain(text).split("\n"))).strip("\n")


def plain(text: str) -> str:
    """For an editor that does not: the same without the fences."""
    lines = printable.plain(text).split("\n")
    return "\n".join(line for line in lines if not _FENCE.match(line)).strip("\n")


def _written_anew(lines: list[str]) -> Iterator[str]:
    at = 0
    while at < len(lines):
        opening = _FENCE.match(lines[at])
        if opening is None:
            yield from _prose(lines[at])
            at += 1
            continue
        end = _end_of_block(lines, at + 1, opening.group(1))
        yield from _code(lines[at + 1 : end], opening.group(2))
        at = end + 1


def _end_of_block(lines: list[str], at: int, fence: str) -> int:
    """The line of the closing fence; behind the last line where there is none."""
    closing = re.compile(rf"^\s*{re.escape(fence[0])}{{{len(fence)},}}\s*$")
    return next((n for n in range(at, len(lines)) if closing.match(lines[n])), len(lines))


def _code(lines: list[str], language: str) -> Iterator[str]:
    longest = max((len(run) for line in lines for run in re.findall("`+", line)), default=0)
    fence = "`" * max(3, longest + 1)
    yield from ("", f"{fence}{language}", *lines, fence, "")


def _prose(line: str) -> Iterator[str]:
    if _RULE.match(line):
        yield from ("", "---", "")
    elif line.strip():
        yield printable.markdown(line.expandtabs().strip()) + "  "
    else:
        yield ""
