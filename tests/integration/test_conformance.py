"""The conformance kit against a plain client that does everything right, and against one that leaves something out."""

import asyncio
import random
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from cm_lsp import conformance_cli, settings
from cm_server.clock import SystemClock
from tests.support import fake_editor, world
from tests.support.fake_editor import FakeEditor

TEXT = "first = 1\nsecond = 2\nthird = 3\nfourth = 4\n"


def agreeable(text: str, titles: Sequence[str]) -> str | None:
    """Yes, but the meter and the rating are somebody else's."""
    if "Start the meter" in text or "How was it" in text:
        return None
    return next((title for title in titles if title.startswith("Live")), titles[1])


class Person:
    """Does what the kit says, with what the editor shows and nothing else."""

    def __init__(self, editor: FakeEditor, uri: str) -> None:
        self._editor = editor
        self._uri = uri

    async def do(self, step: str) -> None:
        done = getattr(self, f"_{step.replace(' ', '_')}", None)
        if done is not None:
            await done()

    async def _ask(self) -> None:
        (action, *_) = await self._editor.actions(self._uri)
        await self._editor.choose(action)

    async def _see_edits(self) -> None:
        mark = conformance_cli.MARK
        await self._editor.until(lambda: self._text().startswith(mark), "the line above")
        self._editor.type_at(self._uri, self._text().index("\n"), "seen")

    async def _edit_at_once(self) -> None:
        self._editor.append(self._uri, "# ")
        for letter in "typed while it rained":
            end = len(self._text())
            self._editor.type_at(self._uri, end, letter)
            await asyncio.sleep(0.02)

    async def _show_cursor(self) -> None:
        last = self._text().count("\n")
        await self._editor.actions(self._uri, (last, len(self._text().split("\n")[-1])))

    async def _see_cursor(self) -> None:
        line, _ = await self._hint("is here")
        lines = self._text().split("\n")
        start = sum(len(part) + 1 for part in lines[:line])
        self._editor.type_at(self._uri, start, "", deleted=len(lines[line]) + 1)

    async def _see_pointer(self) -> None:
        _, note = await self._hint("points here")
        await self._editor.command("chat", text=note.rpartition(" ")[2])

    async def _see_chat(self) -> None:
        def word() -> str:
            said = [text for text in self._editor.said() if "the word is" in text]
            return said[-1].rpartition(" ")[2] if said else ""

        await self._editor.until(lambda: bool(word()), "the chat")
        await self._editor.command("chat", text=word())

    async def _start_meter(self) -> None:
        await self._take("Codementor: start the meter")

    async def _pause_meter(self) -> None:
        await self._take("Codementor: pause the meter")

    async def _resume_meter(self) -> None:
        await self._take("Codementor: let the meter run again")

    async def _end(self) -> None:
        await self._take("Codementor: end the session")

    async def _take(self, title: str) -> None:
        async with asyncio.timeout(20):
            while True:
                for action in await self._editor.actions(self._uri):
                    if action.title == title:
                        await self._editor.choose(action)
                        return
                await asyncio.sleep(0.05)

    def _text(self) -> str:
        return self._editor.text(self._uri)

    async def _hint(self, words: str) -> tuple[int, str]:
        """Line and text of the diagnostic that has `words` in it, when it comes."""
        found: list[tuple[int, str]] = []

        def is_there() -> bool:
            shown = self._editor.client.diagnostics.get(self._uri, [])
            found[:] = [(d.range.start.line, d.message) for d in shown if words in d.message]
            return bool(found)

        await self._editor.until(is_there, words)
        return found[0]


async def rehearsed(folder: Path, left_out: str, patience_seconds: float) -> list[str]:
    async with AsyncExitStack() as exits:
        here = await exits.enter_async_context(world.running(folder / "data", SystemClock()))
        lea, mo = await here.learner(), await here.mentor()
        url = f"http://127.0.0.1:{here.port}"
        editor = await exits.enter_async_context(
            fake_editor.running(url, lea.token, folder / "lea", answers=agreeable)
        )
        uri = (folder / "lea" / "app.py").as_uri()
        editor.open(uri, TEXT)
        person, doing = Person(editor, uri), []

        def say(line: str) -> None:
            name = line.removeprefix("do").strip().partition(":")[0]
            if line.startswith("do ") and name != left_out:
                doing.append(asyncio.ensure_future(person.do(name)))

        read = settings.read({"CM_SERVER_URL": url, "CM_TOKEN": mo.token}, None).settings
        failed = await conformance_cli.rehearse(read, random.Random(7), patience_seconds, say)
        await asyncio.gather(*doing)
        return failed


@pytest.mark.slow
async def test_a_client_that_does_it_all_passes_every_step(tmp_path: Path) -> None:
    assert await rehearsed(tmp_path, left_out="", patience_seconds=20) == []


@pytest.mark.slow
async def test_a_client_whose_user_never_saw_the_edit_fails_that_step_alone(tmp_path: Path) -> None:
    assert await rehearsed(tmp_path, left_out="see edits", patience_seconds=8) == ["see edits"]
