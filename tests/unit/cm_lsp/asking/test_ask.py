"""What becomes of an ask that cannot be delivered, and of a question that another preview has overtaken."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from cm_lsp import commands, lsp_ext
from cm_lsp.asking.ask import NOT_SENT, ONE_IS_NONE, SEND, Asking, Surroundings
from cm_lsp.documents import OpenDocuments
from cm_lsp.settings import Settings
from cm_lsp.sharing.positions import PositionEncoding
from cm_lsp.to_editor import Editor
from cm_wire import faults
from cm_wire.asking import AskView
from cm_wire.ids import AskId
from cm_wire.to_client import AskPosted, Result
from cm_wire.to_server import Command, PostAsk
from tests.support.waiting import until

TOKEN = "ghp_" + "a1B2" * 9
URI = "file:///w/app.py"
TOP = lsp_ext.Position(line=0, character=0)
ASK = commands.Ask(uri=URI, range=lsp_ext.Range(start=TOP, end=TOP), question="why?")


@dataclass
class Face:
    """An editor without a plugin: its user answers each question when the test does."""

    has_plugin: bool = False
    questions: "list[tuple[str, asyncio.Future[str | None]]]" = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    begun: list[str] = field(default_factory=list)

    async def ask(self, text: str, titles: Sequence[str]) -> str | None:
        answer: asyncio.Future[str | None] = asyncio.get_running_loop().create_future()
        self.questions.append((text, answer))
        return await answer

    async def show_document(self, uri: str) -> bool:
        return True

    async def progress(self, title: str, text: str, cancel: object) -> None:
        self.begun.append(text)

    def say(self, text: str) -> None:
        self.said.append(text)

    def later(self, work: Coroutine[Any, Any, object]) -> None:
        asyncio.get_running_loop().create_task(work)


@dataclass
class Server:
    """Answers a posted ask, or nobody does."""

    is_away: bool = False
    posted: list[PostAsk] = field(default_factory=list)

    async def send(self, command: Command) -> Result:
        if self.is_away:
            raise faults.refusal("unavailable", "The server does not answer.")
        assert isinstance(command, PostAsk)
        self.posted.append(command)
        return AskPosted(ask_id=AskId("ask_1"))


def asking(face: Face, server: Server, folder: Path) -> Asking:
    documents = OpenDocuments(PositionEncoding.UTF16, "\n")
    documents.opened(URI, "python", 1, f"example = '{TOKEN}'\nx = 1\n")
    editor = cast("Editor", face)
    return Asking(Surroundings(editor, documents, Settings(), server.send, folder, ("file:///w",)))


async def answered(face: Face, number: int, answer: str | None) -> None:
    await until_asked(face, number)
    face.questions[number - 1][1].set_result(answer)


async def until_asked(face: Face, number: int) -> None:
    await until(lambda: len(face.questions) >= number, f"question {number}")


async def test_what_could_not_be_sent_can_be_sent_by_its_action_without_being_written_again(
    tmp_path: Path,
) -> None:
    face, server = Face(), Server(is_away=True)
    here = asking(face, server, tmp_path)
    trying = asyncio.create_task(here.ask(ASK))
    await answered(face, 1, SEND)
    with pytest.raises(faults.Refused, match="does not answer"):
        await trying
    assert here.pending is not None
    assert (here.pending.question, here.pending.is_confirmed) == ("why?", True)
    server.is_away = False
    assert await here.ask(here.pending) == {"askId": "ask_1"}
    assert [post.context.question for post in server.posted] == ["why?"]
    assert here.pending is None


async def test_an_ask_that_arrived_though_nobody_answered_is_shown_and_not_offered_again(
    tmp_path: Path,
) -> None:
    face, server = Face(), Server(is_away=True)
    here = asking(face, server, tmp_path)
    trying = asyncio.create_task(here.ask(ASK))
    await answered(face, 1, SEND)
    with pytest.raises(faults.Refused):
        await trying
    here.changed(AskView(ask_id=AskId("ask_1"), state="offered", offers_open=2))
    await asyncio.sleep(0)
    assert here.pending is None
    assert (here.waiting.open_ask, here.asked_uri) == ("ask_1", URI)
    assert face.begun == ["ringing 2 mentors"]
    assert face.said == ["Codementor: your ask is with the server; it looks for a mentor."]
    here.changed(AskView(ask_id=AskId("ask_1"), state="offered", offers_open=1))
    assert len(face.said) == 1


async def test_the_answer_to_a_question_that_another_preview_overtook_sends_nothing(
    tmp_path: Path,
) -> None:
    face, server = Face(), Server()
    here = asking(face, server, tmp_path)
    first = asyncio.create_task(here.ask(ASK))
    await until_asked(face, 1)
    (one,) = here.replaced
    anew = commands.Ask(uri=URI, range=ASK.range, question="why?", not_secrets=(one.mark,))
    second = asyncio.create_task(here.ask(anew))
    await until_asked(face, 2)
    await answered(face, 1, SEND)
    assert await first is None
    assert server.posted == []
    await answered(face, 2, SEND)
    assert await second == {"askId": "ask_1"}
    assert [TOKEN in post.context.excerpt.text for post in server.posted] == [True]


async def test_after_a_finding_was_said_to_be_none_the_whole_is_asked_about_again(
    tmp_path: Path,
) -> None:
    face, server = Face(), Server()
    here = asking(face, server, tmp_path)
    task = asyncio.create_task(here.ask(ASK))
    await answered(face, 1, ONE_IS_NONE)
    await answered(face, 2, "github-token in line 1")
    await until_asked(face, 3)
    assert server.posted == []
    before, after = sorted(
        tmp_path.rglob("codementor-ask.md"), key=lambda one: one.stat().st_mtime_ns
    )
    assert TOKEN not in before.read_text(encoding="utf-8")
    assert TOKEN in after.read_text(encoding="utf-8")
    face.questions[2][1].set_result(None)
    assert await task is None
    assert server.posted == []
    assert face.said == [NOT_SENT]
    assert here.pending is not None, "who was in the way of the preview sends it by the code action"
