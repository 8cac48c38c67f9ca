"""One person in a simulated session: an editor, the real `Sync` and `Buffer` of its language server, and a socket.

Simulated are the editor, its pipe and, below the socket, the network. Does not own when what happens (`session_plan`).
"""

import asyncio
import random
from collections.abc import Callable
from functools import partial
from typing import cast

from cm_lsp.session.sync import Sync
from cm_lsp.sharing import positions
from cm_lsp.sharing.bridge_messages import Authority, SendEdit, Typing
from cm_lsp.sharing.buffer import Buffer, EditorSide
from cm_lsp.sharing.document import Delta
from cm_lsp.sharing.indexed_text import IndexedText
from cm_server.session import document
from cm_wire.ids import FilePath, YjsClientId
from cm_wire.session import Role
from cm_wire.to_client import EditsStored, Happened
from cm_wire.yjs.awareness import Entry
from tests.support.bridge_plan import KINDS, Action
from tests.support.lsp_positions import plain
from tests.support.simulated_editor import (
    Answered,
    BarrierPassed,
    Closed,
    Opened,
    Reported,
    SimulatedEditor,
    ToServer,
)
from tests.support.simulated_loop import LoopTime
from tests.support.simulated_network import PIPE, Link
from tests.support.simulated_room import PATH

ANSWER_SECONDS = 30.0


class EditorUser:
    """Types in a simulated editor. Peer of a socket, which is told by `send_updates` what is typed."""

    def __init__(
        self, time: LoopTime, rng: random.Random, number: int, kind: str, start: str
    ) -> None:
        habits, self._profile = KINDS[kind]
        role: Role = "learner" if number == 0 else "mentor"
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
        self.send_updates: Callable[[list[bytes]], None] = lambda _: None
        self.send: Callable[[list[bytes]], None] = lambda _: None

    def act(self, action: Action) -> str:
        """Carry out what a plan says, and return what that deleted."""
        editor = self.editor
        if not editor.is_open:
            return ""
        start = len(editor.text) * action.place // 1000
        match action.what:
            case "type" | "delete" | "replace":
                return editor.type(start, start + action.size, action.text)
            case "format":
                editor.format(lambda text: text.replace("\t", "    "))
            case "reopen" | "rename":
                editor.close()
                editor.time.after(10 * action.size, editor.open)
            case "undo" | "redo" | "save" | "revert":
                getattr(editor, action.what)()
            case _:
                pass
        return ""

    def tick(self) -> None:
        if self.buffer is not None:
            self.buffer.tick()
        if (query := self.sync.query()) is not None:
            self.send([query])

    def texts(self) -> list[str]:
        """Everywhere this person has the text; at rest they are one."""
        assert self.sync.document is not None
        assert self.buffer is not None
        assert self.sync.document.unstored_count == 0, "an edit was never acknowledged"
        return [plain(self.editor.text), self.sync.document.text(PATH), self.buffer.text()]

    def stop(self) -> None: ...

    # The socket's peer.

    @property
    def resume_after(self) -> int | None:
        return self.sync.resume_after

    def connected(self, client: YjsClientId, *, is_resumed: bool) -> list[bytes]:
        return self.sync.connected(client, document.SEED_CLIENT_ID, is_resumed=is_resumed)

    def received(self, frame: bytes) -> list[bytes]:
        return self.sync.received(frame)

    def disconnected(self) -> None:
        self.sync.disconnected()

    def told(self, happened: Happened) -> None:
        fact = happened.fact
        if isinstance(fact, EditsStored) and self.sync.document is not None:
            self.sync.document.stored(fact.client, fact.clock)

    def _send_updates(self, updates: list[bytes]) -> None:
        if self.sync.may_send:
            self.send_updates(updates)

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
