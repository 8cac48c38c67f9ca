"""Runs a module of the tests in a process of its own: what it does may end the process."""

import subprocess
import sys


def run_module(
    module: str, *arguments: str, timeout_seconds: float = 110
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout_seconds,
        check=False,
    )
