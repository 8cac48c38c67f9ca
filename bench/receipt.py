"""How long it takes to check a receipt, for each hour of its session.

    python -m bench.receipt [--hours 4] [--rounds 9]

The receipt is one the server issued, of a session in which both often paused, with its whole log inside. Checking it is what
`cm-server verify` does: the hash chain, the fold of the log, each billed minute, the money. The ratio is against decoding the
same bytes and hashing them once, which nobody can do without. Fails above `MS_PER_HOUR_MAX`.
"""

import argparse
import asyncio
import hashlib
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

from cm_server.billing import receipt_check, receipt_document, receipts
from cm_server.billing.receipt_document import Document
from tests.support import money_world
from tests.support.money_world import LEARNER

MS_PER_HOUR_MAX = 50.0
PAUSE_EVERY_MINUTES = 5
CAP_MINUTES = 240


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hours", type=int, default=4, choices=range(1, CAP_MINUTES // 60 + 1))
    parser.add_argument("--rounds", type=int, default=9)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        raw = asyncio.run(_receipt(Path(folder), chosen.hours))
    document, findings = receipt_check.check(raw)
    assert document is not None, findings
    assert not findings, findings
    check_ms, bare_ms = _measured(raw, chosen.rounds)
    per_hour = check_ms / chosen.hours
    print(
        f"{document.bill.billed_seconds // 60} billed minutes, {len(document.log)} log entries,"
        f" {len(raw) / 1024:.0f} kB: {per_hour:.2f} ms for a session-hour"
        f" (at most {MS_PER_HOUR_MAX:g}), {check_ms / bare_ms:.1f} times decoding and hashing it"
    )
    return 0 if per_hour <= MS_PER_HOUR_MAX else 1


async def _receipt(folder: Path, hours: int) -> bytes:
    world = money_world.new(folder)
    await world.save_card()
    session_id = await world.open(await world.hold(20_000), cap_minutes=CAP_MINUTES)
    for _ in range(hours * 60 // PAUSE_EVERY_MINUTES):
        for _ in range(PAUSE_EVERY_MINUTES * 12):
            await world.serve(session_id, 1)
            await world.serve_silently(session_id, 4)
        await world.recorder.pause(session_id, "learner", by=LEARNER)
        await world.recorder.resume(session_id, "learner", by=LEARNER)
    await world.end(session_id)
    document = await world.database.read(lambda s: receipts.document_of(s, session_id))
    await world.close()
    assert document is not None
    return receipt_document.encoded(document).encode()


def _measured(raw: bytes, rounds: int) -> tuple[float, float]:
    """Medians in milliseconds, interleaved: the check, and the least one could do."""
    checks, bares = [], []
    for _ in range(rounds):
        checks.append(_timed(lambda: receipt_check.check(raw)))
        bares.append(_timed(lambda: _decode_and_hash(raw)))
    return statistics.median(checks), statistics.median(bares)


def _decode_and_hash(raw: bytes) -> None:
    msgspec.json.decode(raw, type=Document)
    hashlib.sha256(raw).digest()


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return (time.perf_counter() - started) * 1000


if __name__ == "__main__":
    sys.exit(main())
