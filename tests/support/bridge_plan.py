"""Two simulated editors, two bridges, two CRDT documents and a network: a plan says who does what when.

A plan is a value that can be saved and replayed; all delays follow from its seed. `carry_out` runs it
to rest and says what became of the text.
"""

import random
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, assert_never

import msgspec
from pycrdt import Doc, Subscription, Text, TextEvent

from cm_lsp.sharing.bridge import Bridge
from cm_lsp.sharing.bridge_messages import (
    Authority,
    AwaitBarrier,
    ChangeCrdt,
    Effect,
    SendEdit,
)
from cm_lsp.sharing.client_profiles import UNCHECKED, ClientProfile, profile_of
from cm_lsp.sharing.positions import PositionEncoding
from cm_lsp.sharing.shared_text import shared_text
from tests.support import bridge_by_bytes
from tests.support.editor_habits import Answer, Habits, VersionCheck
from tests.support.lsp_positions import plain
from tests.support.simulated_editor import (
    Asked,
    SimulatedEditor,
    ToServer,
)
from tests.support.simulated_network import INTERNET, PIPE, Link, SimulatedTime, Weather

STANDARD = profile_of(None, applies_edits=True, rebases=False)
NEOVIM = profile_of("Neovim", applies_edits=True, rebases=False)
LIAR = ClientProfile(truthful=False, checks_version_zero=False)
PLUGIN = profile_of("Neovim", applies_edits=True, rebases=True)
PULLING = profile_of(None, applies_edits=False, rebases=False)
UTF8, UTF32 = PositionEncoding.UTF8, PositionEncoding.UTF32

KINDS: Mapping[str, tuple[Habits, ClientProfile]] = {
    "strict": (Habits(), STANDARD),
    "strict, crlf": (Habits(line_end="\r\n"), STANDARD),
    "strict, whole text": (Habits(whole_text=True), STANDARD),
    "strict, whole text, debounced": (Habits(whole_text=True, debounce_ms=150), STANDARD),
    "answer first": (Habits(report_first=False), STANDARD),
    "strict, slow": (Habits(confirm_ms=4_000), STANDARD),
    "leaky": (Habits(version_check=VersionCheck.LEAKY), STANDARD),
    "leaky, debounced": (Habits(version_check=VersionCheck.LEAKY, debounce_ms=50), STANDARD),
    "emacs, code points": (
        Habits(encoding=UTF32, report_first=True),
        profile_of("emacs", applies_edits=True, rebases=False),
    ),
    "eglot, error answers": (Habits(debounce_ms=500, idle=True), STANDARD),
    "eglot, asks each time": (Habits(debounce_ms=100, idle=True, confirm_ms=60), STANDARD),
    "neovim": (
        Habits(
            VersionCheck.NEWER,
            Answer.ALWAYS_YES,
            debounce_ms=150,
            answers_barrier=True,
            encoding=UTF8,
            first_version=0,
            keeps_final_newline=True,
        ),
        NEOVIM,
    ),
    "liar": (Habits(VersionCheck.NEWER, Answer.ALWAYS_YES), LIAR),
    "liar, debounced": (Habits(VersionCheck.NEWER, Answer.ALWAYS_YES, debounce_ms=150), LIAR),
    "liar, whole text": (
        Habits(VersionCheck.NEWER, Answer.ALWAYS_YES, debounce_ms=150, whole_text=True),
        LIAR,
    ),
    "silent": (Habits(answer=Answer.NEVER), STANDARD),
    "sloppy": (Habits(VersionCheck.NONE, Answer.ALWAYS_YES), UNCHECKED),
    "sloppy, debounced": (Habits(VersionCheck.NONE, Answer.ALWAYS_YES, debounce_ms=150), UNCHECKED),
    "sloppy, whole text": (
        Habits(VersionCheck.NONE, Answer.ALWAYS_YES, debounce_ms=100, whole_text=True),
        UNCHECKED,
    ),
    "pulls": (Habits(answer=Answer.NEVER, pulls=True), PULLING),
    "pulls, whole text": (
        Habits(VersionCheck.NONE, Answer.NEVER, debounce_ms=200, whole_text=True, pulls=True),
        PULLING,
    ),
    "pulls, sloppy": (Habits(VersionCheck.NONE, Answer.NEVER, pulls=True), PULLING),
    "plugin": (Habits(rebases=True, encoding=UTF8), PLUGIN),
    "plugin, debounced": (Habits(rebases=True, debounce_ms=50, encoding=UTF8), PLUGIN),
    "plugin, slow": (Habits(rebases=True, confirm_ms=4_000), PLUGIN),
    "plugin, crlf": (Habits(rebases=True, line_end="\r\n"), PLUGIN),
    "plugin, final newline": (Habits(rebases=True, keeps_final_newline=True), PLUGIN),
}

ASKS = 0.1
"""How often at a tick the user of an editor that pulls asks for what others changed."""


class Action(msgspec.Struct, frozen=True):
    """`place` and `size` pick a range: a thousandth of the text, and code points."""

    at_ms: int
    side: int
    what: str
    place: int = 0
    size: int = 0
    text: str = ""


class Plan(msgspec.Struct, frozen=True):
    seed: int
    kinds: tuple[str, str]
    start: str
    actions: tuple[Action, ...]


@dataclass
class Outcome:
    texts: list[str] = field(default_factory=list)
    doubled: str = ""
    lost: str = ""
    counts: Counter[str] = field(default_factory=Counter)

    @property
    def converged(self) -> bool:
        return len(set(self.texts)) == 1


TYPING = ("type",) * 30 + ("delete",) * 6 + ("replace",) * 4
EVERYTHING = (
    *TYPING,
    *("undo",) * 4,
    *("redo",) * 2,
    *("format", "format", "line", "save", "revert", "reopen", "rename", "network"),
)
STARTS = (
    "αβγ\nline two 😀\n\nlast\n",
    "",
    "no final newline",
    "\tone\n\ttwo\u2028still two\x0c\x85\n\x00nul\n",
    "e\u0301 combining\n👩\u200d👩\u200d👧 family\n\n",
    "\n",
)


def make_plan(seed: int, kinds: tuple[str, str], actions: int, whats: tuple[str, ...]) -> Plan:
    rng = random.Random(f"plan {seed}")
    # Every character typed occurs once, so that a lost or doubled one is seen.
    fresh = iter([*range(0x4E00, 0x9FFF), *range(0x20000, 0x2A000)])
    faces = iter([*range(0x1F300, 0x1FAFF), *range(0x10000, 0x10FFF)])
    done: list[Action] = []
    at_ms = 0
    for _ in range(actions):
        at_ms += rng.choice((1, 3, 10, 60, 200))
        what = rng.choice(whats)
        size = 0 if what == "type" else rng.choice((1, 1, 2, 5))
        text = "" if what == "delete" else _typed(rng, fresh, faces)
        done.append(Action(at_ms, rng.randrange(2), what, rng.randrange(1001), size, text))
    return Plan(seed, kinds, rng.choice(STARTS), tuple(done))


def _typed(rng: random.Random, fresh: Any, faces: Any) -> str:
    letters = []
    for _ in range(rng.choice((1, 1, 1, 2, 4))):
        draw = rng.random()
        if draw < 0.12:
            letters.append("\n")
        elif draw < 0.16:
            letters.append(rng.choice("\t\u0301\x00\x0c\u2028"))
        else:
            letters.append(chr(next(faces if draw < 0.3 else fresh)))
    return "".join(letters)


def saved(path: Path) -> Plan:
    return msgspec.json.decode(path.read_bytes(), type=Plan)


def save(plan: Plan, path: Path) -> None:
    path.write_bytes(msgspec.json.format(msgspec.json.encode(plan), indent=1))


class Participant:
    """Editor, pipe, bridge and CRDT document of one side; carries out the bridge's effects."""

    def __init__(
        self,
        time: SimulatedTime,
        rng: random.Random,
        kind: str,
        authority: Authority,
        update: bytes,
        client_id: int,
    ) -> None:
        habits, profile = KINDS[kind]
        self.time = time
        self._rng = rng
        # Which of two texts at one place stands first is decided by these ids.
        self.doc: Doc[Any] = Doc(client_id=client_id)
        self.doc["text"] = self.crdt = Text()
        self.doc.apply_update(update)
        self._state = self.doc.get_state()
        self._local = False
        self._events: list[list[dict[str, Any]]] = []
        self._watch: Subscription = self.crdt.observe(self._observed)
        self.tell: Callable[[bytes], None] = lambda _: None
        shared, taken_out = shared_text(str(self.crdt))
        self.bridge = Bridge(shared, profile=profile, encoding=habits.encoding, authority=authority)
        self.shared = shared
        self.editor = SimulatedEditor(time, rng, habits, str(self.crdt), self._to_server)
        self._up: Link[ToServer] = Link(time, rng, self._from_editor, PIPE)
        self._down: Link[Callable[[], None]] = Link(time, rng, lambda act: act(), PIPE)
        self._do(list(taken_out))

    def _to_server(self, message: ToServer) -> None:
        self._up.send(message)

    def _from_editor(self, message: ToServer) -> None:
        if isinstance(message, Asked):
            offered = self.bridge.offer()
            self._down.send(partial(self.editor.take, message.version, offered))
        else:
            self._do(bridge_by_bytes.heard(self.bridge, message, self.time.now_ms))

    def _do(self, effects: list[Any]) -> None:
        effect: Effect
        for effect in effects:
            match effect:
                case ChangeCrdt(_, edits):
                    self._local = True
                    with self.doc.transaction():
                        for edit in edits:
                            if edit.end > edit.start:
                                del self.crdt[edit.start : edit.end]
                            if edit.text:
                                self.crdt.insert(edit.start, edit.text)
                    self._local = False
                    self._publish()
                case SendEdit():
                    self._down.send(partial(self.editor.receive, effect))
                case AwaitBarrier(edit_id):
                    if self.editor.habits.answers_barrier:
                        self._down.send(partial(self.editor.barrier, edit_id))
                case _:
                    assert_never(effect)

    def tick(self) -> None:
        if self.editor.habits.pulls and self._rng.random() < ASKS:
            self.editor.ask()
        self._do(self.bridge.tick(self.time.now_ms))

    def receive(self, update: bytes) -> None:
        self.doc.apply_update(update)
        self._state = self.doc.get_state()
        events, self._events = self._events, []
        for delta in events:
            self._do(self.bridge.remote(self.shared.operation_of(delta)))
        self._do(self.bridge.pump(self.time.now_ms))

    def _observed(self, event: TextEvent) -> None:
        if not self._local:
            self._events.append(event.delta)  # type: ignore[attr-defined]

    def _publish(self) -> None:
        update = self.doc.get_update(self._state)
        self._state = self.doc.get_state()
        self.tell(update)

    def check(self) -> None:
        assert self.bridge.standing.is_consistent(), "shadow, in flight and queue are not the text"
        assert str(self.bridge.standing.shared.text) == str(self.crdt), "the CRDT was not followed"


def carry_out(plan: Plan, weather: Weather = INTERNET, *, check_each: bool = False) -> Outcome:
    time, rng = SimulatedTime(), random.Random(f"delays {plan.seed}")
    seed: Doc[Any] = Doc(client_id=1)
    seed["text"] = Text(plan.start)
    update = seed.get_update()
    ids = rng.sample(range(2, 100), 2)
    sides = [
        Participant(time, rng, plan.kinds[0], Authority.EDITOR, update, ids[0]),
        Participant(time, rng, plan.kinds[1], Authority.CRDT, update, ids[1]),
    ]
    links = [
        Link(time, rng, sides[1].receive, weather),
        Link(time, rng, sides[0].receive, weather),
    ]
    for side, link in zip(sides, links, strict=True):
        side.tell = link.send
        side.editor.open()
    deleted: Counter[str] = Counter()
    for action in plan.actions:
        time.after(action.at_ms, partial(_act, action, sides, links, deleted))
    last_ms = plan.actions[-1].at_ms if plan.actions else 0
    for at_ms in range(last_ms + 400, last_ms + 4_400, 400):
        # Often enough that a network that loses messages does not lose them all.
        time.after(at_ms, partial(_mend, sides, links))
    for at_ms in range(0, last_ms + 40_000, 100):
        for side in sides:
            time.after(at_ms, side.tick)
            if check_each:
                time.after(at_ms, side.check)
    time.run()
    for side in sides:
        side.check()
    return _outcome(plan, sides, deleted)


def _act(
    action: Action,
    sides: list[Participant],
    links: list[Link[bytes]],
    deleted: Counter[str],
) -> None:
    side = sides[action.side]
    editor = side.editor
    start = len(editor.text) * action.place // 1000
    if not editor.is_open and action.what != "network":
        return
    match action.what:
        case "type" | "delete" | "replace":
            deleted.update(editor.type(start, start + action.size, action.text))
        case "line":
            editor.format(lambda text: "\n".join(reversed(text.split("\n"))))
        case "format":
            editor.format(lambda text: text.replace("\t", "    ").replace(" \n", "\n"))
        case "reopen" | "rename":
            editor.close()
            if action.what == "reopen" and action.side == 0:
                editor.change_on_disk(lambda text: text + action.text)
            editor.time.after(10 * action.size, editor.open)
        case "network":
            for link in links:
                link.cut()
            editor.time.after(100 * action.size, partial(_mend, sides, links))
        case "undo" | "redo" | "save" | "revert":
            getattr(editor, action.what)()
        case _:
            raise AssertionError(action.what)


def _mend(sides: list[Participant], links: list[Link[bytes]]) -> None:
    """A reconnect: each tells the other what the other lacks."""
    for side, other, link in zip(sides, reversed(sides), links, strict=True):
        link.mend()
        link.send(side.doc.get_update(other.doc.get_state()))


def _outcome(plan: Plan, sides: list[Participant], deleted: Counter[str]) -> Outcome:
    texts: list[str] = []
    counts: Counter[str] = Counter()
    for side in sides:
        counted = side.bridge.counts
        counts.update({name: getattr(counted, name) for name in counted.__slots__})
        texts += [plain(side.editor.text), str(side.crdt), str(side.bridge.standing.shadow)]
    outcome = outcome_of(plan, texts, deleted)
    outcome.counts = counts
    return outcome


def outcome_of(plan: Plan, texts: list[str], deleted: Counter[str]) -> Outcome:
    """What became of the letters that a plan types: each occurs once in it."""
    final = Counter(texts[0])
    typed = (action.text for action in plan.actions if action.what in {"type", "replace"})
    unique = [c for text in typed for c in text if ord(c) > 0x2FFF]
    return Outcome(
        texts,
        doubled="".join(c for c in unique if final[c] > 1),
        lost="".join(c for c in unique if not final[c] and not deleted[c]),
    )
