"""A language server's end of a session's document on a real socket, without an editor.

Owns the real `Sync` and `DocumentChannel` of one person, and what went over the line. Does not own what is typed.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from random import Random

from cm_lsp.session.sync import Sync
from cm_lsp.sharing import document
from cm_lsp.sharing.bridge_messages import ChangeCrdt, Utf8Edit
from cm_lsp.sharing.document import Delta, SessionDocument
from cm_lsp.sharing.positions import Utf8Offset
from cm_lsp.to_server.backoff import Backoff
from cm_lsp.to_server.channel import DocumentChannel
from cm_wire import limits
from cm_wire.ids import ConnectionId, FilePath, PersonId, YjsClientId
from cm_wire.session import Role
from cm_wire.to_client import EditsStored, Happened
from cm_wire.yjs import sync_frames
from cm_wire.yjs.awareness import Entry
from cm_wire.yjs.sync_frames import Frame
from tests.support.document_server import LEARNER, SESSION, DocumentServer
from tests.support.waiting import until

PATH = FilePath("a.py")
PATIENCE = 20.0


class Member(Sync):
    """A language server's end of the document without an editor; `heard` and `said` are the frames of this connection."""

    def __init__(self, role: Role) -> None:
        super().__init__(role, self)
        self.heard: list[Frame] = []
        self.said: list[Frame] = []
        self.channel: DocumentChannel | None = None
        self.resumed: list[bool] = []

    @property
    def copy(self) -> SessionDocument:
        assert self.document is not None
        return self.document

    def read(self) -> str | None:
        if self.document is None or PATH not in self.document.paths():
            return None
        return self.document.text(PATH)

    def edit(self, start: int, end: int, text: str) -> None:
        assert self.channel is not None
        change = Utf8Edit(Utf8Offset(start), Utf8Offset(end), text)
        self.channel.send_updates(self.copy.change(PATH, ChangeCrdt((), (change,))))

    def told(self, happened: Happened) -> None:
        if isinstance(happened.fact, EditsStored) and self.document is not None:
            self.document.stored(happened.fact.client, happened.fact.clock)

    # The channel's peer.

    def connected(
        self, author: YjsClientId, seed: YjsClientId, *, is_resumed: bool = False
    ) -> list[bytes]:
        self.heard, self.said = [], []
        self.resumed.append(is_resumed)
        frames = super().connected(author, seed, is_resumed=is_resumed)
        self.said += map(sync_frames.decode, frames)
        return frames

    def received(self, frame: bytes) -> list[bytes]:
        self.heard.append(sync_frames.decode(frame, limits.FIRST_SYNC_BYTES_MAX))
        frames = super().received(frame)
        self.said += map(sync_frames.decode, frames)
        return frames

    # `sync.Listener`.

    def document_began(self) -> None: ...
    def files_changed(self) -> None: ...
    def text_changed(self, path: FilePath, delta: Delta, /) -> None: ...
    def texts_settled(self) -> None: ...
    def cursors_moved(self, entries: list[Entry], /) -> None: ...
    def connection_changed(self, *, is_connected: bool) -> None: ...

    def update_refused(self, reason: str, /) -> None:
        raise AssertionError(reason)


@asynccontextmanager
async def member(server: DocumentServer, person: PersonId, port: int) -> AsyncIterator[Member]:
    sync = Member("learner" if person == LEARNER else "mentor")
    sync.channel = DocumentChannel(
        f"http://127.0.0.1:{port}",
        SESSION,
        person,
        client="test",
        backoff=Backoff(Random(1)),
        peer=sync,
        merged=document.merged,
    )
    server.hub.connect(person, ConnectionId(person), sync.told)
    running = asyncio.create_task(sync.channel.run())
    try:
        await until(lambda: sync.read() is not None, "the document is here", PATIENCE)
        yield sync
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
