"""Strings from the other person, made harmless for the place where they are drawn. One function per place.

The other participant is a stranger: their name, chat, notes and file names may carry terminal escapes, bidirectional
controls, statusline code or Markdown. What cannot be seen is shown as a visible token, never dropped, so that a
person sees that something was there.
"""

import re
import unicodedata
from typing import Final

_BIDI: Final = "\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
_INVISIBLE: Final = re.compile(
    f"[\x00-\x08\x0b-\x1f\x7f-\x9f\u00ad\u180e\u200b-\u200d\u2028\u2029\u2060-\u2064\ufeff{_BIDI}\U000e0000-\U000e007f]"
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


def suspicious(text: str) -> bool:
    """Whether `text` has a character that can make code read other than it runs (Trojan Source)."""
    return re.search(f"[{_BIDI}\u200b-\u200d\u2060-\u2064\U000e0000-\U000e007f]", text) is not None


def _token(match: re.Match[str]) -> str:
    return f"⟨U+{ord(match.group()):04X}⟩"
