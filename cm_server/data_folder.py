"""The folder a server keeps its things in: made private, and used by one process at a time.

Owns: making and locking it, and a small file of secrets inside. Does not own the database in it.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

LOCK_NAME: Final = "in-use"


class DataFolderUnusable(Exception):  # noqa: N818 - reads as what happened
    """The folder cannot be used; the message says why and names it."""


class DataFolderInUse(Exception):  # noqa: N818 - reads as what happened
    """Another process serves from it."""


def prepare(folder: Path) -> bool:
    """Make sure the folder is there and ours to write; says whether it was made now."""
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=False)
    except FileExistsError:
        if not folder.is_dir():
            raise DataFolderUnusable(f"The data folder {folder} is a file.") from None
        if not os.access(folder, os.W_OK | os.X_OK):
            raise DataFolderUnusable(f"The data folder {folder} is not writable.") from None
        return False
    except OSError as error:
        raise DataFolderUnusable(
            f"The data folder {folder} cannot be made: {error.strerror}."
        ) from error
    return True


@contextmanager
def used_alone(folder: Path) -> Iterator[None]:
    """Hold the folder for this process. The kernel lets go when it ends, however it ends: no lock is ever stale."""
    descriptor = os.open(folder / LOCK_NAME, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip()
            raise DataFolderInUse(
                f"The data folder {folder} is in use by process {holder}."
            ) from None
        os.truncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        yield
    finally:
        os.close(descriptor)


def write_private(path: Path, text: str) -> None:
    """Replace a file whole, readable by its owner only; half a file is never seen."""
    fresh = path.with_name(path.name + ".new")
    fresh.unlink(missing_ok=True)
    descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)
