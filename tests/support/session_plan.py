"""The plans of `bridge_plan` through the real code of a session: editor, `Buffer`, `Sync`, the wire's frames, the server's room.

Simulated are the editors, the network, the clock and the disk; a plan's `network` cuts everybody off, or kills the server,
which comes back with what was on the disk. A person of the kind JAVASCRIPT has no editor of ours but the JavaScript Yjs, in a
process of its own that waits for nothing, so that a run of it can be repeated too.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from cm_wire.ids import YjsClientId
from cm_wire.to_client import Happened
from tests.support import bridge_plan
from tests.support.bridge_plan import Action, Plan
from tests.support.javascript import Replica
from tests.support.simulated_loop import LoopTime
from tests.support.simulated_network import INTERNET, Weather
from tests.support.simulated_person import EditorUser
from tests.support.simulated_room import Peer, Server, Socket

JAVASCRIPT = "javascript"
COME_BACK_SECONDS = 0.3
TICK_SECONDS = 0.25
REST_SECONDS = 60.0
JOIN_MS = 5_000
"""By then both have the document, over any connection."""


@dataclass
class Outcome:
    texts: list[str]
    lost: str
    doubled: str
    closed: list[int]
    """Why the server closed connections by itself, other than for a restart."""
    resumed: int
    """Connections that went on by number."""

    @property
    def converged(self) -> bool:
        return len(set(self.texts)) == 1


class Person(Peer, Protocol):
    def act(self, action: Action) -> str: ...
    def tick(self) -> None: ...
    def texts(self) -> list[str]: ...
    def stop(self) -> None: ...


class JavascriptUser:
    """Edits the text of the JavaScript Yjs as it is, without an editor."""

    def __init__(self, number: int) -> None:
        self._replica = Replica(2 + number)
        self.send: Callable[[list[bytes]], None] = lambda _: None

    def act(self, action: Action) -> str:
        removed, frames = self._replica.act(action.what, action.place, action.size, action.text)
        self.send(frames)
        return removed

    def tick(self) -> None: ...

    def texts(self) -> list[str]:
        return [self._replica.text() or ""]

    def stop(self) -> None:
        self._replica.stop()

    # The socket's peer.

    resume_after = None

    def connected(self, client: YjsClientId, *, is_resumed: bool) -> list[bytes]:
        return self._replica.connect()

    def received(self, frame: bytes) -> list[bytes]:
        return self._replica.receive(frame)

    def disconnected(self) -> None:
        self._replica.disconnect()

    def told(self, happened: Happened) -> None: ...


@dataclass
class Run:
    """One plan under way."""

    server: Server
    people: list[Person]
    sockets: list[Socket]
    deleted: Counter[str] = field(default_factory=Counter)

    def act(self, action: Action) -> None:
        if action.what == "network":
            self._break(kills=action.place % 2 == 0)
        self.deleted.update(self.people[action.side].act(action))

    def _break(self, *, kills: bool) -> None:
        for socket in self.sockets:
            socket.disconnect()
        if kills:
            self.server.kill()
            self.server.start()


async def carry_out(plan: Plan, weather: Weather = INTERNET) -> Outcome:
    loop = asyncio.get_running_loop()
    time, rng = LoopTime(loop), random.Random(f"session {plan.seed}")
    server = Server(plan.start)
    with ExitStack() as stack:
        run = Run(server, [], [])
        for number, kind in enumerate(plan.kinds):
            person, socket = _person(time, rng, server, number, kind, plan.start)
            run.people.append(person)
            run.sockets.append(socket)
            stack.callback(person.stop)
        for action in plan.actions:
            time.after(JOIN_MS + action.at_ms, partial(run.act, action))
        last = JOIN_MS / 1000 + (plan.actions[-1].at_ms / 1000 if plan.actions else 0.0)
        await _until(last + REST_SECONDS, run, weather)
        return _outcome(plan, run)


def _person(
    time: LoopTime, rng: random.Random, server: Server, number: int, kind: str, start: str
) -> tuple[Person, Socket]:
    if kind == JAVASCRIPT:
        replica = JavascriptUser(number)
        socket = Socket(time, rng, server, number, replica)
        replica.send = socket.send
        return replica, socket
    user = EditorUser(time, rng, number, kind, start)
    socket = Socket(time, rng, server, number, user)
    user.send_updates, user.send = socket.send_updates, socket.send
    return user, socket


async def _until(end: float, run: Run, weather: Weather) -> None:
    loop = asyncio.get_running_loop()
    due = 0.0
    while loop.time() < end:
        if loop.time() >= due:
            due = loop.time() + COME_BACK_SECONDS
            for socket in run.sockets:
                socket.connect(weather)
        for person in run.people:
            person.tick()
        await asyncio.sleep(TICK_SECONDS)


def _outcome(plan: Plan, run: Run) -> Outcome:
    texts = [run.server.text()]
    for person in run.people:
        texts += person.texts()
    at_rest = bridge_plan.outcome_of(plan, texts, run.deleted)
    closed = [code for socket in run.sockets for code in socket.closed]
    resumed = sum(socket.resumed for socket in run.sockets)
    return Outcome(texts, at_rest.lost, at_rest.doubled, closed, resumed)
