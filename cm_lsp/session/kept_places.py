"""Where on this machine the learner's shared files are, for another editor of theirs: after a restart, or a second window.

A path in a session does not say which folder it came from. Without this a window of another project would take its own file
of that name for the shared one. Owns one private file for each session, of this user alone.
"""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from cm_wire.ids import FilePath, SessionId

LEFTOVER_SECONDS: Final = 24 * 3600
"""No session lasts as long."""


class KeptPlaces:
    def __init__(self, cache_folder: Path, session_id: SessionId) -> None:
        """`session_id` is the server's: checked by its form before it names a file."""
        self._file = cache_folder / "places" / f"{session_id}.json"

    def keep(self, path: FilePath, uri: str) -> None:
        """That it could not be written costs an editor that comes back a guess, and nothing else."""
        kept = {**self.all(), path: uri}
        with contextlib.suppress(OSError):
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = self._file.with_suffix(f".{os.getpid()}")
            temporary.unlink(missing_ok=True)
            handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
            with os.fdopen(handle, "wb") as file:
                file.write(msgspec.json.encode(kept))
            temporary.replace(self._file)

    def all(self) -> Mapping[FilePath, str]:
        """Addresses by path; empty where nothing was kept, or what was kept cannot be read."""
        try:
            return msgspec.json.decode(self._file.read_bytes(), type=dict[FilePath, str])
        except (OSError, msgspec.DecodeError):
            return {}


def remove_leftovers(cache_folder: Path, now: float) -> None:
    """Those of sessions that are long over. `now` as in a file's time."""
    with contextlib.suppress(OSError):
        for file in (cache_folder / "places").iterdir():
            if now - file.stat().st_mtime > LEFTOVER_SECONDS:
                file.unlink()
