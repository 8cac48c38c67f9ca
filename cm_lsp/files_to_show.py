"""Texts that are shown as files: previews, receipts, patches, notes.

Owns one private folder of the user's cache. A text shown is a copy to read: changing it changes nothing, and names from the
other side never choose where it lies. What a reader would guess wrong: a text that has changed is another file. Editors do not
read a file anew that they show already, and an old preview beside a question about a new one would be a lie.
"""

import contextlib
import hashlib
import os
import re
from pathlib import Path
from typing import Final

KEPT_OF_A_NAME: Final = 5
"""Older ones go: an editor may still show some of them."""

_UNFIT: Final = re.compile(r"[^A-Za-z0-9._-]+")


def write(cache_folder: Path, name: str, text: str) -> str:
    """The address of a file with the text; the same for the same text, and else one that no editor shows yet."""
    shown = cache_folder / "shown"
    name = _UNFIT.sub("-", name).strip(".-")[:100] or "document.txt"
    told = text.encode(errors="replace")
    folder = shown / hashlib.blake2b(told, digest_size=6).hexdigest()
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    place = folder / name
    temporary = place.with_name(f".{place.name}.{os.getpid()}")
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(told)
    temporary.replace(place)
    _remove_older(shown, place)
    return place.as_uri()


def _remove_older(shown: Path, place: Path) -> None:
    """Another editor of this user may do the same at the same time."""
    with contextlib.suppress(OSError):
        others = [one for one in shown.glob(f"*/{place.name}") if one != place]
        others.sort(key=lambda one: one.stat().st_mtime_ns, reverse=True)
        for one in others[KEPT_OF_A_NAME - 1 :]:
            one.unlink()
            one.parent.rmdir()
