"""`cm-lsp conformance`: plays the mentor against an editor, and says step by step what that editor does and does not do.

Run it with a mentor's token beside a server; sit at the editor to be tested as the learner and do what it prints. Everything is
checked from the other side of the wire, so a step passes only when the editor really did it: a line that the peer inserts counts
as seen when its secret word comes back. Owns the steps and how they are said; `scripted_mentor` plays.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from cm_lsp import settings
from cm_lsp.scripted_mentor import ScriptedMentor
from cm_wire import faults
from cm_wire.asking import Place, Span
from cm_wire.to_server import AcceptOffer, Diagnose, GoOnline, PointAt, SendChat

EXIT_ALL_PASSED: Final = 0
EXIT_SOME_FAILED: Final = 4
PATIENCE_SECONDS: Final = 180.0
SETTLE_SECONDS: Final = 1.0

MARK: Final = "# größer 😀 write here: "
BURST: Final = 20


@dataclass(slots=True)
class Play:
    """One run; `words` are secret until the editor shows them."""

    mentor: ScriptedMentor
    words: random.Random
    secrets: dict[str, str] = field(default_factory=dict)

    def secret(self, of: str) -> str:
        letters = "abcdefghjkmnpqrstuvwxyz"
        word = "".join(self.words.choice(letters) for _ in range(6))
        return self.secrets.setdefault(of, word)


@dataclass(frozen=True, slots=True)
class Step:
    """`begin` is what the peer does, `task` what the person at the editor is told, `passed` what must come about."""

    name: str
    task: str
    passed: Callable[[Play], bool]
    begin: Callable[[Play], Awaitable[None]] | None = None


def run(environment: Mapping[str, str], patience_seconds: float = PATIENCE_SECONDS) -> int:
    """Print one line for each step; the exit code."""
    read = settings.read(environment, None).settings
    if not read.token:
        print("Set CM_TOKEN to a mentor's token (`cm-server run --demo` prints some).")
        return EXIT_SOME_FAILED
    failed = asyncio.run(rehearse(read, random.SystemRandom(), patience_seconds, print))
    print(f"{len(STEPS) - len(failed)} of {len(STEPS)} passed")
    return EXIT_SOME_FAILED if failed else EXIT_ALL_PASSED


async def rehearse(
    read: settings.Settings,
    randomness: random.Random,
    patience_seconds: float,
    say: Callable[[str], None],
) -> list[str]:
    """The names of the steps that failed, in order; without a session the rest is not tried."""
    mentor = ScriptedMentor(read, randomness)
    play = Play(mentor, randomness)
    failed = []
    mentor.start()
    try:
        for step in STEPS:
            if not await _try(step, play, patience_seconds, say):
                failed.append(step.name)
                if mentor.session is None:
                    return [*failed, *(left.name for left in STEPS[STEPS.index(step) + 1 :])]
    finally:
        await mentor.stop()
    return failed


async def _try(step: Step, play: Play, patience_seconds: float, say: Callable[[str], None]) -> bool:
    try:
        async with asyncio.timeout(patience_seconds):
            if step.begin is not None:
                await step.begin(play)
            say(f"do    {step.name}: {step.task}")
            await _until(play, step.passed)
    except TimeoutError:
        say(f"FAIL  {step.name}: not seen within {patience_seconds:.0f} s")
        return False
    except faults.Refused as refused:
        say(f"FAIL  {step.name}: {refused}")
        return False
    say(f"pass  {step.name}")
    return True


async def _until(play: Play, passed: Callable[[Play], bool]) -> None:
    while not passed(play):
        play.mentor.changed.clear()
        await play.mentor.changed.wait()


# What the peer does.


async def _go_online(play: Play) -> None:
    await _until(play, lambda p: p.mentor.connection.connection in {"connected", "refused"})
    await play.mentor.send(GoOnline())


async def _accept(play: Play) -> None:
    assert play.mentor.offer is not None
    await play.mentor.send(AcceptOffer(offer_id=play.mentor.offer.offer_id))


async def _insert_mark(play: Play) -> None:
    play.mentor.insert(0, MARK + play.secret("line") + " \n")


async def _burst(play: Play) -> None:
    """Line by line at the top, while the person types below."""
    for number in range(BURST):
        play.mentor.insert(0, f"# burst {number:02}\n")
        await asyncio.sleep(0.05)


async def _put_cursor(play: Play) -> None:
    text = play.mentor.text()
    line = play.words.randrange(1, max(2, text.count("\n")))
    offset = sum(len(part) + 1 for part in text.split("\n")[:line])
    play.mentor.insert(offset, f"# {play.secret('cursor line')}\n")
    play.mentor.show_cursor(offset + 1)


async def _point(play: Play) -> None:
    session, path = play.mentor.session, play.mentor.path()
    assert session is not None
    assert path is not None
    span = Span(Place(0, 0), Place(0, 1))
    note = play.secret("note")
    await play.mentor.send(PointAt(session_id=session.session_id, path=path, span=span, note=note))


async def _say_word(play: Play) -> None:
    assert play.mentor.session is not None
    text = f"the word is {play.secret('chat')}"
    await play.mentor.send(SendChat(session_id=play.mentor.session.session_id, text=text))


async def _diagnose(play: Play) -> None:
    assert play.mentor.session is not None
    await play.mentor.send(
        Diagnose(session_id=play.mentor.session.session_id, text="a conformance test", minutes=5)
    )


# What must come about.


def _is_offered(play: Play) -> bool:
    return play.mentor.offer is not None


def _is_shared(play: Play) -> bool:
    return play.mentor.path() is not None and bool(play.mentor.text())


def _is_live(play: Play) -> bool:
    return play.mentor.session is not None and play.mentor.session.mode == "live"


def _wrote_behind_mark(play: Play) -> bool:
    """At the very place, so positions are right behind letters that are two units or four bytes long."""
    return MARK + play.secret("line") + " seen" in play.mentor.text()


def _burst_is_whole(play: Play) -> bool:
    lines = play.mentor.text().split("\n")
    once = all(lines.count(f"# burst {number:02}") == 1 for number in range(BURST))
    return once and "typed while it rained" in play.mentor.text()


def _is_at_end(play: Play) -> bool:
    offset = play.mentor.learners_offset()
    return offset is not None and offset >= len(play.mentor.text().rstrip("\n"))


def _cursor_line_is_gone(play: Play) -> bool:
    return play.secret("cursor line") not in play.mentor.text()


def _learner_said(play: Play, word: str) -> bool:
    session = play.mentor.session
    learner = session.learner.person if session is not None else ""
    return any(line.author == learner and word in line.text for line in play.mentor.chat)


def _meter_is(state: str) -> Callable[[Play], bool]:
    return lambda play: play.mentor.meter is not None and play.mentor.meter.state == state


def _is_over(play: Play) -> bool:
    return play.mentor.session is not None and play.mentor.session.state in {"ended", "closed"}


STEPS: Final = (
    Step(
        "ask",
        "open a text file of a few lines, take the code action 'Ask a mentor', and send it",
        _is_offered,
        _go_online,
    ),
    Step("share", "nothing; the file should arrive by itself", _is_shared, _accept),
    Step("let type", "let the mentor type: answer the question, or the code action", _is_live),
    Step(
        "see edits",
        "a line has appeared above all others; write 'seen' at its end",
        _wrote_behind_mark,
        _insert_mark,
    ),
    Step(
        "edit at once",
        "lines rain in at the top; write 'typed while it rained' on a line of its own",
        _burst_is_whole,
        _burst,
    ),
    Step("show cursor", "put your cursor at the end of the file", _is_at_end),
    Step(
        "see cursor",
        "delete the line in which you see the mentor's cursor",
        _cursor_line_is_gone,
        _put_cursor,
    ),
    Step(
        "see pointer",
        "the mentor points at the first line; say the word of the note by chat",
        lambda play: _learner_said(play, play.secret("note")),
        _point,
    ),
    Step(
        "see chat",
        "the mentor has said a word by chat; say it by chat, too",
        lambda play: _learner_said(play, play.secret("chat")),
        _say_word,
    ),
    Step("start meter", "start the meter", _meter_is("running"), _diagnose),
    Step("pause meter", "pause the meter", _meter_is("paused")),
    Step("resume meter", "let the meter run again", _meter_is("running")),
    Step("end", "end the session", _is_over),
)
