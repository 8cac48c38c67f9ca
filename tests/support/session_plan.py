"""The plans of `bridge_plan` through the real code of a session: editor, `Buffer`, `Sync`, the wire's frames, the server's room.

Simulated are the editors, the network, the clock and the disk; a plan's `network` cuts everybody off, or kills the server,
which comes back with what was on the disk. A person of the kind JAVASCRIPT has no editor of ours but the JavaScript Yjs, in a
process of its own that waits for nothing, so that a run of it can be repeated too.
"""

import asyncio
import random
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from functools import partial
from typing import Protocol

from cm_wire.ids import YjsClientId
from cm_wire.to_client import Happened
from tests.support.bridge_plan import Action, Plan
from tests.support.javascript import Replica
from tests.support.simulated_loop import LoopTime
from tests.support.simulated_network import INTERNET, Weather
from tests.support.simulated_person import EditorUser
from tests.support.simulated_room import Server, Socket

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

    @property
    def converged(self) -> bool:
        return len(set(self.texts)) == 1


class Person(Protocol):
    socket: Socket

    def act(self, action: Action) -> str: ...
    def tick(self) -> None: ...
    def texts(self) -> list[str]: ...
    def stop(self) -> None: ...


class JavascriptUser:
    """Edits the text of the JavaScript Yjs as it is, without an editor."""

    def __init__(self, time: LoopTime, rng: random.Random, server: Server, number: int) -> None:
        self._replica = Replica(2 + number)
        self.socket = Socket(time, rng, server, number, self)

    def act(self, action: Action) -> str:
        removed, frames = self._replica.act(action.what, action.place, action.size, action.text)
        self.socket.send(frames)
        return removed

    def tick(self) -> None: ...

    def texts(self) -> list[str]:
        return [self._replica.text() or ""]

    def stop(self) -> None:
        self._replica.stop()

<<<<<<< HEAD
    # The socket's peer.

    def connected(self, client: YjsClientId) -> list[bytes]:
        return self._replica.connect()
=======
class _Socket:
    """The server's end of the simulated wire to one person; it never lags."""

    can_write = True

    def __init__(self, link: Link[bytes]) -> None:
        self.write = link.send


class Side:
    """One person: editor, the pipe to their language server, its parts, and a socket that comes back."""

    def __init__(
        self, time: LoopTime, rng: random.Random, server: Server, number: int, kind: str, start: str
    ) -> None:
        habits, self._profile = KINDS[kind]
        self._time, self._rng, self._server = time, rng, server
        role: Role = "learner" if number == 0 else "mentor"
        self._person, self._client = PEOPLE[number], YjsClientId(2 + number)
        self._base = start if role == "learner" else None
        authority = Authority.EDITOR if role == "learner" else Authority.CRDT
        self.editor = SimulatedEditor(time, rng, habits, start, self._to_language_server)
        self._side = EditorSide(self, self._profile, habits.encoding, authority)
        self._pipe_up: Link[ToServer] = Link(time, rng, self._from_editor, PIPE)
        self._pipe_down: Link[Callable[[], None]] = Link(time, rng, lambda act: act(), PIPE)
        self._answers: dict[int, asyncio.Future[tuple[bool, int | None]]] = {}
        self._barriers: dict[int, asyncio.Future[None]] = {}
        self._barrier_count = 0
        self.sync = Sync(role, self)
        self.buffer: Buffer | None = None
        self.closed: list[int] = []
        self._connections = 0
        self._connection: Connection | None = None
        self._out: Link[bytes] | None = None
        self._in: Link[bytes] | None = None
>>>>>>> cce52c9 (Carry a document's frames without a task, gather commits, and acknowledge once a second)

    def received(self, frame: bytes) -> list[bytes]:
        return self._replica.receive(frame)

<<<<<<< HEAD
    def disconnected(self) -> None:
        self._replica.disconnect()

    def told(self, happened: Happened) -> None: ...
=======
    def connect(self, weather: Weather) -> None:
        if self._connection is not None or self._server.room.is_closed:
            return
        self._connections += 1
        name = ConnectionId(f"{self._person}{self._connections}")
        pace = Pace(80, 300, self._time.now_ms / 1000)
        joined, here = (
            self._server.room,
            Connection(name, self._person, self._client, pace, is_bound=True),
        )
        self._connection = here
        self._out = Link(self._time, self._rng, lambda f: joined.receive(here, f), weather)
        self._in = Link(self._time, self._rng, self._received, weather)
        self._server.hub.connect(self._person, name, self._told)
        for frame in self.sync.connected(self._client, document.SEED_CLIENT_ID):
            self._out.send(frame)
        joined.enter(here)
        here.attach(_Socket(self._in), lambda: self._dropped(here))

    def disconnect(self) -> None:
        here, self._connection = self._connection, None
        if here is None or self._out is None or self._in is None:
            return
        self._out.cut()
        self._in.cut()
        self._server.hub.disconnect(self._person, here.id)
        self._server.room.leave(here)
        self.sync.disconnected()

    def _dropped(self, here: Connection) -> None:
        if here.close_code not in (None, room.COME_BACK):
            self.closed.append(here.close_code)
        self._time.after(1, self.disconnect)

    def _received(self, frame: bytes) -> None:
        for answer in self.sync.received(frame):
            if self._out is not None:
                self._out.send(answer)

    def _told(self, happened: Happened) -> None:
        fact = happened.fact
        if isinstance(fact, EditsStored) and self.sync.document is not None:
            self.sync.document.stored(fact.client, fact.clock)

    def _send_updates(self, updates: list[bytes]) -> None:
        for update in updates:
            if self._connection is not None and self._out is not None and self.sync.may_send:
                self._out.send(sync_frames.encode_update(update))

    # What `Sync` tells.

    def document_began(self) -> None:
        self.buffer = None

    def files_changed(self) -> None:
        if self.buffer is not None or self.sync.document is None:
            return
        self.buffer = Buffer(
            PATH,
            "file:///a.py",
            self.sync.document,
            self._side,
            base=self._base,
            typing=lambda: Typing.SHARED,
            send=self._send_updates,
        )
        self.editor.open()

    def text_changed(self, path: FilePath, delta: Delta, /) -> None:
        if self.buffer is not None:
            self.buffer.remote(delta)

    def texts_settled(self) -> None:
        if self.buffer is not None:
            self.buffer.pump()

    def cursors_moved(self, entries: list[Entry], /) -> None: ...

    def connection_changed(self, *, is_connected: bool) -> None: ...

    def update_refused(self, reason: str, /) -> None:
        raise AssertionError(f"genuine traffic was refused: {reason}")

    # The editor's pipe.

    async def apply(self, uri: str, edit: SendEdit) -> tuple[bool, int | None]:
        answer = asyncio.get_running_loop().create_future()
        self._answers[edit.id] = answer
        self._pipe_down.send(partial(self.editor.receive, edit))
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                return cast("tuple[bool, int | None]", await answer)
        except TimeoutError:
            return False, None

    async def barrier(self) -> None:
        if not self.editor.habits.answers_barrier:
            return
        self._barrier_count += 1
        passed = self._barriers[self._barrier_count] = asyncio.get_running_loop().create_future()
        self._pipe_down.send(partial(self.editor.barrier, self._barrier_count))
        await passed

    def _to_language_server(self, message: ToServer) -> None:
        self._pipe_up.send(message)

    def _from_editor(self, message: ToServer) -> None:
        buffer = self.buffer
        assert buffer is not None
        match message:
            case Opened(version, text):
                told = IndexedText(positions.normalised(text, self._profile.lone_carriage_return))
                buffer.opened(OpenDocument("file:///a.py", "python", version, told))
            case Closed():
                buffer.closed()
            case Reported(version, changes):
                buffer.changed(version, changes)
            case Answered(edit_id, applied, version):
                answer = self._answers.pop(edit_id)
                if not answer.done():
                    answer.set_result((applied, version))
            case BarrierPassed(barrier_id):
                self._barriers.pop(barrier_id).set_result(None)
>>>>>>> cce52c9 (Carry a document's frames without a task, gather commits, and acknowledge once a second)


@dataclass
class Run:
    """One plan under way."""

    server: Server
    people: list[Person]
    deleted: Counter[str] = field(default_factory=Counter)

    def act(self, action: Action) -> None:
        if action.what == "network":
            self._break(kills=action.place % 2 == 0)
        self.deleted.update(self.people[action.side].act(action))

    def _break(self, *, kills: bool) -> None:
        for person in self.people:
            person.socket.disconnect()
        if kills:
            self.server.kill()
            self.server.start()


async def carry_out(plan: Plan, weather: Weather = INTERNET) -> Outcome:
    loop = asyncio.get_running_loop()
    time, rng = LoopTime(loop), random.Random(f"session {plan.seed}")
    server = Server(plan.start)
    with ExitStack() as stack:
        run = Run(server, [])
        for number, kind in enumerate(plan.kinds):
            run.people.append(_person(time, rng, server, number, kind, plan.start))
            stack.callback(run.people[-1].stop)
        for action in plan.actions:
            time.after(JOIN_MS + action.at_ms, partial(run.act, action))
        last = JOIN_MS / 1000 + (plan.actions[-1].at_ms / 1000 if plan.actions else 0.0)
        await _until(last + REST_SECONDS, run, weather)
        return _outcome(plan, run)


def _person(
    time: LoopTime, rng: random.Random, server: Server, number: int, kind: str, start: str
) -> Person:
    if kind == JAVASCRIPT:
        return JavascriptUser(time, rng, server, number)
    return EditorUser(time, rng, server, number, kind, start)


async def _until(end: float, run: Run, weather: Weather) -> None:
    loop = asyncio.get_running_loop()
    due = 0.0
    while loop.time() < end:
        if loop.time() >= due:
            due = loop.time() + COME_BACK_SECONDS
            for person in run.people:
                person.socket.connect(weather)
        for person in run.people:
            person.tick()
        await asyncio.sleep(TICK_SECONDS)


def _outcome(plan: Plan, run: Run) -> Outcome:
    texts = [run.server.text()]
    for person in run.people:
        texts += person.texts()
    final = Counter(texts[0])
    typed = (action.text for action in plan.actions if action.what in {"type", "replace"})
    unique = [c for text in typed for c in text if ord(c) > 0x2FFF]
    return Outcome(
        texts,
        lost="".join(c for c in unique if not final[c] and not run.deleted[c]),
        doubled="".join(c for c in unique if final[c] > 1),
        closed=[code for person in run.people for code in person.socket.closed],
    )
