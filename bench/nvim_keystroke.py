"""From a key pressed in one real Neovim to the text in the other's buffer, and what bare messages cost on the same way.

Two Neovims with our plugin hold a session on a real server; keys go in through the input path, one at a time, and the
other Neovim notes when its buffer changed. The floor is sent between the keys, in turns: a message each from this process to
a Neovim and back, which crosses no editor state at all. Clocks are CLOCK_MONOTONIC everywhere, so times compare.

    python -m bench.nvim_keystroke [KEYS]
"""

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cm_server.demo import screenplay, stage
from cm_server.demo.neovim import Neovim, wait_until

KEYS = 150
PAUSE_SECONDS = 0.06
"""Between keys, as a fast typist."""

P99_MS_MAX = 250.0
"""Above this a person sees letters trail; the machine's own noise has room in it."""

_NOTE_CHANGES = """
changed_at = {}
vim.api.nvim_buf_attach(0, false, {
  on_lines = function()
    changed_at[#changed_at + 1] = tostring(vim.uv.hrtime())
  end,
})
"""


def quiet(who: str, what: str) -> None:
    """The play's narration is not wanted here."""


@contextmanager
def session() -> Iterator[stage.Stage]:
    with stage.set_up(1, watch=False) as scene:
        for step in (
            screenplay.meet,
            screenplay.ask,
            screenplay.accept,
            screenplay.see_each_other,
            screenplay.start_the_meter,
        ):
            step(scene, quiet)
        scene.learner.command("Codementor mode live")
        wait_until(lambda: screenplay.session_of(scene.mentor, "mode") == "live", "live mode")
        yield scene


def echo_ms(editor: Neovim) -> float:
    began = time.monotonic_ns()
    editor.lua("return 1")
    return (time.monotonic_ns() - began) / 1e6


def key_ms(here: Neovim, there: Neovim, key: str) -> float:
    """There and visible in the buffer, whatever this process does in between."""
    before = there.lua("return #changed_at")
    began = time.monotonic_ns()
    here.press(key)
    wait_until(lambda: there.lua("return #changed_at") > before, f"{key!r} in the other editor")
    arrived = int(there.lua("return changed_at[...]", before + 1))
    return (arrived - began) / 1e6


def measure(here: Neovim, there: Neovim, keys: int) -> tuple[list[float], list[float]]:
    there.lua(_NOTE_CHANGES)
    here.press("ggO")
    time.sleep(1)
    typed, echoes = [], []
    for at in range(keys):
        echoes.append(echo_ms(there))
        typed.append(key_ms(here, there, "abcdefghij"[at % 10]))
        time.sleep(PAUSE_SECONDS)
    here.press("<Esc>")
    return typed, echoes


def percentiles(times: list[float]) -> tuple[float, float]:
    cuts = statistics.quantiles(times, n=100)
    return cuts[49], cuts[98]


def main() -> int:
    keys = int(sys.argv[1]) if len(sys.argv) > 1 else KEYS
    why_not = stage.missing()
    if why_not:
        print(f"nvim keystroke: {why_not}; nothing measured")
        return 0
    worst = 0.0
    with session() as scene:
        ways = {
            "learner to mentor": (scene.learner, scene.mentor),
            "mentor to learner": (scene.mentor, scene.learner),
        }
        for name, (here, there) in ways.items():
            typed, echoes = measure(here, there, keys)
            middle, high = percentiles(typed)
            floor, floor_high = percentiles(echoes)
            worst = max(worst, high)
            print(
                f"{name}: p50 {middle:.1f} ms, p99 {high:.1f} ms; "
                f"one bare message and back p50 {floor:.1f} ms, p99 {floor_high:.1f} ms ({keys} keys)"
            )
    print(f"worst p99 {worst:.0f} ms, limit {P99_MS_MAX:.0f}")
    return int(worst > P99_MS_MAX)


if __name__ == "__main__":
    sys.exit(main())
