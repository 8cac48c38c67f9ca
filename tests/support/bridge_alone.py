"""The plans of `bridge_plan` at one bridge: side 0 types in its editor, side 1 directly into the shared text.

The shared text is bytes instead of a CRDT and the second editor is left out, so that a plan costs a fraction and a million
random operations fit into every run of the tests. What both libraries of that kind do is shown by the whole plans.
"""

import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import assert_never

from cm_lsp.sharing.bridge import Bridge
from cm_lsp.sharing.bridge_messages import (
    Authority,
    AwaitBarrier,
    ChangeCrdt,
    EditId,
    Effect,
    SendEdit,
)
from cm_lsp.sharing.shared_text import shared_text
from tests.support import bridge_plan
from tests.support.bridge_plan import KINDS, Action, Outcome, Plan
from tests.support.lsp_positions import plain
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
from tests.support.simulated_network import PIPE, Link, SimulatedTime

TICK_MS = 300
RESTS_MAX = 200


class Alone:
    def __init__(self, plan: Plan) -> None:
        habits, profile = KINDS[plan.kinds[0]]
        rng = random.Random(f"alone {plan.seed}")
        self.time = SimulatedTime()
        self.crdt = bytearray(plan.start.encode())
        self.deleted: Counter[str] = Counter()
        self.editor = SimulatedEditor(self.time, rng, habits, plan.start, self._to_server)
        self._up: Link[ToServer] = Link(self.time, rng, self._from_editor, PIPE)
        self._down: Link[Callable[[], None]] = Link(self.time, rng, lambda act: act(), PIPE)
        authority = rng.choice(tuple(Authority))
        self.shared, taken_out = shared_text(plan.start)
        self.bridge = Bridge(
            self.shared, profile=profile, encoding=habits.encoding, authority=authority
        )
        self._do(list(taken_out))
        self.editor.open()

    def act(self, action: Action) -> None:
        if action.side == 0:
            length = len(self.editor.text)
            start = length * action.place // 1000
            self.deleted.update(self.editor.type(start, start + action.size, action.text))
        else:
            self._remote(action)

    def tick(self) -> None:
        if self.editor.habits.pulls:
            self.editor.ask()
        self._do(self.bridge.tick(self.time.now_ms))

    def check(self) -> None:
        assert self.bridge.standing.is_consistent(), "shadow, in flight and queue are not the text"
        assert str(self.shared.text) == self.crdt.decode(), "the shared text was not followed"

    def texts(self) -> list[str]:
        shadow = str(self.bridge.standing.shadow)
        return [plain(self.editor.text), shadow, self.crdt.decode()]

    def _remote(self, action: Action) -> None:
        letters = self.crdt.decode()
        start = len(letters) * action.place // 1000
        removed = letters[start : start + action.size]
        self.deleted.update(removed)
        first, gone = len(letters[:start].encode()), len(removed.encode())
        self.crdt[first : first + gone] = action.text.encode()
        delta: list[dict[str, object]] = [
            {"retain": first},
            {"insert": action.text},
            {"delete": gone},
        ]
        remote = self.shared.operation_of([part for part in delta if any(part.values())])
        self._do(self.bridge.remote(remote))
        self._do(self.bridge.pump(self.time.now_ms))

    def _to_server(self, message: ToServer) -> None:
        self._up.send(message)

    def _from_editor(self, message: ToServer) -> None:
        bridge, now_ms = self.bridge, self.time.now_ms
        match message:
            case Reported(version, changes):
                self._do(bridge.changed(version, changes, now_ms))
            case Answered(edit_id, applied, version):
                answer = EditId(edit_id)
                self._do(bridge.answered(answer, applied=applied, version=version, now_ms=now_ms))
            case BarrierPassed(edit_id):
                self._do(bridge.barrier_passed(EditId(edit_id), now_ms))
            case Asked(version):
                self._down.send(partial(self.editor.take, version, bridge.offer()))
            case Opened(version, text):
                self._do(bridge.opened(text, version, now_ms))
            case Closed():
                self._do(bridge.closed(now_ms))
            case _:
                assert_never(message)

    def _to_editor(self, message: SendEdit | AwaitBarrier) -> None:
        if isinstance(message, SendEdit):
            self.editor.receive(message)
        elif self.editor.habits.answers_barrier:
            self.editor.barrier(message.id)

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, ChangeCrdt):
                for edit in effect.edits:
                    self.crdt[edit.start : edit.end] = edit.text.encode()
            else:
                self._down.send(partial(self._to_editor, effect))


def carry_out(plan: Plan) -> Outcome:
    """To rest; what is wrong with the text on the way there raises."""
    alone = Alone(plan)
    for action in plan.actions:
        alone.time.after(action.at_ms, partial(alone.act, action))
    last_ms = plan.actions[-1].at_ms if plan.actions else 0
    for at_ms in range(0, last_ms, TICK_MS):
        alone.time.after(at_ms, alone.tick)
    alone.time.run()
    for _ in range(RESTS_MAX):
        if len(set(alone.texts())) == 1:
            break
        alone.time.after(TICK_MS, alone.tick)
        alone.time.run()
    alone.check()
    return bridge_plan.outcome_of(plan, alone.texts(), alone.deleted)
