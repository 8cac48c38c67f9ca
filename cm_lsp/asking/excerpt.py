"""The part of a document that an ask sends: the selection, and as much around it as is allowed, without secrets.

Pure. What the user chose is refused by name where it breaks a limit; what we chose, the surroundings, ends there. Secrets
go before anything is cut, and are looked for in more lines than are sent: the half of a private key at an edge would not be
known for one.
"""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import msgspec

from cm_lsp.asking.not_secrets import Redacting
from cm_wire import faults, limits
from cm_wire.asking import Excerpt, Place, Span
from cm_wire.ids import FilePath
from cm_wire.secrets import scan

FRAME_BYTES: Final = limits.CONTROL_FRAME_BYTES_MAX - 8 * 1024
"""What an ask's context may take as it is sent; the rest is for the terms around it."""
_KEY_LINES: Final = 300
_KEY_BYTES: Final = 32 * 1024
_UNREADABLE_MIN: Final = 8
_UNREADABLE_SHARE_MAX: Final = 0.05
_UNREADABLE: Final = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f-\x84\x86-\x9f\ufffd]")
_LINE_END: Final = "\n"
_NOTHING: Final = re.compile(r"[\s\"'`=:;,(){}\[\]<>#/*\\-]*")


@dataclass(frozen=True, slots=True)
class Surrounded:
    """The selected lines with those around them, redacted. Lines are the file's, from `first_line` on."""

    first_line: int
    lines: tuple[str, ...]
    _redacted: scan.Redacted
    _before: tuple[str, ...]

    def place(self, given: Place) -> Place:
        """A place of the file in the text as sent: columns behind a secret have moved."""
        index = given.line - self.first_line
        if not 0 <= index < len(self.lines):
            return given
        starts_before = sum(len(line) + 1 for line in self._before[:index])
        starts_now = sum(len(line) + 1 for line in self.lines[:index])
        column = min(given.column, len(self._before[index]))
        return Place(given.line, self._redacted.moved(starts_before + column) - starts_now)

    def span(self, given: Span) -> Span:
        return Span(self.place(given.start), self.place(given.end))

    def replaced(self, first: int, last: int) -> list[tuple[str, str, str]]:
        """Kind, text and place of each secret of the file's lines `first` to `last`."""
        begin = sum(len(line) + 1 for line in self._before[: first - self.first_line])
        end = sum(len(line) + 1 for line in self._before[: last - self.first_line + 1])
        text = "\n".join(self._before)
        number = self.first_line + 1
        return [
            (kind, text[start:stop], f"line {number + text[:start].count(_LINE_END)}")
            for kind, start, stop in self._redacted.findings
            if start < end and stop > begin
        ]


def surrounded(
    lines: Sequence[str], selection: Span, wanted: int, redacting: Redacting
) -> Surrounded:
    """Take out the selection and up to `wanted` lines on each side, and what secrets they hold.

    Raises `faults.Refused` (`too-large`, `not-text`) for a selection that cannot be sent.
    """
    first, last = selection.start.line, min(selection.end.line, len(lines) - 1)
    _check_selection(lines[first : last + 1], first)
    room = limits.SELECTION_BYTES_MAX + limits.SURROUNDINGS_BYTES_MAX
    above, below = _grown(lines, (first, last), wanted, room, _bytes)
    above, below = _grown(lines, (above, below), _KEY_LINES, _KEY_BYTES, _bytes)
    before = tuple(lines[above : below + 1])
    redacted = redacting.redacted("\n".join(before), "the code")
    return Surrounded(above, tuple(redacted.text.split("\n")), redacted, before)


def cut(
    around: Surrounded,
    selection: Span,
    *,
    path: FilePath,
    language_id: str,
    wanted: int,
    frame_bytes: int,
    redacting: Redacting,
) -> Excerpt:
    """The selection with as many of the lines around it as the limits leave room for."""
    lines, offset = around.lines, around.first_line
    first, last = selection.start.line - offset, selection.end.line - offset
    last = min(last, len(lines) - 1)
    selected = sum(_bytes(line) for line in lines[first : last + 1])
    as_sent = sum(_bytes_as_sent(line) for line in lines[first : last + 1])
    if selected > limits.SELECTION_BYTES_MAX:
        raise _selection_refused("bytes", limits.SELECTION_BYTES_MAX, selected)
    if as_sent > frame_bytes:
        raise _selection_refused("bytes as it is sent", frame_bytes, as_sent)
    above, below = _grown(
        lines, (first, last), wanted, limits.SURROUNDINGS_BYTES_MAX - selected, _bytes
    )
    span = first - above, last - above
    less_above, less_below = _grown(
        lines[above : below + 1], span, wanted, frame_bytes - as_sent, _bytes_as_sent
    )
    above, below = above + less_above, above + less_below
    replaced = around.replaced(above + offset, below + offset)
    redacting.took(replaced)
    return Excerpt(
        path=path,
        language_id=language_id,
        text="\n".join(lines[above : below + 1]),
        first_line=above + offset,
        selection=around.span(selection),
        redactions=len(replaced),
    )


def holds_only_a_secret(around: Surrounded, selection: Span) -> bool:
    """Whether nothing but placeholders would be left of what was selected."""
    span = around.span(selection)
    lines = list(around.lines[span.start.line - around.first_line :])
    count = span.end.line - span.start.line + 1
    lines = lines[:count]
    if not lines or selection.start == selection.end:
        return False
    lines[-1] = _whole_placeholder(lines[-1], span.end.column)
    lines[0] = lines[0][span.start.column :]
    selected = "\n".join(lines)
    rest = scan.without_placeholders(selected)
    return bool(scan.placeholders(selected)) and _NOTHING.fullmatch(rest) is not None


def _whole_placeholder(line: str, column: int) -> str:
    """The line up to `column`; a placeholder that begins there stays whole, for its secret was selected in part."""
    begun = next(
        (end for start, end in scan.placeholder_spans(line) if start <= column < end), column
    )
    return line[:begun]


def _grown(
    lines: Sequence[str],
    span: tuple[int, int],
    wanted: int,
    room: int,
    cost: Callable[[str], int],
) -> tuple[int, int]:
    """First and last line after growing by up to `wanted` lines on each side, alternately, while `room` lasts.

    A side ends before a line that no person wrote: one too long, or with a NUL.
    """
    above, below = span
    open_sides = {-1, 1}
    for _ in range(wanted):
        for side in (-1, 1):
            line = above - 1 if side < 0 else below + 1
            if side not in open_sides or not 0 <= line < len(lines):
                continue
            if len(lines[line]) > limits.LINE_CHARACTERS_MAX or "\0" in lines[line]:
                open_sides.discard(side)
                continue
            room -= cost(lines[line])
            if room < 0:
                return above, below
            above, below = min(above, line), max(below, line)
    return above, below


def _bytes(line: str) -> int:
    return len(line.encode()) + 1


def _bytes_as_sent(line: str) -> int:
    return len(msgspec.json.encode(line))


def _check_selection(lines: Sequence[str], first: int) -> None:
    if len(lines) > limits.SELECTION_LINES_MAX:
        raise _selection_refused("lines", limits.SELECTION_LINES_MAX, len(lines))
    for number, line in enumerate(lines, first + 1):
        if len(line) > limits.LINE_CHARACTERS_MAX:
            raise faults.refusal(
                "too-large",
                f"Line {number} has {len(line)} characters, as minified code has; an ask sends at most "
                f"{limits.LINE_CHARACTERS_MAX}.",
                "Ask about the source it was made from, or format it first.",
                field="range",
                limit=limits.LINE_CHARACTERS_MAX,
                got=len(line),
            )
    size = sum(map(_bytes, lines))
    if size > limits.SELECTION_BYTES_MAX:
        raise _selection_refused("bytes", limits.SELECTION_BYTES_MAX, size)
    _check_is_text("\n".join(lines))


def _check_is_text(text: str) -> None:
    if "\0" in text:
        raise faults.refusal(
            "not-text",
            "The selection holds a NUL character, so it is not text.",
            "Select source code.",
            field="range",
        )
    unreadable = len(_UNREADABLE.findall(text))
    if unreadable >= _UNREADABLE_MIN and unreadable > len(text) * _UNREADABLE_SHARE_MAX:
        raise faults.refusal(
            "not-text",
            f"The selection has {unreadable} characters that are no text; the file is binary or in another encoding.",
            "Reopen the file in its own encoding, then ask again.",
            field="range",
            got=unreadable,
        )


def _selection_refused(what: str, limit: int, got: int) -> faults.Refused:
    return faults.refusal(
        "too-large",
        f"The selection has {got} {what}; an ask sends at most {limit}.",
        "Select the part the question is about.",
        field="range",
        limit=limit,
        got=got,
    )
