"""`cm-lsp conformance` against real editors: what it prints is done at the editor, and it passes each step."""

import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

from cm_server.demo import stage
from tests.e2e.plain.actors import wait
from tests.e2e.plain.casting import Casting, Kind
from tests.e2e.plain.plain_actor import PlainActor

pytestmark = [pytest.mark.e2e, pytest.mark.slow, pytest.mark.timeout(400)]

PROGRAM = Path(sys.executable).with_name("cm-lsp")
TEXT = "one = 1\ntwo = 2\nthree = 3\n"


@pytest.mark.parametrize("kind", ["neovim", "eglot", "lsp-mode"])
def test_the_kit_passes_an_editor_that_does_what_it_prints(kind: Kind, tmp_path: Path) -> None:
    with ExitStack() as exits:
        server = exits.enter_context(stage.serving(tmp_path / "data", 1))
        person = Casting(exits, server, tmp_path).cast(kind, "learner")
        assert isinstance(person, PlainActor)
        (tmp_path / ".git").mkdir()
        program = tmp_path / "app.py"
        program.write_text(TEXT)
        variables = {"CM_SERVER_URL": server.address, "CM_TOKEN": server.tokens()[stage.MENTOR]}
        with running(variables) as kit:
            assert kit.stdout is not None
            said = []
            for line in kit.stdout:
                said.append(line)
                todo = re.match(r"do    ([a-z ]+): ", line)
                if todo is not None:
                    do(todo[1], person, program)
            assert kit.wait() == 0, "".join(said)
        assert said[-1] == "13 of 13 passed\n"


@contextmanager
def running(variables: dict[str, str]) -> Iterator["subprocess.Popen[str]"]:
    environment = {**variables, "PATH": "/usr/bin:/bin", "PYTHONUNBUFFERED": "1", "LANG": "C.UTF-8"}
    command = [str(PROGRAM), "conformance"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as kit:
        try:
            yield kit
        finally:
            kit.kill()


def do(step: str, person: PlainActor, program: Path) -> None:  # noqa: C901 - one case for each step
    """What a person at the editor does on reading it."""
    match step:
        case "ask":
            person.open(program)
            person.ask(1)
        case "share":
            pass
        case "let type":
            person.let_type()
        case "see edits":
            wait(
                lambda: "write here: " in person.text().split("\n")[0], "the line above all others"
            )
            person.append_to_line(0, "seen")
        case "edit at once":
            person.insert_line(person.text().count("\n") - 1, "# typed while it rained")
        case "show cursor":
            person.move_to_end()
        case "see cursor":
            person.move_to(wait(lambda: line_with_cursor(person), "the mentor's cursor"))
            person.delete_line()
        case "see pointer":
            person.chat(wait(lambda: shown(person, r"points here: (\w+)"), "the note"))
        case "see chat":
            person.chat(wait(lambda: shown(person, r"the word is (\w+)"), "the word"))
        case "start meter":
            person.start_meter()
        case "pause meter":
            person.pause()
        case "resume meter":
            person.resume()
        case "end":
            person.end()
        case _:
            raise AssertionError(f"nobody knows how to {step}")


def line_with_cursor(person: PlainActor) -> int | None:
    """Where the mentor's cursor is shown, once that is the line that the mentor wrote: cursor and text come one after the other."""
    lines = person.text().split("\n")
    for line in person.sees_partner().values():
        if line < len(lines) and re.fullmatch(r"# [a-z]{6}", lines[line]):
            return line
    return None


def shown(person: PlainActor, pattern: str) -> str:
    found = re.search(pattern, person.notes())
    return found[1] if found is not None else ""
