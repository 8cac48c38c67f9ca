"""How many sessions one core serves, and at what cost: our whole server beside hocuspocus and y-websocket's, in one run.

    python -m bench.sessions [--servers ours y-websocket hocuspocus] [--steps 200 300 …] [--seconds 5]

Each session has one who types 5 edits and moves the cursor 5 times a second, and one who watches; server on one core, load
generator on another. Ours runs with everything on: tokens, the admission check, every edit on disk before it is acknowledged,
acknowledgements sent on a control channel. The peers from npm store nothing and ask nobody who he is; without Node.js
they are left out, and the bench says so.

Measured: server CPU for one message at 100 sessions; the most sessions with p99 below 50 ms from key to watcher; a burst of
20,000 edits; memory of an idle session. On a machine that others use too, believe CPU first, the burst second, p99 last.
"""

import argparse
import asyncio
import os
import sys
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from bench import peer_servers, typing_load
from bench.peer_servers import OURS, PEERS, NoPeers, Server
from bench.typing_load import Load, Script

STEPS = [200, 300, 400, 500, 600, 700, 850, 1000]
P99_MS_MAX = 50.0
CPU_SESSIONS = 100
IDLE_SESSIONS = 400
BURST_EDITS = 20_000
SCRIPT_EDITS = 4_000
NICENESS = -15
IDLE_KIB_MAX = 65.0
BURST_PER_SECOND_MIN = 15_000.0


@dataclass
class Figures:
    cpu_us: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    sessions: int = 0
    is_topmost: bool = False
    burst_per_second: float = 0.0
    idle_kib: float = 0.0
    steps: list[str] = field(default_factory=list)


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--servers", nargs="+", choices=[OURS, *PEERS], default=[OURS, *PEERS])
    parser.add_argument("--steps", nargs="*", type=int, default=STEPS, help="numbers of sessions")
    parser.add_argument("--seconds", type=float, default=5.0, help="of typing, at each step")
    parser.add_argument("--only", choices=["cpu", "ladder", "burst", "idle"], help="one part")
    chosen = parser.parse_args()
    figures = {name: Figures() for name in chosen.servers}
    try:
        if figures.keys() & set(PEERS):
            peer_servers.installed()
    except NoPeers as missing:
        print(missing, file=sys.stderr)
        figures = {OURS: Figures()}
    with _loop() as runner:
        for name, into in figures.items():
            runner.run(_measure(name, into, chosen.only, chosen.steps, chosen.seconds))
            _print_row(name, into)
    return _judge(figures, chosen.only)


def _loop() -> asyncio.Runner:
    import uvloop

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


async def _measure(
    name: str, into: Figures, only: str | None, steps: list[int], seconds: float
) -> None:
    server_core, own_core = _cores()
    if own_core is not None:
        os.sched_setaffinity(0, {own_core})
    # On a machine that others use too. It takes a right that not everybody has; without it, figures are rougher.
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    script = typing_load.script(SCRIPT_EDITS)
    if only in (None, "cpu"):
        async with peer_servers.running(name, CPU_SESSIONS, server_core) as server:
            await _typing(server, script, into, seconds)
    if only in (None, "ladder"):
        async with peer_servers.running(name, max(steps), server_core) as server:
            await _ladder(server, script, into, steps, seconds)
    if only in (None, "burst"):
        async with peer_servers.running(name, 1, server_core, unpaced=True) as server:
            await _burst(server, into)
    if only in (None, "idle"):
        async with peer_servers.running(name, IDLE_SESSIONS + 1, server_core) as server:
            await _idle(server, script, into)


async def _typing(server: Server, script: Script, into: Figures, seconds: float) -> None:
    load = await _joined(server, script, CPU_SESSIONS)
    await load.type_for(1)
    for pair in load.pairs:
        pair.latencies_ms.clear()
    before = _cpu_seconds(server.pid)
    messages = await load.type_for(2 * seconds)
    into.cpu_us = (_cpu_seconds(server.pid) - before) * 1e6 / messages
    if not await load.settle():
        raise ConnectionError(f"{server.name} lost edits")
    into.p50_ms, into.p99_ms = _quantiles(load)
    load.close()


async def _ladder(
    server: Server, script: Script, into: Figures, steps: list[int], seconds: float
) -> None:
    """More sessions step by step, until p99 is too high twice in a row."""
    load = Load(server.port, script)
    for step in steps:
        for address in server.addresses[len(load.pairs) : step]:
            await load.join(address)
        for _ in range(2):
            p50, p99, is_whole = await _step(load, seconds)
            into.steps.append(f"{step}: {p50:.1f}/{p99:.0f}")
            passed = is_whole and p99 < P99_MS_MAX
            if passed:
                break
        if not passed:
            break
        into.sessions = step
        into.is_topmost = step == steps[-1]
    load.close()


async def _step(load: Load, seconds: float) -> tuple[float, float, bool]:
    await load.type_for(1)
    for pair in load.pairs:
        pair.latencies_ms.clear()
    await load.type_for(seconds)
    is_whole = await load.settle()
    return (*_quantiles(load), is_whole)


async def _burst(server: Server, into: Figures) -> None:
    load = Load(server.port, typing_load.script(BURST_EDITS))
    pair = await load.join(server.addresses[0])
    await asyncio.sleep(0.5)
    into.burst_per_second = BURST_EDITS / await load.burst(pair)
    load.close()


async def _idle(server: Server, script: Script, into: Figures) -> None:
    """The first session pays for what is loaded once."""
    load = await _joined(server, script, 1)
    await asyncio.sleep(1)
    before = _resident_kib(server.pid)
    for address in server.addresses[1:]:
        await load.join(address)
    await asyncio.sleep(2)
    into.idle_kib = (_resident_kib(server.pid) - before) / (len(server.addresses) - 1)
    if any(pair.is_lost for pair in load.pairs):
        raise ConnectionError(f"{server.name} closed a connection")
    load.close()


async def _joined(server: Server, script: Script, sessions: int) -> Load:
    load = Load(server.port, script)
    for address in server.addresses[:sessions]:
        await load.join(address)
    await asyncio.sleep(0.5)
    return load


def _quantiles(load: Load) -> tuple[float, float]:
    ordered = sorted(ms for pair in load.pairs for ms in pair.latencies_ms)
    if not ordered:
        return float("inf"), float("inf")
    return ordered[len(ordered) // 2], ordered[int(len(ordered) * 0.99)]


def _cores() -> tuple[int | None, int | None]:
    """One for the server and another for the load, where there are two."""
    cores = sorted(os.sched_getaffinity(0) | set(range(os.cpu_count() or 1)))
    return (cores[0], cores[1]) if len(cores) > 1 else (None, None)


def _cpu_seconds(pid: int) -> float:
    """Of all threads, from the kernel's own count in nanoseconds."""
    threads = Path(f"/proc/{pid}/task").iterdir()
    return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9


def _resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS"))


def _print_row(name: str, of: Figures) -> None:
    more = "+" if of.is_topmost else ""
    print(
        f"{name:12} CPU {of.cpu_us:6.0f} us a message   p50 {of.p50_ms:5.2f} p99 {of.p99_ms:6.1f} ms   "
        f"{of.sessions}{more} sessions a core   burst {of.burst_per_second:7.0f}/s   "
        f"idle {of.idle_kib:5.1f} KiB",
        flush=True,
    )
    if of.steps:
        print(f"{'':12} sessions: p50/p99 ms: {', '.join(of.steps)}", flush=True)


def _judge(figures: dict[str, Figures], only: str | None) -> int:
    """Our limits, and no peer may be better in what it costs or carries."""
    ours = figures.get(OURS)
    if ours is None:
        return 0
    faults = []
    if only in (None, "idle") and ours.idle_kib > IDLE_KIB_MAX:
        faults.append(f"an idle session takes {ours.idle_kib:.0f} KiB; the limit is {IDLE_KIB_MAX}")
    if only in (None, "burst") and ours.burst_per_second < BURST_PER_SECOND_MIN:
        faults.append(f"{ours.burst_per_second:.0f} edits/s; the limit is {BURST_PER_SECOND_MIN}")
    for name, peer in figures.items():
        if name == OURS:
            continue
        if only in (None, "cpu"):
            print(f"CPU for one message, ours to {name}: {ours.cpu_us / peer.cpu_us:.2f}")
            if ours.cpu_us > peer.cpu_us:
                faults.append(f"a message costs more than with {name}")
        if only in (None, "ladder") and ours.sessions < peer.sessions:
            faults.append(f"{ours.sessions} sessions a core; {name} has {peer.sessions}")
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
