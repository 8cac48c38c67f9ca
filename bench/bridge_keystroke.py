"""What one edit costs the bridge in a file of 1 MB and 30,000 lines, against an empty file.

Both are measured in turns in one run, so the ratios mean something on a busy machine. Own typing is
didChange in, CRDT change out; a remote edit is CRDT event in, edit out, answer and echo back in.

    python bench/bridge_keystroke.py [--limit 5]
"""

import argparse
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from functools import partial

from cm_lsp.sharing.bridge import Bridge
from cm_lsp.sharing.bridge_messages import Authority, Change, RangeChange, SendEdit
from cm_lsp.sharing.client_profiles import STANDARD
from cm_lsp.sharing.positions import Position, PositionEncoding
from cm_lsp.sharing.shared_text import SharedText, shared_text

LINES = 30_000
ROUNDS = 40
KEYS = 25


class Scene:
    """A file, and one caret in it at which somebody types."""

    def __init__(self, text: str, line: int) -> None:
        self.shared: SharedText = shared_text(text)[0]
        self.bridge = Bridge(
            self.shared,
            profile=STANDARD,
            encoding=PositionEncoding.UTF16,
            authority=Authority.EDITOR,
        )
        self.bridge.opened(text, 0, 0)
        self.line = line
        self.byte = len("".join(text.splitlines(keepends=True)[:line]).encode())
        self.typed = 0
        self.version = 0

    def own_key(self) -> None:
        self.version += 1
        at = Position(self.line, self.typed)
        self.typed += 1
        change: Change = RangeChange(at, at, "x")
        assert len(self.bridge.changed(self.version, (change,), 0)) == 1

    def remote_key(self) -> None:
        delta: list[Mapping[str, object]] = [{"retain": self.byte + self.typed}, {"insert": "y"}]
        self.typed += 1
        self.bridge.remote(self.shared.operation_of(delta))
        (sent,) = self.bridge.pump(0)
        assert isinstance(sent, SendEdit)
        self.version += 1
        self.bridge.answered(sent.id, applied=True, version=None, now_ms=0)
        (edit,) = sent.edits
        echo = RangeChange(edit.start, edit.end, edit.text)
        assert self.bridge.changed(self.version, (echo,), 0) == []


def big_file() -> str:
    line = "    total = total + price[index]\n"
    wide = "    name = 'Zoë 😀'  # größer\n"
    lines = [wide if at % 50 == 0 else line for at in range(LINES)]
    text = "".join(lines)
    return text + "#" * (1_000_000 - len(text)) + "\n" if len(text) < 1_000_000 else text


def microseconds(act: Callable[[], None]) -> float:
    begun = time.process_time()
    for _ in range(KEYS):
        act()
    return (time.process_time() - begun) / KEYS * 1e6


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=5.0, help="fails above this ratio")
    limit = parser.parse_args().limit
    text = big_file()
    scenes = {
        "empty": ("", 0),
        "start": (text, 0),
        "middle": (text, LINES // 2),
        "end": (text, LINES),
    }
    kinds = {"own typing": Scene.own_key, "remote edit": Scene.remote_key}
    times: dict[tuple[str, str], list[float]] = {(k, s): [] for k in kinds for s in scenes}
    for _ in range(ROUNDS):
        for kind, act in kinds.items():
            for name, (content, line) in scenes.items():
                scene = Scene(content, line)
                act(scene)
                times[kind, name].append(microseconds(partial(act, scene)))
    worst = 0.0
    print(f"{len(text):,} code points, {LINES:,} lines; median of {ROUNDS} rounds of {KEYS} edits")
    for kind in kinds:
        floor = statistics.median(times[kind, "empty"])
        for name in scenes:
            cost = statistics.median(times[kind, name])
            worst = max(worst, cost / floor)
            print(f"{kind:12s} {name:7s} {cost:8.1f} µs   {cost / floor:5.2f} times empty")
    print(f"worst ratio {worst:.2f}, limit {limit}")
    return int(worst > limit)


if __name__ == "__main__":
    sys.exit(main())
