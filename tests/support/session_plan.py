"""The plans of `bridge_plan` through the real code of a session: editor, `Buffer`, `Sync`, the wire's frames, the server's room.

Simulated are the editors, the network, the clock and the disk; a plan's `network` cuts everybody off, or kills the server,
which comes back with what was on the disk.
"""

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any, cast

from cm_lsp.session.sync import Sync
from cm_lsp.sharing import positions
from cm_lsp.sharing.bridge_messages import Authority, SendEdit, Typing
from cm_lsp.sharing.buffer import Buffer, EditorSide
from cm_lsp.sharing.document import Delta
from cm_lsp.sharing.indexed_text import IndexedText
from cm_server.db import Database
from cm_server.hub import Hub
from cm_server.session import content, document, room
from cm_server.session.connection import Connection, Pace
from cm_server.session.room import Floor, Room
from cm_server.session.rooms import Unwatched
from cm_server.session.standing import Standing
from cm_server.session.update_log import UpdateLog
from cm_wire.ids import AskId, ConnectionId, FilePath, PersonId, SessionId, YjsClientId
from cm_wire.money import Money
from cm_wire.session import Role
from cm_wire.to_client import EditsStored, Happened
from cm_wire.yjs import sync_frames
from cm_wire.yjs.awareness import Entry
from tests.support.bridge_plan import KINDS, Action, Plan
from tests.support.simulated_editor import (
    Answered,
    BarrierPassed,
    Closed,
    Opened,
    Reported,
    SimulatedEditor,
    ToServer,
    plain,
)
from tests.support.simulated_loop import LoopTime
from tests.support.simulated_network import INTERNET, PIPE, Link, Weather

SESSION = SessionId("ses_plan")
PATH = FilePath("a.py")
PEOPLE = (PersonId("lea"), PersonId("mo"))
STORE_SECONDS = 0.004
ANSWER_SECONDS = 30.0
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


class Disk:
    """Rows as they are after a commit. Stands in for `Database` where only the update log uses it."""

    def __init__(self) -> None:
        self.updates: list[tuple[int, bytes]] = []

    async def append(self, table: object, rows: Sequence[Mapping[str, Any]]) -> None:
        await asyncio.sleep(STORE_SECONDS)
        if table is content.UPDATES:
            self.updates += [(row["number"], row["content"]) for row in rows]


class Server:
    """A room over a disk; killed, it forgets all that is not there."""

    def __init__(self, start: str) -> None:
        self.disk = Disk()
        self.hub = Hub("epoch")
        empty = document.SharedDocument.built(b"", [])
        self.disk.updates.append((1, empty.plan_share(PATH, start)))
        self.start()

    def start(self) -> None:
        log = UpdateLog(cast("Database", self.disk))
        self._writer = asyncio.create_task(log.run())
        updates = list(self.disk.updates)
        clients = {2 + side: person for side, person in enumerate(PEOPLE)}
        stored = content.StoredDocument(b"", 0, updates, clients)
        floor = Floor(log, self.hub, Unwatched(), lambda *_: None)
        shared = document.SharedDocument.built(b"", stored.contents)
        self.room = Room(floor, _standing(), stored, shared)

    def kill(self) -> None:
        self._writer.cancel()
        self.room.close(room.COME_BACK, "killed")

    def text(self) -> str:
        return self.room.document.texts()[PATH]


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
        self._reading: asyncio.Task[None] | None = None

    # The socket.

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
        here.on_close(lambda: self._dropped(here))
        self._server.hub.connect(self._person, name, self._told)
        for frame in self.sync.connected(self._client, document.SEED_CLIENT_ID):
            self._out.send(frame)
        joined.enter(here)
        self._reading = asyncio.create_task(self._read(here, self._in))

    def disconnect(self) -> None:
        here, self._connection = self._connection, None
        if here is None or self._out is None or self._in is None or self._reading is None:
            return
        self._out.cut()
        self._in.cut()
        self._reading.cancel()
        self._server.hub.disconnect(self._person, here.id)
        self._server.room.leave(here)
        self.sync.disconnected()

    def _dropped(self, here: Connection) -> None:
        if here.close_code not in (None, room.COME_BACK):
            self.closed.append(here.close_code)
        self._time.after(1, self.disconnect)

    async def _read(self, here: Connection, link: Link[bytes]) -> None:
        while True:
            link.send(await here.next_frame())

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
                buffer.opened(str(told), version)
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


@dataclass
class Run:
    """One plan under way."""

    server: Server
    sides: list[Side]
    weather: Weather
    deleted: Counter[str] = field(default_factory=Counter)

    def act(self, action: Action) -> None:
        side = self.sides[action.side]
        editor = side.editor
        if action.what == "network":
            self._break(kills=action.place % 2 == 0)
        if not editor.is_open:
            return
        start = len(editor.text) * action.place // 1000
        match action.what:
            case "type" | "delete" | "replace":
                self.deleted.update(editor.type(start, start + action.size, action.text))
            case "format":
                editor.format(lambda text: text.replace("\t", "    "))
            case "reopen" | "rename":
                editor.close()
                editor.time.after(10 * action.size, editor.open)
            case "undo" | "redo" | "save" | "revert":
                getattr(editor, action.what)()
            case _:
                pass

    def _break(self, *, kills: bool) -> None:
        for side in self.sides:
            side.disconnect()
        if kills:
            self.server.kill()
            self.server.start()


async def carry_out(plan: Plan, weather: Weather = INTERNET) -> Outcome:
    loop = asyncio.get_running_loop()
    time, rng = LoopTime(loop), random.Random(f"session {plan.seed}")
    server = Server(plan.start)
    sides = [
        Side(time, rng, server, number, kind, plan.start) for number, kind in enumerate(plan.kinds)
    ]
    run = Run(server, sides, weather)
    for action in plan.actions:
        time.after(JOIN_MS + action.at_ms, partial(run.act, action))
    last = JOIN_MS / 1000 + (plan.actions[-1].at_ms / 1000 if plan.actions else 0.0)
    due = 0.0
    while loop.time() < last + REST_SECONDS:
        if loop.time() >= due:
            due = loop.time() + COME_BACK_SECONDS
            for side in sides:
                side.connect(weather)
        for side in sides:
            if side.buffer is not None:
                side.buffer.tick()
        await asyncio.sleep(TICK_SECONDS)
    return _outcome(plan, run)


def _outcome(plan: Plan, run: Run) -> Outcome:
    texts = [run.server.text()]
    for side in run.sides:
        assert side.sync.document is not None
        assert side.buffer is not None
        assert side.sync.document.unstored_count == 0, "an edit was never acknowledged"
        texts += [plain(side.editor.text), side.sync.document.text(PATH), side.buffer.text()]
    final = Counter(texts[0])
    typed = (action.text for action in plan.actions if action.what in {"type", "replace"})
    unique = [c for text in typed for c in text if ord(c) > 0x2FFF]
    return Outcome(
        texts,
        lost="".join(c for c in unique if not final[c] and not run.deleted[c]),
        doubled="".join(c for c in unique if final[c] > 1),
        closed=[code for side in run.sides for code in side.closed],
    )


def _standing() -> Standing:
    return Standing(
        session_id=SESSION,
        ask_id=AskId("ask_plan"),
        learner=PEOPLE[0],
        learner_name="Lea",
        mentor=PEOPLE[1],
        mentor_name="Mo",
        state="live",
        mode="live",
        price_per_quarter=Money(1000, "USD"),
        cap_minutes=30,
        question="",
        opened_at_ms=0,
    )
