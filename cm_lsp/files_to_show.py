"""Texts that are shown as files: previews, receipts, patches, notes.

Owns one private folder of the user's cache. A text shown is a copy to read: changing it changes nothing, and names from the
other side never choose where it lies.
"""

import os
import re
from pathlib import Path
from typing import Final

_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")


def write(cache_folder: Path, name: str, text: str) -> str:
    """The address of a file with the text, replacing an older one of the same name."""
    folder = cache_folder / "shown"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / (_UNFIT.sub("-", name).strip(".-")[:100] or "document.txt")
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)
    temporary.replace(place)
    return place.as_uri()
