"""From the learner's command to the offer on the mentor's screen, beside a bare round trip to the same server.

    python -m bench.first_offer [--asks 60] [--limit 150]

The real server on a socket, with SQLite on disk and payments by the embedded service, and two real `cm-lsp` before
editors that know nothing of us. An ask goes learner's editor → cm-lsp → server (checked, searched for secrets, written, the
money held, ranked, offered) → mentor's cm-lsp → editor, which opens the preview first and then puts the question. The bare
round trip is a heartbeat on the control channel. Fails past `--limit` times that at the median, or where nothing comes in 5 s.
"""

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from cm_server.clock import SystemClock
from tests.support import fake_editor, world
from tests.support.fake_editor import FakeEditor
from tests.support.waiting import until
from tests.support.world import World

CODE = "import asyncio\n\n\nasync def main():\n    print('hello')\n\n\nasyncio.run(main)\n"
RANGE = {"start": {"line": 7, "character": 0}, "end": {"line": 7, "character": 17}}


class Screens:
    """When the mentor saw an offer; both say no to everything, so that the next ask is as the first."""

    def __init__(self) -> None:
        self.offered_at: float | None = None
        self.is_over = False

    def seconds_after(self, begun: float) -> float:
        assert self.offered_at is not None
        return self.offered_at - begun

    def mentor(self, text: str, titles: Sequence[str]) -> str | None:
        if "asks about" in text:
            self.offered_at = time.perf_counter()
        return titles[0]

    def learner(self, text: str, titles: Sequence[str]) -> str | None:
        self.is_over = "nobody who fits" in text
        return titles[-1] if self.is_over else titles[0]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--asks", type=int, default=60)
    parser.add_argument("--limit", type=float, default=500, help="times the round trip, median")
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="cm-first-offer-") as folder:
        offers, trips = asyncio.run(_measured(Path(folder), chosen.asks))
    for name, taken in (("bare round trip", trips), ("ask to offer on the screen", offers)):
        cut = statistics.quantiles(taken, n=100)
        print(f"  {name:28} p50 {cut[49] * 1000:8.2f} ms   p99 {cut[98] * 1000:8.2f} ms")
    ratio = statistics.median(offers) / statistics.median(trips)
    print(f"  {ratio:.0f} times the bare round trip at the median")
    return 0 if ratio <= chosen.limit else 1


async def _measured(folder: Path, asks: int) -> tuple[list[float], list[float]]:
    screens = Screens()
    limits = {"asks_per_ten_minutes": 10_000, "asks_per_day": 10_000}
    async with world.running(folder / "data", SystemClock(), "embedded", **limits) as here:
        lea, mo = await here.learner(), await here.mentor()
        url = f"http://127.0.0.1:{here.port}"
        async with (
            fake_editor.running(url, lea.token, folder / "lea", answers=screens.learner) as learner,
            fake_editor.running(url, mo.token, folder / "mo", answers=screens.mentor) as mentor,
        ):
            await mentor.command("goOnline")
            uri = (folder / "lea" / "app.py").as_uri()
            learner.open(uri, CODE)
            offers = [await _one(learner, screens, uri) for _ in range(asks)]
            return offers, await _round_trips(here, 10 * asks)


async def _one(learner: FakeEditor, screens: Screens, uri: str) -> float:
    screens.offered_at, screens.is_over = None, False
    begun = time.perf_counter()
    await learner.command(
        "ask", uri=uri, range=RANGE, question="Why does it not run?", confirm=False
    )
    await until(lambda: screens.offered_at is not None, "the offer", seconds=5)
    await until(lambda: screens.is_over, "the ask to be over", seconds=10)
    return screens.seconds_after(begun)


async def _round_trips(here: World, count: int) -> list[float]:
    client = await here.connect(await here.learner("Ann"))
    taken = []
    for _ in range(count):
        begun = time.perf_counter()
        await client.beat()
        taken.append(time.perf_counter() - begun)
        await asyncio.sleep(0.06)
    return taken


if __name__ == "__main__":
    sys.exit(main())
