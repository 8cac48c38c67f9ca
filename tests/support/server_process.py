"""The real `cm-server`, as a process of its own on a free port."""

import os
import re
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

START_SECONDS = 30


def environment(**more: str) -> dict[str, str]:
    """Ours without settings of whoever runs the tests, so that a test means the same everywhere."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("CM_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


def cm_server(
    *words: str, data: Path, before: Sequence[str] = (), **more: str
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end; `before` are words that start it otherwise."""
    return subprocess.run(
        [*before, sys.executable, "-m", "cm_server", *words],
        stdin=subprocess.DEVNULL,
        env=environment(CM_DATA_FOLDER=str(data), **more),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@dataclass
class ServerProcess:
    """A server that answers. `printed` is what it said until then; `address` is its root."""

    process: subprocess.Popen[str]
    log: IO[str]
    address: str = ""
    printed: list[str] = field(default_factory=list)

    def stop(self, sig: signal.Signals = signal.SIGINT) -> int:
        self.process.send_signal(sig)
        return self.process.wait(timeout=15)

    def kill(self) -> None:
        """As a power cut would, for the process."""
        self.process.kill()
        self.process.wait(timeout=5)

    def logged(self) -> str:
        self.log.seek(0)
        return self.log.read()


@contextmanager
def running(
    data: Path, words: Sequence[str] = (), settings: Mapping[str, str] | None = None
) -> Iterator[ServerProcess]:
    """Start it and wait until it serves; it is gone afterwards however the test ends."""
    with tempfile.TemporaryFile("w+") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "cm_server", "run", "--port", "0", *words],
            env=environment(CM_DATA_FOLDER=str(data), **(settings or {})),
            stdout=subprocess.PIPE,
            stderr=log,
            stdin=subprocess.DEVNULL,
            text=True,
        )
        server = ServerProcess(process, log)
        try:
            _wait_until_serving(server)
            yield server
        finally:
            if process.poll() is None:
                process.kill()
                process.wait(timeout=5)
            assert process.stdout is not None
            process.stdout.close()


def _wait_until_serving(server: ServerProcess) -> None:
    assert server.process.stdout is not None
    for line in server.process.stdout:
        server.printed.append(line.rstrip("\n"))
        if found := re.match(r"Serving on (http://\S+);", line):
            server.address = found[1]
            return
    raise AssertionError(f"The server ended at once:\n{server.logged()}")
