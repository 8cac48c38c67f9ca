"""Real files for a mentor whose editor cannot open shared buffers.

Owns one private folder per session, made for this user alone and removed at the end. The files are a view: what counts
is the shared text, so nothing is read back from here. Files that tools run by themselves are never put on the disk.
"""

import contextlib
import os
import shutil
from pathlib import Path
from typing import Final

from cm_wire import paths
from cm_wire.ids import FilePath, SessionId

LEFTOVER_SECONDS: Final = 24 * 3600


class Mirror:
    def __init__(self, cache_folder: Path, session_id: SessionId) -> None:
        """`session_id` is the server's: checked by its form before it names a folder."""
        self._folder = cache_folder / "mirrors" / session_id

    def put(self, path: FilePath, text: str) -> str | None:
        """Write a file for the editor to open; its address, or None where it must not be on the disk."""
        if paths.is_auto_run(path):
            return None
        place = self._folder.joinpath(*path.split("/"))
        place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._folder.chmod(0o700)
        with contextlib.suppress(FileNotFoundError):
            place.unlink()
        handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            file.write(text)
        return place.as_uri()

    def take_away(self, path: FilePath) -> None:
        """The file is shared no more; what the mentor's editor has open of it stays on their screen alone."""
        if not paths.is_auto_run(path):
            self._folder.joinpath(*path.split("/")).unlink(missing_ok=True)

    def remove(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)


def remove_leftovers(cache_folder: Path, now: float) -> None:
    """Mirrors of sessions that ended while no editor was there to remove them. `now` as in a file's time.

    Younger ones may belong to another editor of this user: no session lasts as long as `LEFTOVER_SECONDS`.
    """
    with contextlib.suppress(OSError):
        for folder in (cache_folder / "mirrors").iterdir():
            if now - folder.stat().st_mtime > LEFTOVER_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
