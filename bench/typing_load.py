"""Sessions of two people, as many as wanted, against any server of the Yjs wire: one who types and moves the cursor, one who watches.

All sessions send the same ready-made frames, so the generator does nothing but sending, and counting what arrives. A
keystroke's latency runs from its sending to its arrival at the watcher, on one clock.
"""

import asyncio
import json
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from pycrdt import Doc, Map, Text

from bench.raw_socket import RawSocket, framed
from cm_wire import frames
from cm_wire.ids import CommandId, YjsClientId
from cm_wire.to_server import Heartbeat, Request
from cm_wire.yjs import awareness, sync_frames, update
from cm_wire.yjs.awareness import Entry
from cm_wire.yjs.varint import read_uint
from cm_wire.yjs.verdict import DOCUMENT_LIMITS

SEED_ID: Final = 1
TYPIST_ID: Final = 2
"""What our server gives to whoever comes first; the peers let clients choose."""
PATH: Final = "a.py"
TEXT: Final = "total = total + price[index]  # of what is left\n" * 38
EDITS_PER_SECOND: Final = 5
BEAT_SECONDS: Final = 3.0
_EDIT = b"\0\2"


@dataclass(frozen=True)
class Script:
    """What every typist sends, ready for the wire. `whole` is the document before it."""

    whole: bytes
    edits: list[bytes]
    cursors: list[bytes]


def script(edits: int) -> Script:
    """One character after the other, in words at places that move on, and a cursor behind each."""
    seed: Doc[Any] = Doc(client_id=SEED_ID)
    seed.get("files", type=Map)[PATH] = Text(TEXT)
    whole = seed.get_update()
    doc: Doc[Any] = Doc(client_id=TYPIST_ID)
    doc.apply_update(whole)
    text = doc.get("files", type=Map)[PATH]
    updates: list[bytes] = []
    subscription = doc.observe(lambda event: updates.append(event.update))
    for number in range(edits):
        text.insert((number // 12) * 97 % len(TEXT) + number % 12, chr(97 + number % 26))
    doc.unobserve(subscription)
    cursors = [_cursor(number) for number in range(min(edits, 5000))]
    return Script(whole, [sync_frames.encode_update(one) for one in updates], cursors)


def _cursor(number: int) -> bytes:
    item = {"client": TYPIST_ID, "clock": number}
    place = {"type": None, "tname": None, "item": item, "assoc": 0}
    user = {"name": "Lea Learner", "color": "#30bced", "colorLight": "#30bced33"}
    state = {"user": user, "cursor": {"path": PATH, "anchor": place, "head": place}}
    entry = Entry(YjsClientId(TYPIST_ID), number + 1, json.dumps(state).encode())
    return sync_frames.encode_awareness(awareness.encode([entry]))


@dataclass(frozen=True)
class Address:
    """Where the people of one session connect; `token` is empty where nobody asks for one."""

    path: str
    typist_token: str = ""
    watcher_token: str = ""
    prefix: bytes = b""
    """Stands before every frame (a peer that serves several documents on one socket)."""
    hello: bytes = b""
    """Is sent first."""
    control_path: str = ""
    control_hello: bytes = b""
    """Another socket of the typist, on which acknowledgements come."""
    seeds: bool = True
    """Whether the document has to be put in, because the server has none yet."""


class Pair:
    """One session: who types, who watches, and the typist's control channel where there is one."""

    def __init__(self, prefix: bytes) -> None:
        self.prefix = prefix
        self.typed = 0
        self.moved = 0
        self.arrived = 0
        self.latencies_ms: list[float] = []
        self.sockets: list[RawSocket] = []
        self.is_listening = False
        self._sent_at: deque[float] = deque()

    @property
    def is_lost(self) -> bool:
        return any(socket.is_lost for socket in self.sockets)

    def type(self, frame: bytes) -> None:
        self.typed += 1
        self._sent_at.append(time.perf_counter())
        self.sockets[0].send(frame)

    def move(self, frame: bytes) -> None:
        self.moved += 1
        self.sockets[0].send(frame)

    def on_watched(self, frame: bytes) -> None:
        """Count keystrokes as they come, also where a server has merged several into one frame."""
        body = frame[len(self.prefix) :]
        if body[:2] != _EDIT:
            return
        now = time.perf_counter()
        for _ in range(_end_clock(body) - self.arrived):
            self.arrived += 1
            if self._sent_at:
                self.latencies_ms.append((now - self._sent_at.popleft()) * 1000)

    def close(self) -> None:
        for socket in self.sockets:
            socket.close()


class Load:
    """All sessions against one server."""

    def __init__(self, port: int, script_: Script) -> None:
        self.pairs: list[Pair] = []
        self.late_ms: list[float] = []
        self._port = port
        self._script = script_
        self._edits = [framed(frame) for frame in script_.edits]
        self._cursors = [framed(frame) for frame in script_.cursors]
        self._beating: asyncio.Task[None] | None = None

    async def join(self, address: Address) -> Pair:
        """Connect both, and put the document in where the server has none."""
        pair = Pair(address.prefix)
        for token, on_frame in (
            (address.typist_token, _ignored),
            (address.watcher_token, pair.on_watched),
        ):
            socket = await self._open(address.path, token, on_frame)
            pair.sockets.append(socket)
            if address.hello:
                socket.send(framed(address.hello))
            socket.send(framed(address.prefix + sync_frames.encode_step_1(b"\0")))
        if address.seeds:
            seed = sync_frames.encode_update(self._script.whole)
            pair.sockets[0].send(framed(address.prefix + seed))
        else:
            assert int((await pair.sockets[0].opened)["codementor-yjs-client"]) == TYPIST_ID
        self.pairs.append(pair)
        if address.control_path:
            await self.listen(pair, address)
        return pair

    async def listen(self, pair: Pair, address: Address) -> None:
        """Open the typist's control channel, on which acknowledgements come."""
        control = await self._open(address.control_path, address.typist_token, _ignored)
        control.send(framed(address.control_hello, opcode=1))
        pair.sockets.append(control)
        pair.is_listening = True
        self._beating = self._beating or asyncio.create_task(self._beat())

    async def type_for(self, seconds: float) -> int:
        """Everybody types and moves, evenly spread; return how many messages that were."""
        events = int(seconds * 2 * EDITS_PER_SECOND * len(self.pairs))
        gap = 1 / (2 * EDITS_PER_SECOND * len(self.pairs))
        begun = time.perf_counter()
        for number in range(events):
            due = begun + number * gap
            if due - time.perf_counter() > 0.0002:
                await asyncio.sleep(due - time.perf_counter())
                self.late_ms.append((time.perf_counter() - due) * 1000)
            elif number % 32 == 0:
                await asyncio.sleep(0)
            pair = self.pairs[number % len(self.pairs)]
            if number // len(self.pairs) % 2:
                pair.move(self._ready(pair, self._cursors, self._script.cursors, pair.moved))
            else:
                pair.type(self._ready(pair, self._edits, self._script.edits, pair.typed))
        return events

    def forget(self) -> None:
        """Begin the latencies anew."""
        for pair in self.pairs:
            pair.latencies_ms.clear()

    async def settle(self, seconds: float = 5.0) -> bool:
        """Whether everything typed arrives within `seconds`."""
        until = time.perf_counter() + seconds
        while any(pair.arrived < pair.typed for pair in self.pairs):
            if time.perf_counter() > until or any(pair.is_lost for pair in self.pairs):
                return False
            await asyncio.sleep(0.01)
        return True

    async def burst(self, pair: Pair) -> float:
        """All edits of the script as fast as the socket takes them; return the seconds until the last was watched."""
        begun = time.perf_counter()
        for number in range(len(self._edits)):
            pair.type(self._ready(pair, self._edits, self._script.edits, number))
            if number % 64 == 0:
                await pair.sockets[0].drained()
        if not await self.settle(60):
            raise ConnectionError(f"{pair.arrived} of {pair.typed} edits arrived")
        return time.perf_counter() - begun

    def close(self) -> None:
        if self._beating is not None:
            self._beating.cancel()
        for pair in self.pairs:
            pair.close()

    def _ready(self, pair: Pair, ready: list[bytes], raw: list[bytes], number: int) -> bytes:
        return framed(pair.prefix + raw[number]) if pair.prefix else ready[number]

    async def _open(self, path: str, token: str, on_frame: Callable[[bytes], None]) -> RawSocket:
        loop = asyncio.get_running_loop()
        _, socket = await loop.create_connection(
            lambda: RawSocket("127.0.0.1", path, token, on_frame), "127.0.0.1", self._port
        )
        await socket.opened
        return socket

    async def _beat(self) -> None:
        """The signs of life a client sends on its control channel."""
        number = 0
        while True:
            await asyncio.sleep(BEAT_SECONDS)
            number += 1
            beat = Request(CommandId(f"b{number}"), Heartbeat(number))
            frame = framed(frames.encode(beat).encode(), opcode=1)
            for pair in self.pairs:
                if pair.is_listening:
                    pair.sockets[-1].send(frame)


def _ignored(_: bytes) -> None:
    pass


def _end_clock(body: bytes) -> int:
    """The typist's next clock behind a frame with an update."""
    _, start = read_uint(body, 2)
    whole = update.decode(body[start:], DOCUMENT_LIMITS)
    return max((block.end for block in whole.blocks if block.client == TYPIST_ID), default=0)
