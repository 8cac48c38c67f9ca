"""A whole session between any two people: each step is done by one and seen by the other before the next begins."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cm_server.demo.neovim import NotSeen
from tests.e2e.plain.actors import Actor, wait

PROGRAM = "import asyncio\n\n\nasync def main():\n    print('hello')\n\n\nasyncio.run(main)\n"
DIAGNOSIS = "main is never called"
WANTED = PROGRAM.replace("asyncio.run(main)", "# put brackets behind main\nasyncio.run(main)")


def play(learner: Actor, mentor: Actor, folder: Path, *, ways: tuple[int, int]) -> None:
    """`ways`: by how many ways the learner's and the mentor's editor must show cursor and meter."""
    with told_by(learner, mentor):
        program = meet(learner, mentor, folder)
        type_and_see(learner, mentor, ways)
        start_the_meter(learner, mentor, ways)
        wait_for_equal_texts(learner, mentor)
        end_and_rate(learner, mentor)
    assert program.read_text() == PROGRAM, "nothing was saved by anybody"


@contextmanager
def told_by(*people: Actor) -> Iterator[None]:
    """What is waited for in vain comes with what each editor has told its user."""
    try:
        yield
    except NotSeen as failure:
        told = "".join(f"\n--- {person.name}\n{person.said()}" for person in people)
        raise NotSeen(f"{failure}{told}") from None


def meet(learner: Actor, mentor: Actor, folder: Path) -> Path:
    """From two closed editors to the same text in both; the learner's file."""
    program = folder / "app.py"
    program.write_text(PROGRAM)
    (folder / ".git").mkdir()
    desk = folder / "desk.py"
    desk.write_text("\n")
    learner.open(program)
    mentor.open(desk)
    mentor.go_online()
    learner.ask(7)
    mentor.accept()
    wait_for_text(learner, PROGRAM)
    wait_for_text(mentor, PROGRAM)
    learner.let_type()
    return program


def type_and_see(learner: Actor, mentor: Actor, ways: tuple[int, int]) -> None:
    learner.insert_line(0, "# mine: größer 😀")
    wait_for_text(mentor, "# mine: größer 😀\n" + PROGRAM)
    mentor.insert_line(8, "# put brackets behind main")
    wanted = "# mine: größer 😀\n" + WANTED
    wait_for_text(learner, wanted)
    wait_for_text(mentor, wanted)
    mentor.move_to(4)
    wait(
        lambda: list(learner.sees_partner().values()).count(4) >= ways[0],
        "the mentor's cursor in line 5",
    )
    learner.move_to(2)
    wait(
        lambda: list(mentor.sees_partner().values()).count(2) >= ways[1],
        "the learner's cursor in line 3",
    )


def start_the_meter(learner: Actor, mentor: Actor, ways: tuple[int, int]) -> None:
    mentor.diagnose(DIAGNOSIS)
    learner.start_meter()
    wait_for_meter(learner, "▶", ways[0])
    wait_for_meter(mentor, "▶", ways[1])


def end_and_rate(learner: Actor, mentor: Actor) -> None:
    learner.end()
    learner.rate()
    mentor.rate()
    receipt = learner.receipt()
    assert "Billed" in receipt, receipt
    mentor.go_offline()


def wait_for_text(actor: Actor, text: str) -> None:
    def is_right() -> bool:
        if actor.text() == text:
            return True
        actor.catch_up()
        return False

    try:
        wait(is_right, f"{actor.name}'s text to be right")
    except NotSeen as failure:
        raise NotSeen(f"{failure}; it is\n{actor.text()}") from None


def wait_for_equal_texts(learner: Actor, mentor: Actor) -> None:
    def are_equal() -> bool:
        if learner.text() == mentor.text():
            return True
        learner.catch_up()
        mentor.catch_up()
        return False

    wait(are_equal, "the texts to be equal at the end")


def wait_for_meter(actor: Actor, part: str, ways: int) -> None:
    def shown() -> bool:
        return sum(part in text for text in actor.sees_meter().values()) >= ways

    try:
        wait(shown, f"{part!r} on {actor.name}'s meter in {ways} ways")
    except NotSeen as failure:
        raise NotSeen(f"{failure}; it is {actor.sees_meter()}") from None
