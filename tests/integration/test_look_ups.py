"""Hovers and definitions of the mentor's, answered by the learner's tools: with the learner's word, and of shared files alone."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types

from tests.support import fake_editor, live_pair, planted_secrets
from tests.support.live_pair import Pair

PLACE = types.Position(7, 14)

Answer = TypeVar("Answer")


class Asked(Pair):
    """What the mentor's editor asks of it."""

    async def hover(self, place: types.Position = PLACE) -> str:
        """Once; on a busy machine the time for an answer may be over before it comes."""
        found = await self.mentor.client.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(self.shared), place)
        )
        return str(found.contents.value) if found is not None else ""  # type: ignore[union-attr]

    async def answered_hover(self) -> str:
        return await self._tried(self.hover)

    async def definitions(self) -> list[types.Location]:
        async def once() -> list[types.Location]:
            found = await self.mentor.client.text_document_definition_async(
                types.DefinitionParams(types.TextDocumentIdentifier(self.shared), PLACE)
            )
            return [one for one in found or [] if isinstance(one, types.Location)]  # type: ignore[union-attr]

        return await self._tried(once)

    async def _tried(self, once: Callable[[], Awaitable[Answer]]) -> Answer:
        async with asyncio.timeout(fake_editor.PATIENCE_SECONDS):
            while True:
                found = await once()
                if found:
                    return found
                await asyncio.sleep(0.05)

    def range(self, line: int, start: int, end: int) -> dict[str, object]:
        return {
            "start": {"line": line, "character": start},
            "end": {"line": line, "character": end},
        }


@asynccontextmanager
async def sharing(folder: Path, *, can: bool = True, says: str = "") -> AsyncIterator[Asked]:
    """A session in live mode; the learner's editor `can` ask other servers, and its user `says` yes where that is in the question."""

    def answers(text: str, titles: Sequence[str]) -> str | None:
        if "language servers" in text:
            return titles[1] if says else None
        return titles[1]

    claims = {"rebase": True, "lookUp": can}
    async with live_pair.running(folder, answers=answers, learner_claims=claims) as pair:
        yield Asked(**vars(pair))


def knows(*texts: str, places: Sequence[Mapping[str, object]] = ()) -> Any:
    return lambda _: {"texts": list(texts), "places": list(places)}


async def test_a_hover_shows_what_the_learners_tools_say_once_the_learner_allows_it(
    tmp_path: Path,
) -> None:
    async with sharing(tmp_path) as pair:
        pair.learner.tools = knows("def main() -> Coroutine", "[run](command:rm)")
        assert await pair.hover() == ""
        assert pair.learner.look_ups == [], "the tools are not asked before the learner said yes"
        await pair.learner.until(
            lambda: any("language servers" in text for text, _ in pair.learner.questions),
            "a question",
        )
        await pair.mentor.until(
            lambda: any("has not allowed you" in text for text in pair.mentor.said()), "the reason"
        )
        assert await pair.hover() == ""
        asked = [text for text, _ in pair.learner.questions if "language servers" in text]
        assert len(asked) == 1, "asked once a session"

        await pair.learner.command("lookUps", allow=True)
        assert pair.learner.last("session").lookUps
        shown = await pair.answered_hover()
        assert "def main() -> Coroutine" in shown
        assert pair.learner.look_ups[-1].position.line == PLACE.line
        assert pair.learner.look_ups[-1].position.character == PLACE.character

        await pair.learner.command("lookUps", allow=False)
        assert await pair.hover() == ""
        assert len(pair.learner.look_ups) == 1


async def test_a_yes_to_the_question_is_enough_and_is_told(tmp_path: Path) -> None:
    async with sharing(tmp_path, says="yes") as pair:
        pair.learner.tools = knows("known")
        await pair.hover()
        await pair.learner.until(lambda: bool(pair.learner.last("session").lookUps), "the word")
        assert await pair.answered_hover() == "known"
        assert any("may ask your tools" in text for text in pair.learner.said())


async def test_definitions_point_into_shared_files_and_follow_their_text(tmp_path: Path) -> None:
    async with sharing(tmp_path) as pair:
        await pair.learner.command("lookUps", allow=True)

        def moves_first(asked: Any) -> dict[str, object]:
            """The learner types while the tools think: what they found is about an older text."""
            if len(pair.learner.look_ups) == 1:
                pair.learner.type_at(pair.uri, 0, "# above 🌴\n")
                return {"places": [{"uri": pair.uri, "range": pair.range(3, 10, 14)}]}
            return {"places": [{"uri": pair.uri, "range": pair.range(4, 10, 14)}]}

        pair.learner.tools = moves_first
        (found,) = await pair.definitions()
        assert found.uri == pair.shared
        line = pair.mentor.text(pair.shared).split("\n")[found.range.start.line]
        assert line[found.range.start.character : found.range.end.character] == "main"
        assert len(pair.learner.look_ups) >= 2, "asked again, since the text had changed"


async def test_of_a_file_that_is_not_shared_the_mentor_is_told_the_name_alone(
    tmp_path: Path,
) -> None:
    async with sharing(tmp_path) as pair:
        await pair.learner.command("lookUps", allow=True)
        inside = (pair.home / "deep" / "other.py").as_uri()
        pair.learner.tools = knows(
            places=[
                {"uri": inside, "range": pair.range(3, 0, 4)},
                {"uri": "file:///usr/lib/python3/asyncio/runners.py", "range": pair.range(1, 0, 1)},
            ]
        )
        asking = asyncio.ensure_future(pair.definitions())
        await pair.mentor.until(
            lambda: any("outside what is shared" in text for text in pair.mentor.said()), "the name"
        )
        asking.cancel()
        said = next(text for text in pair.mentor.said() if "outside what is shared" in text)
        assert "deep/other.py, runners.py" in said
        assert "/usr/lib" not in said
        assert str(tmp_path) not in said


async def test_a_secret_in_an_answer_stays_on_the_learners_machine(tmp_path: Path) -> None:
    async with sharing(tmp_path) as pair:
        await pair.learner.command("lookUps", allow=True)
        planted = next(planted_secrets.cases(7, 1))
        pair.learner.tools = knows(f"```python\n{planted.text}\n```")
        shown = await pair.answered_hover()
        assert "secret:" in shown
        assert planted.secret not in shown


async def test_an_editor_that_cannot_ask_says_so_once_and_is_asked_no_more(tmp_path: Path) -> None:
    async with sharing(tmp_path, can=False) as pair:
        assert await pair.hover() == ""
        assert await pair.hover() == ""
        said = [text for text in pair.mentor.said() if "cannot be asked" in text]
        assert len(said) == 1
        refused = await pair.learner.refusal("lookUps", allow=True)
        assert "cannot ask" in str(refused)
        assert not [text for text, _ in pair.learner.questions if "language servers" in text]


async def test_more_questions_than_a_person_asks_are_left_unanswered(tmp_path: Path) -> None:
    async with sharing(tmp_path) as pair:
        await pair.learner.command("lookUps", allow=True)
        pair.learner.tools = knows("known")
        await asyncio.gather(*(pair.hover() for _ in range(40)))
        assert len(pair.learner.look_ups) < 40
        assert await pair.answered_hover() == "known"


async def test_only_the_mentor_asks(tmp_path: Path) -> None:
    async with sharing(tmp_path) as pair:
        found = await pair.learner.client.text_document_hover_async(
            types.HoverParams(types.TextDocumentIdentifier(pair.uri), PLACE)
        )
        assert found is None
        refused = await pair.mentor.refusal("lookUps", allow=True)
        assert "Only the learner" in str(refused)
