"""Strings from the other person, made harmless for the place where they are drawn. One function per place.

The other participant is a stranger: their name, chat, notes and file names may carry terminal escapes, bidirectional
controls, statusline code or Markdown. What cannot be seen is shown as a visible token, never dropped, so that a
person sees that something was there.
"""

import re
import unicodedata
from itertools import islice
from typing import Final

_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE: Final = re.compile(
    f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u180e\u200b-\u200d\u2028\u2029\u2060-\u2064\ufeff{_BIDI}\U000e0000-\U000e007f]"
)
_EMOJI: Final = "\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\ufe0f\U0001f000-\U0001faff"
_JOINED: Final = (
    "\u0600-\u08ff\u0900-\u0fff\u1000-\u109f\u1780-\u18af\ua840-\ua87f\ufb50-\ufdff\ufe70-\ufefc"
)
"""Scripts whose letters a joiner or its opposite shapes: Arabic and its kin, those of India, Tibet, Burma, Mongolia."""

_FLAG: Final = re.compile("\U0001f3f4[\U000e0030-\U000e0039\U000e0061-\U000e007a]{3,6}\U000e007f")
"""Of a region, as England's: spelt in letters that are not seen."""

_BELONGS: Final = re.compile(
    f"(?<=[{_EMOJI}])\u200d(?=[{_EMOJI}])"
    f"|(?<=[{_JOINED}])[\u200c\u200d]|[\u200c\u200d](?=[{_JOINED}])"
)
_MARKDOWN: Final = re.compile(r"([\\`*_{}\[\]()#+\-.!|<>~&:])")


def plain(text: str) -> str:
    """For text that keeps its lines (chat, notes): tabs and newlines stay, everything unseen is made visible."""
    return _INVISIBLE.sub(_token, text.replace("\r\n", "\n"))


def line(text: str) -> str:
    """For one line (names, status, menus): as `plain`, and newlines and tabs become visible too."""
    return re.sub(r"[\n\t]", _token, plain(text))


def terminal(text: str) -> str:
    """For a terminal or a log seen in one: no control character survives, so no escape sequence does."""
    return plain(text)


def statusline(text: str) -> str:
    """For Vim-like statuslines, where `%{…}` would run code."""
    return line(text).replace("%", "%%")


def markdown(text: str) -> str:
    """For Markdown of ours around foreign text: no link, image, HTML or emphasis can come of it."""
    return _MARKDOWN.sub(r"\\\1", line(text))


def display_name(name: str, characters_max: int) -> str:
    """A person's name as shown: composed, on one line, bounded, at most four combining marks in a row."""
    composed = unicodedata.normalize("NFKC", name).strip()
    bounded = re.sub(
        r"((?:[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]){4})[\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff]+",
        r"\1",
        composed,
    )
    return line(bounded)[:characters_max] or "someone"


def hidden(text: str, most: int = 64) -> tuple[tuple[int, str], ...]:
    """Where `text` has a character that can make it read other than it is (Trojan Source), and which; the first `most`.

    Not where it belongs to what is written: in an emoji, or beside a letter that it shapes.
    """
    shown = _FLAG.sub(lambda flag: " " * len(flag.group()), text)
    found = (
        (match.start(), match.group())
        for match in _INVISIBLE.finditer(shown)
        if match.group() != "\r" and not _BELONGS.match(shown, match.start())
    )
    return tuple(islice(found, most))


def unseen(text: str) -> frozenset[str]:
    """Which characters `hidden` would judge: one key alone says nothing without its neighbours."""
    return frozenset(_INVISIBLE.findall(text)) - {"\r"}


def code_point(character: str) -> str:
    return f"U+{ord(character):04X}"


def _token(match: re.Match[str]) -> str:
    return f"⟨{code_point(match.group())}⟩"
