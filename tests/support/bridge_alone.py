"""The plans of `bridge_plan` at one bridge: side 0 types in its editor, side 1 directly into the shared text.

The shared text is bytes instead of a CRDT and the second editor is left out, so that a plan costs a fraction and a million
random operations fit into every run of the tests. What both libraries of that kind do is shown by the whole plans.
"""

import random
from collections import Counter
from functools import partial

from cm_lsp.sharing.bridge_messages import Authority
from tests.support import bridge_by_bytes, bridge_plan
from tests.support.bridge_by_bytes import BridgeByBytes, ToEditor
from tests.support.bridge_plan import KINDS, Action, Outcome, Plan
from tests.support.lsp_positions import plain
from tests.support.simulated_editor import SimulatedEditor, ToServer
from tests.support.simulated_network import PIPE, Link, SimulatedTime

TICK_MS = 300
RESTS_MAX = 200


class Alone:
    def __init__(self, plan: Plan) -> None:
        habits, profile = KINDS[plan.kinds[0]]
        rng = random.Random(f"alone {plan.seed}")
        self.time = SimulatedTime()
        self.deleted: Counter[str] = Counter()
        self.editor = SimulatedEditor(self.time, rng, habits, plan.start, self._to_server)
        self._up: Link[ToServer] = Link(self.time, rng, self._from_editor, PIPE)
        self._down: Link[ToEditor] = Link(
            self.time, rng, partial(bridge_by_bytes.reach, self.editor), PIPE
        )
        authority = rng.choice(tuple(Authority))
        self.side = BridgeByBytes(plan.start, profile, habits.encoding, authority, self._down.send)
        self.editor.open()

    def act(self, action: Action) -> None:
        if action.side == 0:
            length = len(self.editor.text)
            start = length * action.place // 1000
            self.deleted.update(self.editor.type(start, start + action.size, action.text))
        else:
            self.deleted.update(self.side.other_types(action.place, action.size, action.text))
            self.side.frame_ends(self.time.now_ms)

    def tick(self) -> None:
        if self.editor.habits.pulls:
            self.editor.ask()
        self.side.tick(self.time.now_ms)

    def texts(self) -> list[str]:
        shadow = str(self.side.bridge.standing.shadow)
        return [plain(self.editor.text), shadow, self.side.crdt.decode()]

    def _to_server(self, message: ToServer) -> None:
        self._up.send(message)

    def _from_editor(self, message: ToServer) -> None:
        self.side.hear(message, self.time.now_ms)


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
    alone.side.check()
    return bridge_plan.outcome_of(plan, alone.texts(), alone.deleted)
