"""A mentor without an editor: what `cm-lsp conformance` plays the other side with.

Owns a mentor's connection, the last thing each fact said, and a copy of the session's document to read and write. Speaks to the
server as any `cm-lsp` does; the learner's editor cannot tell the difference.
"""

import asyncio
import random
from collections.abc import Coroutine
from typing import Any, Final

from cm_lsp import settings
from cm_lsp.session.sync import Sync
from cm_lsp.sharing import document as session_documents
from cm_lsp.sharing import places
from cm_lsp.sharing.bridge_messages import ChangeCrdt, Utf8Edit
from cm_lsp.sharing.document import Delta
from cm_lsp.sharing.edits import Operation
from cm_lsp.sharing.positions import Utf8Offset
from cm_lsp.to_server.backoff import Backoff
from cm_lsp.to_server.channel import DocumentChannel
from cm_lsp.to_server.link import Link, LinkState
from cm_lsp.to_server.outbox import Outbox
from cm_wire.asking import OfferView
from cm_wire.ids import CommandId, FilePath
from cm_wire.session import ChatLine, MeterView, SessionView
from cm_wire.to_client import ChatSaid, Fact, MeterMoved, OfferMade, Result, SessionChanged
from cm_wire.to_server import Command
from cm_wire.yjs import awareness
from cm_wire.yjs.awareness import Cursor, Entry, State

CLIENT: Final = "cm-lsp conformance"


class ScriptedMentor:
    """`changed` is set whenever something below is another than before. It is a `Listener` of the document's frames."""

    def __init__(self, read: settings.Settings, randomness: random.Random) -> None:
        self._settings = read
        self._randomness = randomness
        self._tasks: set[asyncio.Task[object]] = set()
        self._sync = Sync("mentor", self)
        self._channel: DocumentChannel | None = None
        self._cursor_clock = 0
        self.changed = asyncio.Event()
        self.offer: OfferView | None = None
        self.session: SessionView | None = None
        self.meter: MeterView | None = None
        self.chat: list[ChatLine] = []
        self.cursors: dict[int, Cursor | None] = {}
        self._link = Link(
            read.server_url,
            read.token,
            client=CLIENT,
            outbox=Outbox(lambda: CommandId(f"{randomness.getrandbits(96):024x}")),
            backoff=Backoff(randomness),
            on_fact=self._take,
            on_state=self._link_changed,
        )

    @property
    def connection(self) -> LinkState:
        return self._link.state

    def start(self) -> None:
        self._run(self._link.run())

    async def stop(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def send(self, command: Command) -> Result:
        """Raises `faults.Refused`."""
        return await self._link.command(command)

    # The document.

    def path(self) -> FilePath | None:
        """The first file that is shared."""
        document = self._sync.document
        return min(document.paths(), default=None) if document is not None else None

    def text(self) -> str:
        document, path = self._sync.document, self.path()
        return document.text(path) if document is not None and path is not None else ""

    def insert(self, offset: int, text: str) -> None:
        """`offset` in code points."""
        document, path = self._sync.document, self.path()
        assert document is not None
        assert path is not None
        assert self._channel is not None
        at = Utf8Offset(len(document.text(path)[:offset].encode()))
        updates = document.change(path, ChangeCrdt(Operation(()), (Utf8Edit(at, at, text),)))
        self._channel.send_updates(updates)

    def show_cursor(self, offset: int) -> None:
        document, path = self._sync.document, self.path()
        assert document is not None
        assert path is not None
        assert self._channel is not None
        units = len(document.text(path)[:offset].encode("utf-16-le")) // 2
        place = places.place_at(document.shown_pieces(path), units)
        self._cursor_clock += 1
        state = State(cursor=Cursor(str(path), place, place))
        entry = awareness.entry_of(document.author, self._cursor_clock, state)
        self._channel.show_cursor(awareness.encode([entry]))

    def learners_offset(self) -> int | None:
        """Where the learner's cursor is, in UTF-16 units."""
        document, path = self._sync.document, self.path()
        for cursor in self.cursors.values():
            if document is not None and path is not None and cursor is not None:
                return places.offset_of(document.shown_pieces(path), cursor.head)
        return None

    # What the server says.

    def _take(self, fact: Fact) -> None:
        match fact:
            case OfferMade():
                self.offer = fact.offer
            case MeterMoved():
                self.meter = fact.meter
            case ChatSaid():
                self.chat.append(fact.line)
            case SessionChanged():
                self._session_changed(fact.session)
            case _:
                pass
        self.changed.set()

    def _session_changed(self, view: SessionView) -> None:
        if self._channel is None and view.state not in {"ended", "closed"}:
            self._channel = DocumentChannel(
                self._settings.server_url,
                view.session_id,
                self._settings.token,
                client=CLIENT,
                backoff=Backoff(self._randomness),
                peer=self._sync,
                merged=session_documents.merged,
            )
            self._run(self._channel.run())
        self.session = view

    def _link_changed(self, _: LinkState) -> None:
        self.changed.set()

    # `sync.Listener`.

    def document_began(self) -> None:
        self.changed.set()

    def files_changed(self) -> None:
        self.changed.set()

    def text_changed(self, path: FilePath, delta: Delta, /) -> None:
        """`texts_settled` follows."""

    def texts_settled(self) -> None:
        self.changed.set()

    def cursors_moved(self, entries: list[Entry], /) -> None:
        document = self._sync.document
        for entry in entries:
            if document is not None and entry.client != document.author:
                state = awareness.read_state(entry)
                self.cursors[entry.client] = state.cursor if state is not None else None
        self.changed.set()

    def connection_changed(self, *, is_connected: bool) -> None:  # noqa: ARG002 - the texts tell enough
        self.changed.set()

    def update_refused(self, reason: str, /) -> None:
        raise AssertionError(f"the server relayed what must not be: {reason}")

    def _run(self, work: Coroutine[Any, Any, object]) -> None:
        self._tasks.add(asyncio.get_running_loop().create_task(work))
