"""What our plugin adds to the start of Neovim before it is used, by Neovim's own `--startuptime`.

The floor is the same Neovim without the plugin, started in turns with it; what is compared is the time Neovim says it spent
sourcing our files, and beside it the medians of the whole start, for the reader.

    python -m bench.nvim_startup [ROUNDS]
"""

import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from cm_server.demo.neovim import PLUGIN, executable

ROUNDS = 15
ADDED_MS_MAX = 1.0
_LINE = re.compile(r"^(?P<clock>[\d.]+)\s+(?P<total>[\d.]+)(?:\s+(?P<own>[\d.]+))?: (?P<what>.*)$")


def start(folder: Path, *, plugin: bool) -> tuple[float, float]:
    """Milliseconds of the whole start, and of it in our files."""
    log = folder / "startup.log"
    log.unlink(missing_ok=True)
    ours = ["--cmd", f"set runtimepath^={PLUGIN}"] if plugin else []
    words = [str(executable()), "--clean", "-n", "--headless", *ours]
    subprocess.run([*words, "--startuptime", str(log), "+qall!"], check=True, capture_output=True)
    whole = added = 0.0
    for line in log.read_text().splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        whole = max(whole, float(found["clock"]))
        if str(PLUGIN) in found["what"] or "codementor" in found["what"]:
            added += float(found["own"] or found["total"])
    return whole, added


def main() -> int:
    if executable() is None:
        print("nvim startup: there is no Neovim here; nothing measured")
        return 0
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else ROUNDS
    bare, with_plugin, added = [], [], []
    with tempfile.TemporaryDirectory() as name:
        for _ in range(rounds):
            bare.append(start(Path(name), plugin=False)[0])
            whole, ours = start(Path(name), plugin=True)
            with_plugin.append(whole)
            added.append(ours)
    assert min(added) > 0, "the plugin was not sourced"
    took = statistics.median(added)
    print(
        f"nvim startup: the plugin's files take {took:.2f} ms (at most {ADDED_MS_MAX}); whole start "
        f"{statistics.median(with_plugin):.1f} ms with it, {statistics.median(bare):.1f} ms without"
    )
    return int(took > ADDED_MS_MAX)


if __name__ == "__main__":
    sys.exit(main())
