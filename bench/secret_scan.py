"""What finding secrets costs, beside one plain pass of a regular expression over the same text.

    python -m bench.secret_scan [FOLDER …]

Prints CPU milliseconds per 500 lines for ordinary code, for code with a secret in it every few lines, and for hostile lines, and
fails when ordinary code takes more than the 15 ms that an ask may spend on it. For folders that are given it
prints how many lines there are for each finding: in code without secrets, the rate of false alarms.
"""

import re
import statistics
import sys
import sysconfig
import time
from collections.abc import Callable
from pathlib import Path

from cm_wire.secrets import scan
from tests.support import planted_secrets

LINES = 500
MS_MAX = 15.0
ROUNDS = 7
WORDS = re.compile(r"\w+")
SOURCE = {".py", ".js", ".ts", ".go", ".rs", ".java", ".c", ".h", ".cpp", ".rb", ".pm", ".lua", ".sh", ".vim", ".md", ".yml"}  # fmt: skip


def main() -> int:
    print(
        f"{'500 lines of':28} {'plain re':>9} {'scan p50':>9} {'scan p99':>9} {'ratio':>6}   (CPU ms)"
    )
    p99_ms = _measured("ordinary code", _ordinary())
    _measured("code full of secrets", _planted())
    _measured("hostile lines of 80", ["password=password: token " * 3 + "\n"] * LINES * 4)
    for folder in sys.argv[1:]:
        _print_alarms(Path(folder))
    return 0 if p99_ms <= MS_MAX else 1


def _measured(name: str, lines: list[str]) -> float:
    texts = ["".join(lines[at : at + LINES]) for at in range(0, len(lines) - LINES + 1, LINES)]
    plain, scanned = [], []
    for text in texts:
        plain.append(_cpu_ms(lambda text=text: WORDS.findall(text)))  # type: ignore[misc]
        scanned.append(_cpu_ms(lambda text=text: scan.find(text)))  # type: ignore[misc]
    scanned.sort()
    p50, p99 = statistics.median(scanned), scanned[len(scanned) * 99 // 100]
    ratio = p50 / statistics.median(plain)
    print(f"{name:28} {statistics.median(plain):9.2f} {p50:9.2f} {p99:9.2f} {ratio:6.1f}")
    return p99


def _cpu_ms(act: Callable[[], object]) -> float:
    best = float("inf")
    for _ in range(ROUNDS):
        begin = time.process_time_ns()
        act()
        best = min(best, (time.process_time_ns() - begin) / 1e6)
    return best


def _ordinary() -> list[str]:
    """A hundred stretches from all over the standard library."""
    files = sorted(Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    lines = "".join(path.read_text() for path in files).splitlines(keepends=True)
    step = max(LINES, len(lines) // 100)
    return [line for at in range(0, len(lines), step) for line in lines[at : at + LINES]]


def _planted() -> list[str]:
    texts = (planted.text for planted in planted_secrets.cases(1, 2_000))
    return "".join(texts).splitlines(keepends=True)


def _print_alarms(folder: Path) -> None:
    lines = findings = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix not in SOURCE or not path.is_file() or path.is_symlink():
            continue
        text = path.read_text(errors="replace")
        lines += text.count("\n")
        findings += len(scan.find(text))
    print(
        f"{lines} lines of {folder.name}: {findings} findings, one in {lines // max(1, findings)}"
    )


if __name__ == "__main__":
    sys.exit(main())
