"""Real files for a mentor whose editor cannot open shared buffers.

Owns one private folder for each session and process, made for this user alone and removed at the end. The files are a view:
what counts is the shared text, so nothing is read back from here. Files that tools run by themselves are never put on the
disk. What a crash leaves is removed at the next start: a folder belongs to whoever holds the lock beside it, and the
system lets go of a lock when its process dies, however it dies.
"""

import contextlib
import os
import shutil
import sys
from pathlib import Path
from typing import Final

from cm_wire import paths
from cm_wire.ids import FilePath, SessionId

if sys.platform != "win32":
    import fcntl

LEFTOVER_SECONDS: Final = 24 * 3600
"""Where there is no lock to ask, a folder that is older is nobody's: no session lasts as long."""


class Mirror:
    def __init__(self, cache_folder: Path, session_id: SessionId) -> None:
        """`session_id` is the server's: checked by its form before it names a folder."""
        self._folder = cache_folder / "mirrors" / f"{session_id}-{os.getpid()}"
        self._lock: int | None = None

    def put(self, path: FilePath, text: str) -> str | None:
        """Write a file for the editor to open; its address, or None where it must not be on the disk."""
        if paths.is_auto_run(path):
            return None
        self._own()
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
        if self._lock is not None:
            _lock_of(self._folder).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def _own(self) -> None:
        """The lock stands before the folder does, so that no start in between takes the folder for a leftover."""
        if self._lock is None:
            self._folder.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = _locked(_lock_of(self._folder))


def remove_leftovers(cache_folder: Path, now: float) -> None:
    """Mirrors of processes that ended without removing them. `now` as in a file's time."""
    with contextlib.suppress(OSError):
        for folder in (cache_folder / "mirrors").iterdir():
            if folder.is_dir() and _is_nobodys(folder, now):
                shutil.rmtree(folder, ignore_errors=True)
                _lock_of(folder).unlink(missing_ok=True)


def _is_nobodys(folder: Path, now: float) -> bool:
    if sys.platform == "win32" or not _lock_of(folder).exists():
        return now - folder.stat().st_mtime > LEFTOVER_SECONDS
    lock = _locked(_lock_of(folder))
    if lock is None:
        return False
    os.close(lock)
    return True


def _lock_of(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.lock")


def _locked(file: Path) -> int | None:
    """A handle that holds the lock for as long as it is open; None while another process has it."""
    handle = os.open(file, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
    if sys.platform != "win32":
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(handle)
            return None
    return handle
