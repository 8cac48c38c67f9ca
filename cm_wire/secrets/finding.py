"""One secret in a text. The reader would guess that it holds the secret: it does not, only where it is."""

from typing import NamedTuple


class Finding(NamedTuple):
    """Code points `start` up to, not including, `end` of the text that was scanned."""

    kind: str
    start: int
    end: int
