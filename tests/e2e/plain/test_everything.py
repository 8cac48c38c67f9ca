"""All there is to do in a session, by standard LSP alone: done by each channel, seen by the other side in every way it is shown.

Each editor plays each part once, and each channel is used in each part. The other person has our plugin, so that what
arrives there is known to be right.
"""

from contextlib import ExitStack
from pathlib import Path

import pytest

from cm_server.demo import stage
from tests.e2e.plain.actors import Actor, Channel, wait
from tests.e2e.plain.casting import WAYS, Casting, Kind
from tests.e2e.plain.play import (
    end_and_rate,
    meet,
    start_the_meter,
    told_by,
    type_and_see,
    wait_for_equal_texts,
    wait_for_meter,
)

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

PARTS: tuple[tuple[str, Kind, Channel], ...] = (
    ("learner", "neovim", "question"),
    ("learner", "eglot", "command"),
    ("learner", "lsp-mode", "action"),
    ("learner", "vim", "action"),
    ("mentor", "neovim", "command"),
    ("mentor", "eglot", "action"),
    ("mentor", "lsp-mode", "action"),
    ("mentor", "vim", "action"),
)
POINTER_WAYS: dict[Kind, set[str]] = {
    "neovim": {"diagnostic", "cursor"},
    "eglot": {"note"},
    "lsp-mode": {"note"},
    "vim": {"note"},
    "plugin": {"extmark"},
}
CHAT_WAYS: dict[Kind, set[str]] = {
    "neovim": {"progress", "diagnostic"},
    "eglot": {"message", "note"},
    "lsp-mode": {"message", "note"},
    "vim": {"message", "note"},
    "plugin": {"message", "chat"},
}


@pytest.mark.parametrize(("role", "plain", "channel"), PARTS)
def test_all_that_a_session_has(
    role: str, plain: Kind, channel: Channel, server: stage.Server, tmp_path: Path
) -> None:
    with ExitStack() as exits:
        casting = Casting(exits, server, tmp_path)
        kinds: tuple[Kind, Kind] = (plain, "plugin") if role == "learner" else ("plugin", plain)
        learner = casting.cast(kinds[0], "learner", channel)
        mentor = casting.cast(kinds[1], "mentor", channel)
        ways = WAYS[kinds[0]], WAYS[kinds[1]]
        with told_by(learner, mentor):
            meet(learner, mentor, tmp_path)
            type_and_see(learner, mentor, ways)
            start_the_meter(learner, mentor, ways)
            _pause_and_resume(learner, mentor, ways)
            _raise_the_cap(learner, mentor)
            for speaker, hearer, kind in ((learner, mentor, kinds[1]), (mentor, learner, kinds[0])):
                _chat(speaker, hearer, CHAT_WAYS[kind])
                _point_and_follow(speaker, hearer, POINTER_WAYS[kind])
            wait_for_equal_texts(learner, mentor)
            end_and_rate(learner, mentor)
            learner.ask_money_back()
            # A session this short has cost nothing, which is what the server says to the wish.
            wait(lambda: "cost you nothing" in learner.said(), "the answer about the money")


def _pause_and_resume(learner: Actor, mentor: Actor, ways: tuple[int, int]) -> None:
    for who in (learner, mentor):
        who.pause()
        wait_for_meter(learner, "⏸", ways[0])
        wait_for_meter(mentor, "⏸", ways[1])
        who.resume()
        wait_for_meter(learner, "▶", ways[0])
        wait_for_meter(mentor, "▶", ways[1])


def _raise_the_cap(learner: Actor, mentor: Actor) -> None:
    """Thirty minutes are proposed at first; fifteen more are half as dear again."""
    before = _caps(learner)
    learner.extend()
    wait(
        lambda: _caps(learner) - before and not _caps(learner) & before,
        "the new cap at the learner's",
    )
    wait(lambda: _caps(mentor) == _caps(learner), "the new cap at the mentor's")


def _caps(actor: Actor) -> set[str]:
    """What stands behind "of" on each meter."""
    shown = actor.sees_meter().values()
    return {text.partition(" of ")[2].split(" ")[0] for text in shown if " of " in text}


def _chat(speaker: Actor, hearer: Actor, ways: set[str]) -> None:
    text = f"hello from {speaker.name}"
    speaker.chat(text)
    wait(lambda: hearer.hears(text) >= ways, f"{speaker.name}'s words at {hearer.name}'s")


def _point_and_follow(speaker: Actor, hearer: Actor, ways: set[str]) -> None:
    hearer.move_to(0)
    speaker.point(6)
    wait(
        lambda: {way for way, line in hearer.sees_pointer().items() if line == 6} >= ways,
        f"{speaker.name}'s pointer at {hearer.name}'s",
    )
    hearer.move_to(0)
    for line in (2, 4):  # they may have stood in 4 before, and what is shown be old
        speaker.move_to(line)
        wait(
            lambda line=line: line in hearer.sees_partner().values(),
            f"{speaker.name}'s cursor at {hearer.name}'s",
        )
    hearer.follow()
    wait(lambda: hearer.line() == 4, f"{hearer.name} to be where {speaker.name} is")
