"""Private keys that run over many lines: PEM (also OpenSSH's and PGP's) and PuTTY's.

They are found also where only one end is in the text, as happens to a selection: each end marks the lines of base64 beside it.
"""

import re
from collections.abc import Iterator
from typing import Final

from cm_wire.secrets.finding import Finding

_FRAME: Final = re.compile(
    r"-----(?P<side>BEGIN|END) (?P<what>[A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?)-----"
)
_PUTTY: Final = re.compile(r"Private-Lines: [0-9]{1,4}")
_BODY_LINE: Final = re.compile(r"[\s\"'+\\nr#/*;,>|]*[A-Za-z0-9+/=]{16,}[\s\"'+\\nr;,]*")
_BODY: Final = re.compile(r"[A-Za-z0-9+/=]{30}")
_BODY_CHARACTERS_MAX: Final = 32 * 1024
"""An RSA key of 16,384 bits has 13 kB."""


def find(text: str) -> Iterator[Finding]:
    """Every private key, from its frame's first character to its last."""
    if "PRIVATE KEY" in text:
        yield from _framed(text)
    if "Private-Lines:" in text:
        for match in _PUTTY.finditer(text):
            yield Finding("private-key", match.start(), _end_of_body(text, match.end()))


def _framed(text: str) -> Iterator[Finding]:
    begin: re.Match[str] | None = None
    floor = 0
    for frame in _FRAME.finditer(text):
        if begin is not None:
            closes = frame["side"] == "END"
            end = frame.end() if closes else _end_of_body(text, begin.end())
            yield from _key(text, begin.start(), end, begin.end(), frame.start())
        elif frame["side"] == "END":
            start = _start_of_body(text, frame.start(), floor)
            yield from _key(text, start, frame.end(), start, frame.start())
        begin = frame if frame["side"] == "BEGIN" else None
        floor = frame.end()
    if begin is not None:
        end = _end_of_body(text, begin.end())
        yield from _key(text, begin.start(), end, begin.end(), end)


def _key(text: str, start: int, end: int, body_start: int, body_end: int) -> Iterator[Finding]:
    """A frame around nothing, or around dots, only talks about keys."""
    if body_end - body_start <= _BODY_CHARACTERS_MAX and _BODY.search(text, body_start, body_end):
        yield Finding("private-key", start, end)


def _end_of_body(text: str, end: int) -> int:
    """Where the lines of base64 after `end` stop."""
    limit = min(len(text), end + _BODY_CHARACTERS_MAX)
    next_frame = text.find("-----", end, limit)
    limit = limit if next_frame < 0 else next_frame
    at = text.find("\n", end, limit)
    if at < 0:
        return limit
    while at < limit:
        stop = text.find("\n", at + 1, limit)
        stop = limit if stop < 0 else stop
        if not _is_body(text, at + 1, stop):
            return at
        at = stop
    return limit


def _start_of_body(text: str, start: int, floor: int) -> int:
    """Where the lines of base64 before `start` begin, `floor` being the end of the frame before."""
    limit = max(floor, start - _BODY_CHARACTERS_MAX)
    at = text.rfind("\n", limit, start)
    while at > limit:
        before = text.rfind("\n", limit, at)
        if not _is_body(text, before + 1, at):
            return at + 1
        at = before
    return limit


def _is_body(text: str, start: int, end: int) -> bool:
    """A line of base64, an empty one, or a header of a PEM body."""
    line = text[start : min(end, start + 200)].strip()
    if not line or line.startswith(("Proc-Type:", "DEK-Info:", "Version:", "Comment:")):
        return True
    return _BODY_LINE.fullmatch(line) is not None or (len(line) < 64 and line.endswith("="))
