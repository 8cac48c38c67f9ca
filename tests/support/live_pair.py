"""A learner and a mentor in a live session: two real language servers, the real server, editors of the test's own."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from cm_server.clock import SystemClock
from cm_wire.ids import SessionId
from tests.support import cuttable_wire, fake_editor, world
from tests.support.cuttable_wire import CuttableWire
from tests.support.fake_editor import Answers, FakeEditor
from tests.support.world import Someone, World
from tests.support.yjs_client import YjsClient

TEXT = "import asyncio\n\n\nasync def main():\n    print('hello')\n\n\nasyncio.run(main)\n"
PLUGIN: Mapping[str, bool] = {"sharedBuffers": True, "rebase": True}


def agrees(_: str, titles: Sequence[str]) -> str | None:
    """To sending, to the offer, to a mentor who types: the second answer of each question."""
    return titles[1]


@dataclass
class Pair:
    """`uri` is the learner's document, `shared` the mentor's; `home` is the learner's workspace, `cable` what they hang on."""

    here: World
    cable: CuttableWire
    learner: FakeEditor
    mentor: FakeEditor
    uri: str
    shared: str
    home: Path
    accounts: tuple[Someone, Someone]
    """The learner's and the mentor's."""

    @property
    def session_id(self) -> SessionId:
        return SessionId(self.mentor.last("session").sessionId)

    @property
    def files(self) -> list[str]:
        """What the mentor sees shared, by name."""
        return [file.path for file in self.mentor.last("session").files]

    async def until_both(self, text: str) -> None:
        await self.learner.until_text(self.uri, text)
        await self.mentor.until_text(self.shared, text)

    async def until_said(self, editor: FakeEditor, words: str) -> str:
        await editor.until(lambda: any(words in text for text in editor.said()), words)
        return next(text for text in editor.said() if words in text)


@asynccontextmanager
async def running(
    folder: Path,
    *,
    answers: Answers = agrees,
    learner_claims: Mapping[str, bool] | None = None,
    mentor_claims: Mapping[str, bool] = PLUGIN,
    text: str = TEXT,
    learner_capabilities: types.ClientCapabilities | None = None,
) -> AsyncIterator[Pair]:
    """The learner has asked about the last line of `app.py`, which is on their disk, and it is open in both editors."""
    async with world.running(folder / "data", SystemClock()) as here:
        lea, mo = await here.learner(), await here.mentor()
        url = f"http://127.0.0.1:{here.port}"
        async with (
            cuttable_wire.to(here.port) as cable,
            fake_editor.running(
                cable.url,
                lea.token,
                folder / "lea",
                answers=answers,
                claims=learner_claims,
                capabilities=learner_capabilities,
            ) as learner,
            fake_editor.running(
                url, mo.token, folder / "mo", answers=answers, claims=mentor_claims
            ) as mentor,
        ):
            file = folder / "lea" / "app.py"
            file.write_text(text)
            learner.open(file.as_uri(), text)
            await mentor.command("goOnline")
            (action, *_) = await learner.actions(file.as_uri(), (7, 0), (7, 17))
            await learner.choose(action)
            shared = await _opened(mentor)
            yield Pair(
                here, cable, learner, mentor, file.as_uri(), shared, folder / "lea", (lea, mo)
            )


@asynccontextmanager
async def with_rogue(folder: Path) -> AsyncIterator[tuple[Pair, YjsClient]]:
    """And somebody who writes into the document with the mentor's token, and no language server between."""
    async with (
        running(folder) as pair,
        pair.here.document(pair.session_id, pair.accounts[1]) as rogue,
    ):
        yield pair, rogue


async def _opened(mentor: FakeEditor) -> str:
    await mentor.until(lambda: bool(mentor.last("session")), "the session")
    await mentor.until(
        lambda: bool(mentor.last("session").files) and mentor.last("session").mode == "live",
        "a file to type into",
    )
    uri = str(mentor.last("session").files[0].uri)
    if mentor.claims.get("sharedBuffers"):
        opened = await mentor.request("codementor/openShared", {"uri": uri})
        mentor.open(uri, opened.text)
    else:
        mentor.open(uri, Path(uri.removeprefix("file://")).read_text())
    return uri
