"""What opening an editor costs: `cm-lsp` from start to its answer to `initialize`, against bare pygls.

The floor is `python -c "import pygls.lsp.server"`: what any language server on this library pays. Both are timed as whole
processes, in turns, and the best of each counts: everything else is the machine's noise.

    python -m bench.lsp_start [ROUNDS]
"""

import os
import subprocess
import sys
import tempfile
import time

ROUNDS = 7
RATIO_MAX = 2.5
"""More than this over the floor and something heavy has crept into the start."""


def floor_seconds() -> float:
    began = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import pygls.lsp.server"], check=True)
    return time.perf_counter() - began


def start_seconds(cache: str) -> float:
    """From starting the process to the last byte of its answer."""
    body = (
        '{"jsonrpc": "2.0", "id": 1, "method": "initialize", '
        '"params": {"processId": null, "capabilities": {}, "rootUri": null}}'
    )
    began = time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "cm_lsp"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env={**os.environ, "XDG_CACHE_HOME": cache, "CM_TOKEN": ""},
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n{body}".encode())
    process.stdin.flush()
    length = int(process.stdout.readline().split(b":")[1])
    while process.stdout.readline().strip():
        pass
    process.stdout.read(length)
    took = time.perf_counter() - began
    process.stdin.close()
    process.stdout.close()
    process.wait()
    return took


def main() -> int:
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    floors, starts = [], []
    with tempfile.TemporaryDirectory() as cache:
        for _ in range(rounds):
            floors.append(floor_seconds())
            starts.append(start_seconds(cache))
    floor, start = min(floors), min(starts)
    ratio = start / floor
    print(
        f"lsp start: cm-lsp {start * 1000:.0f} ms to initialize, "
        f"bare pygls import {floor * 1000:.0f} ms, ratio {ratio:.2f} (at most {RATIO_MAX})"
    )
    return 0 if ratio <= RATIO_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
