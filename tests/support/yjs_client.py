"""A person's Yjs client on a real websocket: pycrdt for the document, the standard wire for the rest."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from pycrdt import Doc, Map, Subscription, Text
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from cm_wire import limits
from cm_wire.yjs import awareness, sync_frames
from cm_wire.yjs.sync_frames import AwarenessFrame, SyncStep1, SyncStep2, SyncUpdate


class YjsClient:
    """`changed` is set after every frame; `waiting_for` waits for a condition on the client."""

    def __init__(self, socket: ClientConnection, doc: "Doc[Any] | None", plain: bool) -> None:
        self.socket = socket
        assert socket.response is not None
        self.client_id = int(socket.response.headers.get("Codementor-Yjs-Client", "0"))
        # A plain client does not look at the header and keeps the id its library chose.
        self.doc: Doc[Any] = doc or (Doc() if plain else Doc(client_id=self.client_id))
        self.cursors: dict[int, awareness.Entry] = {}
        self.heard_awareness = 0
        self.updates_seen = 0
        self.steps_1_seen = 0
        self.closed_with: int | None = None
        self.close_reason = ""
        self.changed = asyncio.Event()
        self.answers = 0
        self._is_remote = False
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue()
        self._subscription: Subscription | None = self.doc.observe(self._on_change)

    async def run(self) -> None:
        sending = asyncio.create_task(self._send())
        try:
            await self.socket.send(sync_frames.encode_step_1(self.doc.get_state()))
            async for frame in self.socket:
                await self._receive(frame)
                self._wake()
        except ConnectionClosed:
            pass
        finally:
            sending.cancel()
            await asyncio.gather(sending, return_exceptions=True)
            self.closed_with = self.socket.close_code
            self.close_reason = self.socket.close_reason or ""
            self._wake()

    @property
    def is_synced(self) -> bool:
        return self.answers > 0

    def text(self, path: str = "a.py") -> Text:
        files = self.doc.get("files", type=Map)
        return files[path]

    def read(self, path: str = "a.py") -> str | None:
        files = self.doc.get("files", type=Map)
        return str(files[path]) if path in files else None

    async def waiting_for(
        self, condition: Callable[["YjsClient"], bool], seconds: float = 20
    ) -> None:
        async with asyncio.timeout(seconds):
            while not condition(self):
                self.changed.clear()
                await self.changed.wait()

    async def send(self, frame: bytes) -> None:
        await self.socket.send(frame)

    async def send_cursor(self, entry: awareness.Entry) -> None:
        await self.send(sync_frames.encode_awareness(awareness.encode([entry])))

    async def stop(self) -> None:
        self.mute()
        await self.socket.close()

    def mute(self) -> None:
        """What is typed from now on is not sent."""
        if self._subscription is not None:
            self.doc.unobserve(self._subscription)
            self._subscription = None

    def _wake(self) -> None:
        self.changed.set()

    async def _receive(self, frame: str | bytes) -> None:
        assert isinstance(frame, bytes)
        match sync_frames.decode(frame, limits.FIRST_SYNC_BYTES_MAX):
            case SyncStep1(state):
                self.steps_1_seen += 1
                await self.socket.send(sync_frames.encode_step_2(self.doc.get_update(state)))
            case SyncStep2(update):
                self.hear(update)
                self.answers += 1
            case SyncUpdate(update):
                self.updates_seen += 1
                self.hear(update)
            case AwarenessFrame(payload):
                self.heard_awareness += 1
                self.cursors.update({e.client: e for e in awareness.decode(payload)})
            case _:
                raise AssertionError(f"the server sent {frame[:2]!r}")

    def hear(self, update: bytes) -> None:
        """Take what somebody else wrote, from wherever it comes."""
        self._is_remote = True
        try:
            self.doc.apply_update(update)
        finally:
            self._is_remote = False

    def _on_change(self, event: Any) -> None:
        if not self._is_remote and event.update != b"\0\0":
            self._outgoing.put_nowait(sync_frames.encode_update(event.update))

    async def _send(self) -> None:
        while True:
            await self.socket.send(await self._outgoing.get())


@asynccontextmanager
async def joined(
    url: str,
    token: str,
    *,
    client: int | None = None,
    doc: "Doc[Any] | None" = None,
    plain: bool = False,
    until_synced: bool = True,
) -> AsyncIterator[YjsClient]:
    address = url if client is None else f"{url}?client={client}"
    headers = {"Authorization": f"Bearer {token}"}
    async with connect(
        address, additional_headers=headers, compression=None, max_size=None, proxy=None
    ) as socket:
        person = YjsClient(socket, doc, plain)
        running = asyncio.create_task(person.run())
        try:
            if until_synced:
                await person.waiting_for(lambda c: c.is_synced or c.closed_with is not None)
            yield person
        finally:
            await person.stop()
            await running
