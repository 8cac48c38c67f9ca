"""A whole session between any two people: each step is done by one and seen by the other before the next begins."""

from pathlib import Path

from cm_server.demo.neovim import NotSeen
from tests.e2e.plain.actors import Actor, wait

PROGRAM = "import asyncio\n\n\nasync def main():\n    print('hello')\n\n\nasyncio.run(main)\n"
DIAGNOSIS = "main is never called"
WANTED = PROGRAM.replace("asyncio.run(main)", "# put brackets behind main\nasyncio.run(main)")


def play(learner: Actor, mentor: Actor, folder: Path, *, ways: tuple[int, int]) -> None:
    """`ways`: by how many ways the learner's and the mentor's editor must show cursor and meter."""
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
    _let_type_and_type(learner, mentor)
    _see_each_other(learner, mentor, ways)
    mentor.diagnose(DIAGNOSIS)
    learner.start_meter()
    wait(lambda: len(learner.sees_meter()) >= ways[0], "the meter at the learner's")
    wait(lambda: len(mentor.sees_meter()) >= ways[1], "the meter at the mentor's")
    before = learner.text()
    wait(lambda: before == mentor.text(), "the texts to be equal at the end")
    learner.end()
    learner.rate()
    mentor.rate()
    receipt = learner.receipt()
    assert "Billed" in receipt, receipt
    assert program.read_text() == PROGRAM, "nothing was saved by anybody"


def wait_for_text(actor: Actor, text: str) -> None:
    try:
        wait(lambda: actor.text() == text, f"{actor.name}'s text to be right")
    except NotSeen as failure:
        raise NotSeen(f"{failure}; it is\n{actor.text()}\n{actor.said()}") from None


def _let_type_and_type(learner: Actor, mentor: Actor) -> None:
    learner.let_type()
    learner.insert_line(0, "# mine: größer 😀")
    wait(lambda: mentor.text().startswith("# mine: größer 😀\n"), "the learner's line")
    mentor.insert_line(8, "# put brackets behind main")
    wanted = "# mine: größer 😀\n" + WANTED
    wait_for_text(learner, wanted)
    wait_for_text(mentor, wanted)


def _see_each_other(learner: Actor, mentor: Actor, ways: tuple[int, int]) -> None:
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
