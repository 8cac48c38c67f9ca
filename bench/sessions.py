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
import statistics
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from bench import peer_servers, typing_load
from bench.peer_servers import OURS, PEERS, NoPeers, Server
from bench.typing_load import Load, Script

STEPS = [200, 300, 400, 500, 600, 700, 850, 1000, 1150, 1300, 1500]
P99_MS_MAX = 50.0
CPU_SESSIONS = 100
IDLE_SESSIONS = 400
BURST_EDITS = 20_000
SCRIPT_EDITS = 4_000
NICENESS = -15
CPU_ROUNDS = 6
CALM_TRIES_MAX = 40
CALM_SHARE = 0.15
IDLE_KIB_MAX = 65.0
BURST_PER_SECOND_MIN = 15_000.0


@dataclass
class Figures:
    cpu_rounds_us: list[float] = field(default_factory=list)
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    sessions: int = 0
    is_topmost: bool = False
    burst_per_second: float = 0.0
    burst_per_cpu_second: float = 0.0
    """As if the core had been ours alone."""
    idle_kib: float = 0.0
    idle_with_control_kib: float = 0.0
    steps: list[str] = field(default_factory=list)

    @property
    def cpu_us(self) -> float:
        return statistics.median(self.cpu_rounds_us) if self.cpu_rounds_us else 0.0

    def cpu_ratio_to(self, other: "Figures") -> float:
        """The median over rounds of the ratio within one round."""
        rounds = zip(self.cpu_rounds_us, other.cpu_rounds_us, strict=True)
        return statistics.median(own / others for own, others in rounds)


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
    parts = {chosen.only} if chosen.only else {"cpu", "ladder", "burst", "idle"}
    with _loop() as runner:
        runner.run(_measure(figures, parts, chosen.steps, chosen.seconds))
    for name, of in figures.items():
        _print_row(name, of)
    return _judge(figures, parts)


def _loop() -> asyncio.Runner:
    import uvloop

    return asyncio.Runner(loop_factory=uvloop.new_event_loop)


async def _measure(
    figures: dict[str, Figures], parts: set[str], steps: list[int], seconds: float
) -> None:
    server_core, own_core = _cores()
    if own_core is not None:
        os.sched_setaffinity(0, {own_core})
    # On a machine that others use too. It takes a right that not everybody has; without it, figures are rougher.
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    script = typing_load.script(SCRIPT_EDITS)
    if "cpu" in parts:
        _say(f"the cost of a message: {', '.join(figures)}, in turns")
        await _in_turns(figures, script, server_core, seconds)
    for name, into in figures.items():
        if parts - {"cpu"}:
            _say(f"{name}: {', '.join(sorted(parts - {'cpu'}))}")
        if "ladder" in parts:
            async with peer_servers.running(name, max(steps), server_core) as server:
                await _ladder(server, script, into, steps, seconds)
        if "burst" in parts:
            async with peer_servers.running(name, 1, server_core, unpaced=True) as server:
                await _burst(server, into)
                _say(f"  burst: {into.burst_per_second:.0f} edits/s")
                _say(f"  burst: {into.burst_per_cpu_second:.0f} edits in a second of its CPU")
        if "idle" in parts:
            async with peer_servers.running(name, IDLE_SESSIONS + 1, server_core) as server:
                await _idle(server, script, into)


async def _in_turns(
    figures: dict[str, Figures], script: Script, core: int | None, seconds: float
) -> None:
    """All servers are up at once and loaded one after the other, again and again: what disturbs one disturbs all."""
    async with AsyncExitStack() as stack:
        running = []
        for name in figures:
            server = await stack.enter_async_context(peer_servers.running(name, CPU_SESSIONS, core))
            running.append((server, await _joined(server, script, CPU_SESSIONS)))
        for server, load in running:
            await _calm(server)
            await load.type_for(1)
            load.forget()
        for _ in range(CPU_ROUNDS):
            for server, load in running:
                before = _cpu_seconds(server.pid)
                messages = await load.type_for(seconds / 2)
                cost = (_cpu_seconds(server.pid) - before) * 1e6 / messages
                figures[server.name].cpu_rounds_us.append(cost)
                if not await load.settle():
                    raise ConnectionError(f"{server.name} lost edits")
            _say(", ".join(f"{name} {of.cpu_rounds_us[-1]:.0f} us" for name, of in figures.items()))
        for server, load in running:
            figures[server.name].p50_ms, figures[server.name].p99_ms = _quantiles(load)
            load.close()


async def _ladder(
    server: Server, script: Script, into: Figures, steps: list[int], seconds: float
) -> None:
    """More sessions step by step, until p99 is too high twice in a row."""
    load = Load(server.port, script)
    for step in steps:
        for address in server.addresses[len(load.pairs) : step]:
            await load.join(address)
        await _calm(server)
        if not (await _holds(load, into, seconds) or await _holds(load, into, seconds)):
            break
        into.sessions = step
        into.is_topmost = step == steps[-1]
    load.close()


async def _holds(load: Load, into: Figures, seconds: float) -> bool:
    """Whether everything arrives, and in time, with all who are there."""
    await load.type_for(1)
    load.forget()
    await load.type_for(seconds)
    is_whole = await load.settle()
    p50, p99 = _quantiles(load)
    into.steps.append(f"{len(load.pairs)}: {p50:.1f}/{p99:.0f}")
    _say(f"  {len(load.pairs)} sessions: p50 {p50:.1f}, p99 {p99:.0f} ms")
    return is_whole and p99 < P99_MS_MAX


async def _burst(server: Server, into: Figures) -> None:
    load = Load(server.port, typing_load.script(BURST_EDITS))
    pair = await load.join(server.addresses[0])
    await asyncio.sleep(0.5)
    before = _cpu_seconds(server.pid)
    into.burst_per_second = BURST_EDITS / await load.burst(pair)
    into.burst_per_cpu_second = BURST_EDITS / (_cpu_seconds(server.pid) - before)
    load.close()


async def _idle(server: Server, script: Script, into: Figures) -> None:
    """Two people at a document, and then the typist's control channel besides. The first session pays for what is loaded once."""
    load = Load(server.port, script)
    await load.join(server.addresses[0])
    await _calm(server)
    before = _resident_kib(server.pid)
    more = server.addresses[1:]
    for address in more:
        await load.join(replace(address, control_path=""))
    await _calm(server)
    into.idle_kib = (_resident_kib(server.pid) - before) / len(more)
    if server.name == OURS:
        for pair, address in zip(load.pairs[1:], more, strict=True):
            await load.listen(pair, address)
        await _calm(server)
        into.idle_with_control_kib = (_resident_kib(server.pid) - before) / len(more)
    if any(pair.is_lost for pair in load.pairs):
        raise ConnectionError(f"{server.name} closed a connection")
    load.close()


async def _calm(server: Server) -> None:
    """Wait until what joining brought about is over: it is paid once, not for each message."""
    for _ in range(CALM_TRIES_MAX):
        before = _cpu_seconds(server.pid)
        await asyncio.sleep(0.5)
        if _cpu_seconds(server.pid) - before < 0.5 * CALM_SHARE:
            return


async def _joined(server: Server, script: Script, sessions: int) -> Load:
    load = Load(server.port, script)
    for address in server.addresses[:sessions]:
        await load.join(address)
    await asyncio.sleep(0.5)
    return load


def _say(progress: str) -> None:
    print(progress, file=sys.stderr, flush=True)


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
        f"{of.sessions}{more} sessions a core   burst {of.burst_per_second:7.0f}/s, {of.burst_per_cpu_second:.0f} in a second of CPU   "
        f"idle {of.idle_kib:5.1f} KiB",
        flush=True,
    )
    if of.idle_with_control_kib:
        print(f"{'':12} with a control channel beside: {of.idle_with_control_kib:.1f} KiB")
    if of.steps:
        print(f"{'':12} sessions: p50/p99 ms: {', '.join(of.steps)}", flush=True)


def _judge(figures: dict[str, Figures], parts: set[str]) -> int:
    """Our limits, and no peer may be better in what it costs or carries."""
    ours = figures.get(OURS)
    if ours is None:
        return 0
    faults = []
    if "idle" in parts and ours.idle_kib > IDLE_KIB_MAX:
        faults.append(f"an idle session takes {ours.idle_kib:.0f} KiB; the limit is {IDLE_KIB_MAX}")
    if "burst" in parts and ours.burst_per_cpu_second < BURST_PER_SECOND_MIN:
        faults.append(
            f"{ours.burst_per_cpu_second:.0f} edits in a second of CPU; the limit is {BURST_PER_SECOND_MIN:.0f}"
        )
    for name, peer in figures.items():
        if name == OURS:
            continue
        if "cpu" in parts:
            ratio = ours.cpu_ratio_to(peer)
            print(f"CPU for one message, ours to {name}: {ratio:.2f}")
            if ratio > 1:
                faults.append(f"a message costs more than with {name}")
        if "ladder" in parts and ours.sessions < peer.sessions:
            faults.append(f"{ours.sessions} sessions a core; {name} has {peer.sessions}")
    for fault in faults:
        print(fault, file=sys.stderr)
    return int(bool(faults))


if __name__ == "__main__":
    sys.exit(main())
