"""A bridge whose shared text is bytes instead of a CRDT: what the random tests of one bridge alone have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import assert_never

from cm_lsp.sharing.bridge import Bridge
from cm_lsp.sharing.bridge_messages import (
    Authority,
    AwaitBarrier,
    ChangeCrdt,
    EditId,
    Effect,
    SendEdit,
    TextEdit,
)
from cm_lsp.sharing.client_profiles import ClientProfile
from cm_lsp.sharing.positions import PositionEncoding
from cm_lsp.sharing.shared_text import shared_text
from tests.support.simulated_editor import (
    Answered,
    Asked,
    BarrierPassed,
    Closed,
    Opened,
    Reported,
    SimulatedEditor,
    ToServer,
)


@dataclass(frozen=True, slots=True)
class Offered:
    """To the user of an editor that pulls, who asked at that version."""

    version: int
    edits: tuple[TextEdit, ...]


Told = Opened | Closed | Reported | Answered | BarrierPassed
ToEditor = SendEdit | AwaitBarrier | Offered


class BridgeByBytes:
    """`send` is given what goes to the editor."""

    def __init__(
        self,
        start: str,
        profile: ClientProfile,
        encoding: PositionEncoding,
        authority: Authority,
        send: Callable[[ToEditor], None],
    ) -> None:
        self.crdt = bytearray(start.encode())
        self._send = send
        self.shared, taken_out = shared_text(start)
        self.bridge = Bridge(self.shared, profile=profile, encoding=encoding, authority=authority)
        self._do(taken_out)

    def hear(self, message: ToServer, now_ms: int) -> None:
        if isinstance(message, Asked):
            self._send(Offered(message.version, self.bridge.offer()))
        else:
            self._do(heard(self.bridge, message, now_ms))

    def other_types(self, place: int, size: int, text: str) -> str:
        """At a thousandth of the text, over so many code points; what was there. Nothing is sent before `frame_ends`."""
        letters = self.crdt.decode()
        start = len(letters) * place // 1000
        removed = letters[start : start + size]
        first, gone = len(letters[:start].encode()), len(removed.encode())
        self.crdt[first : first + gone] = text.encode()
        delta: list[dict[str, object]] = [{"retain": first}, {"insert": text}, {"delete": gone}]
        changed = self.shared.operation_of([part for part in delta if any(part.values())])
        self._do(self.bridge.remote(changed))
        return removed

    def frame_ends(self, now_ms: int) -> None:
        self._do(self.bridge.pump(now_ms))

    def tick(self, now_ms: int) -> None:
        self._do(self.bridge.tick(now_ms))

    def check(self) -> None:
        assert self.bridge.standing.is_consistent(), "shadow, in flight and queue are not the text"
        assert str(self.shared.text) == self.crdt.decode(), "the shared text was not followed"

    def _do(self, effects: Sequence[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, ChangeCrdt):
                for edit in effect.edits:
                    self.crdt[edit.start : edit.end] = edit.text.encode()
            else:
                self._send(effect)


def reach(editor: SimulatedEditor, message: ToEditor) -> None:
    match message:
        case SendEdit():
            editor.receive(message)
        case Offered(version, edits):
            editor.take(version, edits)
        case AwaitBarrier(edit_id):
            if editor.habits.answers_barrier:
                editor.barrier(edit_id)
        case _:
            assert_never(message)


def heard(bridge: Bridge, message: Told, now_ms: int) -> list[Effect]:
    """What a bridge makes of a message of a simulated editor's."""
    match message:
        case Opened(version, text):
            return bridge.opened(text, version, now_ms)
        case Closed():
            return bridge.closed(now_ms)
        case Reported(version, changes):
            return bridge.changed(version, changes, now_ms)
        case Answered(edit_id, applied, version):
            answer = EditId(edit_id)
            return bridge.answered(answer, applied=applied, version=version, now_ms=now_ms)
        case BarrierPassed(edit_id):
            return bridge.barrier_passed(EditId(edit_id), now_ms)
        case _:
            assert_never(message)
