"""One bridge, one editor, a CRDT made of bytes; Hypothesis decides what happens next.

Where the plans of `test_bridge_convergence` let time decide the order of messages, here every order can
come up, and each step is checked: the bridge's account adds up, and cursors are where they can be.
"""

import random
from collections import deque

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from cm_lsp.sharing.bridge_messages import Authority, SendEdit
from cm_lsp.sharing.positions import Utf8Offset
from tests.support.bridge_by_bytes import BridgeByBytes, ToEditor, reach
from tests.support.bridge_plan import KINDS, STARTS
from tests.support.lsp_positions import plain
from tests.support.simulated_editor import SimulatedEditor, ToServer
from tests.support.simulated_network import SimulatedTime

PLACES = st.integers(0, 1000)
PIECES = st.text(alphabet="ab\n\t é\u0301😀\u2028\x00", min_size=0, max_size=4)


class OneBridge(RuleBasedStateMachine):
    @initialize(
        kind=st.sampled_from(sorted(KINDS)),
        authority=st.sampled_from(Authority),
        start=st.sampled_from(STARTS),
        on_disk=st.sampled_from(["same", "other"]),
        seed=st.integers(0, 1000),
    )
    def begin(self, kind: str, authority: Authority, start: str, on_disk: str, seed: int) -> None:
        habits, profile = KINDS[kind]
        self.encoding = habits.encoding
        self.time = SimulatedTime()
        self.to_server: deque[ToServer] = deque()
        self.to_editor: deque[ToEditor] = deque()
        text = start if on_disk == "same" else "other\n" + start
        self.editor = SimulatedEditor(
            self.time, random.Random(seed), habits, text, self.to_server.append
        )
        self.side = BridgeByBytes(start, profile, habits.encoding, authority, self.to_editor.append)
        self.bridge = self.side.bridge
        self.editor.open()

    @precondition(lambda self: self.editor.is_open)
    @rule(place=PLACES, size=st.integers(0, 4), text=PIECES)
    def user_types(self, place: int, size: int, text: str) -> None:
        start = len(self.editor.text) * place // 1000
        self.editor.type(start, start + size, text)

    @precondition(lambda self: self.editor.is_open)
    @rule(what=st.sampled_from(["undo", "redo", "save", "revert", "format", "flush"]))
    def user_does(self, what: str) -> None:
        if what == "format":
            self.editor.format(lambda text: text.replace("a", "A  ").replace("\t", "    "))
        else:
            getattr(self.editor, what)()

    @precondition(lambda self: self.editor.habits.pulls)
    @rule()
    def user_asks_for_changes(self) -> None:
        self.editor.ask()

    @rule()
    def user_closes_or_opens(self) -> None:
        if self.editor.is_open:
            self.editor.close()
        else:
            self.editor.open()

    @rule(place=PLACES, size=st.integers(0, 4), text=PIECES | st.just("\r\n") | st.just("x\ry"))
    def other_person_types(self, place: int, size: int, text: str) -> None:
        self.side.other_types(place, size, text)

    @rule()
    def frame_ends(self) -> None:
        self.side.frame_ends(self.time.now_ms)

    @precondition(lambda self: self.to_server)
    @rule()
    def message_reaches_the_server(self) -> None:
        self.side.hear(self.to_server.popleft(), self.time.now_ms)

    @precondition(lambda self: self.to_editor)
    @rule()
    def message_reaches_the_editor(self) -> None:
        message = self.to_editor.popleft()
        reach(self.editor, message)
        if isinstance(message, SendEdit):
            self.time.advance(self.editor.habits.confirm_ms)

    @rule(by_ms=st.sampled_from([1, 50, 300, 2500]))
    def time_passes(self, by_ms: int) -> None:
        self.time.advance(by_ms)
        self.side.tick(self.time.now_ms)

    @invariant()
    def the_account_adds_up(self) -> None:
        self.side.check()

    @invariant()
    def cursors_are_where_they_can_be(self) -> None:
        text = self.side.crdt.decode()
        # A closed document will be opened with the shared text.
        standing = self.bridge.standing
        there = standing.shadow if self.bridge.is_open else standing.shared.text
        encoding = self.encoding
        places = [Utf8Offset(len(text[:at].encode())) for at in range(len(text) + 1)]
        positions = [self.bridge.to_editor(place) for place in places]
        assert positions == sorted(positions)
        for position in positions[:: max(1, len(positions) // 8)]:
            assert there.position_at(there.offset_at(position, encoding), encoding) == position
            assert self.bridge.to_crdt(position) in places

    def teardown(self) -> None:
        if not hasattr(self, "editor"):
            return
        if not self.editor.is_open:
            self.editor.open()
        for _ in range(200):
            self.time_passes(300)
            if self.editor.habits.pulls:
                self.editor.ask()
            while self.to_server or self.to_editor:
                if self.to_server:
                    self.message_reaches_the_server()
                if self.to_editor:
                    self.message_reaches_the_editor()
            if self.texts() == {self.side.crdt.decode()}:
                break
        assert self.texts() == {self.side.crdt.decode()}

    def texts(self) -> set[str]:
        return {plain(self.editor.text), str(self.bridge.standing.shadow)}


TestOneBridge = OneBridge.TestCase
TestOneBridge.settings = settings(max_examples=120, stateful_step_count=40, deadline=None)
