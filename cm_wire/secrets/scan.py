"""Find the secrets of a text, and write the text without them.

The only door of this package for texts. Time grows with the length of the text alone: every search starts from a literal
and looks at a bounded stretch. What a reader would guess wrong: a text keeps its lines when its secrets go, so line
numbers still fit; what stands behind a secret in its line moves, and `Redacted.moved` says where to.
"""

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import Final

from cm_wire.secrets import blocks, named_values, providers
from cm_wire.secrets.finding import Finding

PIECE_CHARACTERS: Final = 64 * 1024
OVERLAP_CHARACTERS: Final = 8 * 1024
"""More than any secret has, but for private keys, which are looked for in the whole text."""

_PLACEHOLDER: Final = re.compile(r"⟨secret:[a-z0-9-]{1,40}⟩")
_GENERIC: Final = frozenset({"token", "password"})

IsOver = Callable[[], bool]
IsKept = Callable[[str], bool]
"""Of the whole text of a finding: whether it is no secret, by the word of whose it would be."""


class TookTooLongError(Exception):
    """The time for a scan was over before its end: nothing is known about the text."""


@dataclass(frozen=True, slots=True)
class Redacted:
    """`text` with a placeholder for each of `findings`, which name places in the text before."""

    text: str
    findings: tuple[Finding, ...]
    _moves: tuple[tuple[int, int, int, int], ...]
    """For each placeholder: where its secret began and ended, and where it begins and ends itself."""

    def moved(self, offset: int) -> int:
        """Where a place of the text before is now; inside a secret it is the beginning of the placeholder."""
        index = bisect_right(self._moves, offset, key=itemgetter(0)) - 1
        if index < 0:
            return offset
        _, end, new_start, new_end = self._moves[index]
        return new_start if offset < end else new_end + offset - end


def find(text: str, is_over: IsOver | None = None) -> tuple[Finding, ...]:
    """Every secret, in order, none touching another. Raises `TookTooLongError` once `is_over` says so."""
    found = list(blocks.find(text))
    for begin in range(
        0, max(1, len(text) - OVERLAP_CHARACTERS), PIECE_CHARACTERS - OVERLAP_CHARACTERS
    ):
        if is_over is not None and is_over():
            raise TookTooLongError
        piece = text[begin : begin + PIECE_CHARACTERS]
        found += (
            Finding(kind, begin + start, begin + end)
            for kind, start, end in chain(providers.find(piece), named_values.find(piece))
        )
    return tuple(_merged(found))


def nothing_is_kept(_: str) -> bool:
    """The usual: what was found is a secret."""
    return False


def redacted(
    text: str, is_over: IsOver | None = None, is_kept: IsKept = nothing_is_kept
) -> Redacted:
    """`text` with `⟨secret:KIND⟩` in place of each secret; one for each line of a secret that has several.

    Those of which `is_kept` says so stay as they are, and are no findings.
    """
    found = find(text, is_over)
    findings = tuple(one for one in found if not is_kept(text[one.start : one.end]))
    parts: list[str] = []
    moves: list[tuple[int, int, int, int]] = []
    taken, length = 0, 0
    for kind, start, end in _by_line(text, findings):
        placeholder = f"⟨secret:{kind}⟩"
        begin = length + start - taken
        length = begin + len(placeholder)
        moves.append((start, end, begin, length))
        parts += text[taken:start], placeholder
        taken = end
    return Redacted("".join([*parts, text[taken:]]), findings, tuple(moves))


def placeholders(text: str) -> list[str]:
    """The placeholders of a redacted text, in order."""
    return _PLACEHOLDER.findall(text)


def placeholder_spans(text: str) -> list[tuple[int, int]]:
    """Where the placeholders of a redacted text begin and end."""
    return [match.span() for match in _PLACEHOLDER.finditer(text)]


def without_placeholders(text: str) -> str:
    """What of a redacted text is not a secret."""
    return _PLACEHOLDER.sub("", text)


def lines_of(text: str, finding: Finding) -> list[str]:
    """What stands in each line of the secret, as a placeholder would replace it."""
    return [text[start:end] for _, start, end in _by_line(text, (finding,))]


def _merged(found: list[Finding]) -> Iterator[Finding]:
    """Findings that overlap or touch become one, named after a provider where one is known."""
    found.sort(key=lambda finding: (finding.start, -finding.end))
    merged: Finding | None = None
    for finding in found:
        if merged is None or finding.start > merged.end:
            if merged is not None:
                yield merged
            merged = finding
            continue
        kind = finding.kind if merged.kind in _GENERIC else merged.kind
        merged = Finding(kind, merged.start, max(merged.end, finding.end))
    if merged is not None:
        yield merged


def _by_line(text: str, findings: tuple[Finding, ...]) -> Iterator[Finding]:
    for kind, start, end in findings:
        at = start
        for line in text[start:end].split("\n"):
            if line.strip():
                yield Finding(kind, at, at + len(line))
            at += len(line) + 1
