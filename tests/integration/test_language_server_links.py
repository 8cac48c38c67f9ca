"""What the language server does when the way to the server is not as it should be, or the other may not do what they try."""

import asyncio
import contextlib
import sqlite3
import stat
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from lsprotocol import types

from cm_server.clock import SystemClock
from tests.support import cuttable_wire, fake_editor, world
from tests.support.cuttable_wire import CuttableWire
from tests.support.fake_editor import ALL_CLAIMS, FakeEditor
from tests.support.world import World

TEXT = "first = 1\nsecond = '🌴'\nthird = 3\n"


def agreeable(text: str, titles: Sequence[str]) -> str | None:
    return titles[1]


def cautious(text: str, titles: Sequence[str]) -> str | None:
    """Sends the ask, but lets nobody type."""
    return titles[0] if "type into" in text else titles[1]


@dataclass
class Pair:
    here: World
    wire: CuttableWire
    learner: FakeEditor
    mentor: FakeEditor
    uri: str
    learner_token: str
    shared: str = ""
    session_id: str = ""


@asynccontextmanager
async def pair(
    folder: Path,
    *,
    learner_claims: Mapping[str, bool] | None = None,
    mentor_claims: Mapping[str, bool] | None = None,
    answers: "fake_editor.Answers" = agreeable,
) -> AsyncIterator[Pair]:
    """A learner (behind a wire that can be cut) and a mentor in a session about one open file."""
    async with (
        world.running(folder / "data", SystemClock()) as here,
        cuttable_wire.to(here.port) as wire,
    ):
        lea, mo = await here.learner(), await here.mentor()
        direct = f"http://127.0.0.1:{here.port}"
        async with (
            fake_editor.running(
                wire.url, lea.token, folder / "lea", answers=answers, claims=learner_claims
            ) as learner,
            fake_editor.running(
                direct, mo.token, folder / "mo", answers=agreeable, claims=mentor_claims
            ) as mentor,
        ):
            uri = (folder / "lea" / "app.py").as_uri()
            both = Pair(here, wire, learner, mentor, uri, lea.token)
            learner.open(uri, TEXT)
            await mentor.command("goOnline")
            whole = {"start": {"line": 0, "character": 0}, "end": {"line": 1, "character": 0}}
            await learner.command("ask", uri=uri, range=whole, question="why?")
            await _begin(both)
            yield both


async def _begin(both: Pair) -> None:
    """Open what is shared, as the mentor's editor does when it is told."""
    mentor = both.mentor
    if mentor.claims.get("offers"):
        await mentor.until(lambda: mentor.last("offer") is not None, "the offer")
        await mentor.command("accept", offerId=mentor.last("offer").offerId)
    if mentor.claims.get("sharedBuffers"):
        await mentor.until(
            lambda: mentor.last("session") is not None and bool(mentor.last("session").files),
            "the shared file",
        )
        both.session_id = mentor.last("session").sessionId
        both.shared = mentor.last("session").files[0].uri
    else:
        await mentor.until(lambda: bool(mirrors(mentor)), "the mirror to be shown")
        (both.shared,) = mirrors(mentor)
    mentor.open(both.shared, TEXT)


def mirrors(editor: FakeEditor) -> list[str]:
    return [uri for uri in editor.shown() if "/mirrors/" in uri]


def is_stored(editor: FakeEditor) -> bool:
    told = editor.last("sync")
    return told is not None and told.state == "inSync"


async def test_edits_made_while_the_wire_is_cut_are_merged_and_commands_take_effect_once(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path, learner_claims=ALL_CLAIMS, mentor_claims=ALL_CLAIMS) as both:
        learner, mentor = both.learner, both.mentor
        await mentor.until(lambda: mentor.last("session").mode == "live", "live mode")
        both.wire.cut()
        await learner.until(lambda: learner.last("status").connection == "offline", "the cut")
        learner.type_at(both.uri, 0, "# typed offline\n")
        mentor.append(both.shared, "# typed meanwhile\n")
        saying = asyncio.create_task(learner.command("chat", text="said offline"))
        await mentor.until(lambda: "meanwhile" in mentor.text(both.shared), "the mentor's text")
        both.wire.mend()
        whole = f"# typed offline\n{TEXT}# typed meanwhile\n"
        await learner.until_text(both.uri, whole)
        await mentor.until_text(both.shared, whole)
        await saying
        await mentor.until(lambda: bool(mentor.heard["codementor/chat"]), "the chat line")
        assert [line.text for line in mentor.heard["codementor/chat"]] == ["said offline"]


async def test_another_editor_of_the_learner_is_in_the_session_and_leaves_its_own_projects_alone(
    tmp_path: Path,
) -> None:
    async with (
        pair(tmp_path, learner_claims=ALL_CLAIMS, mentor_claims=ALL_CLAIMS) as both,
        fake_editor.running(
            both.wire.url,
            both.learner_token,
            tmp_path / "other",
            claims=ALL_CLAIMS,
            cache=fake_editor.cache_of(tmp_path / "lea"),
        ) as second,
    ):
        namesake = (tmp_path / "other" / "app.py").as_uri()
        second.open(namesake, "another = 'project'\n")
        await second.until(lambda: second.last("session") is not None, "the session")
        await second.until(lambda: bool(second.last("session").files), "the shared file")
        assert second.last("session").files[0].uri == both.uri
        both.mentor.append(both.shared, "# for both\n")
        await both.learner.until_text(both.uri, f"{TEXT}# for both\n")
        second.open(both.uri, TEXT)
        await second.until_text(both.uri, f"{TEXT}# for both\n")
        second.type_at(both.uri, 0, "# from the second\n")
        await both.learner.until_text(both.uri, f"# from the second\n{TEXT}# for both\n")
        assert second.text(namesake) == "another = 'project'\n"


async def test_what_a_mentor_types_without_the_learners_leave_is_taken_back(tmp_path: Path) -> None:
    async with pair(
        tmp_path, learner_claims=ALL_CLAIMS, mentor_claims=ALL_CLAIMS, answers=cautious
    ) as both:
        assert not both.mentor.last("session").files[0].readOnly, "proposing is typing"
        await both.learner.command("mode", mode="readOnly")
        await both.mentor.until(lambda: both.mentor.last("session").files[0].readOnly, "the mode")
        both.mentor.type_at(both.shared, 0, "not allowed")
        await both.mentor.until_text(both.shared, TEXT)
        both.learner.append(both.uri, "fourth = 4\n")
        await both.mentor.until_text(both.shared, TEXT + "fourth = 4\n")
        assert both.learner.text(both.uri) == TEXT + "fourth = 4\n"
        await both.learner.command("mode", mode="live")
        await both.mentor.until(lambda: not both.mentor.last("session").files[0].readOnly, "leave")
        both.mentor.append(both.shared, "fifth = 5\n")
        await both.learner.until_text(both.uri, TEXT + "fourth = 4\nfifth = 5\n")


async def test_a_mentor_without_a_plugin_works_in_a_private_mirror_that_goes_with_the_session(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path, learner_claims=ALL_CLAIMS) as both:
        place = Path(both.shared.removeprefix("file://"))
        assert place.read_text() == TEXT
        assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
        await both.learner.until(lambda: both.learner.last("session").mode == "live", "live mode")
        both.mentor.type_at(both.shared, 0, "# from the mirror\n")
        await both.learner.until_text(both.uri, "# from the mirror\n" + TEXT)
        assert place.read_text() == TEXT, "nothing is saved by us"
        await both.learner.command("end")
        await both.mentor.until(lambda: not place.exists(), "the mirror to be removed")


async def test_cursors_travel_both_ways_by_plugin_and_by_plain_lsp(tmp_path: Path) -> None:
    async with pair(tmp_path, mentor_claims=ALL_CLAIMS) as both:
        learner, mentor = both.learner, both.mentor
        after_palm = {"line": 1, "character": 12}
        caret = {"start": after_palm, "end": after_palm}
        mentor.client.protocol.notify(
            "codementor/cursor", {"textDocument": {"uri": both.shared}, "selections": [caret]}
        )
        await learner.until(
            lambda: bool(learner.client.diagnostics.get(both.uri)), "the mentor's cursor as a hint"
        )
        (hint,) = learner.client.diagnostics[both.uri]
        assert hint.message == "Mo is here"
        assert (hint.range.start.line, hint.range.start.character) == (1, 12)

        await learner.actions(both.uri, (1, 12))
        await mentor.until(
            lambda: mentor.last("cursors") is not None and bool(mentor.last("cursors").cursors),
            "the learner's cursor",
        )
        (cursor,) = mentor.last("cursors").cursors
        assert (cursor.name, cursor.position.line, cursor.position.character) == ("Lea", 1, 12)
        learner.type_at(both.uri, 0, "\n")
        await mentor.until(
            lambda: mentor.last("cursors").cursors[0].position.line in {1, 2}, "the cursor to move"
        )


async def test_the_mentor_sees_the_learners_diagnostics_and_where_the_learner_points(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path, learner_claims=ALL_CLAIMS, mentor_claims=ALL_CLAIMS) as both:
        where = {"start": {"line": 2, "character": 0}, "end": {"line": 2, "character": 5}}
        found = {"range": where, "message": "unused name", "severity": 2, "source": "linter"}
        both.learner.client.protocol.notify(
            "codementor/diagnostics", {"uri": both.uri, "diagnostics": [found]}
        )
        shown = both.mentor.client.diagnostics
        await both.mentor.until(lambda: bool(shown.get(both.shared)), "the diagnostic")
        (diagnostic,) = shown[both.shared]
        assert diagnostic.message == "unused name"
        assert diagnostic.severity == types.DiagnosticSeverity.Warning
        await both.learner.command("point", uri=both.uri, range=where, note="here")
        await both.mentor.until(lambda: both.mentor.last("point") is not None, "the pointer")
        point = both.mentor.last("point")
        assert (point.note, point.range.start.line, point.uri) == ("here", 2, both.shared)


async def test_a_server_that_is_down_at_start_is_named_and_found_when_it_comes(
    tmp_path: Path,
) -> None:
    async with (
        world.running(tmp_path / "data", SystemClock()) as here,
        cuttable_wire.to(here.port, is_cut=True) as wire,
    ):
        mo = await here.mentor()
        async with fake_editor.running(wire.url, mo.token, tmp_path / "mo") as editor:
            await editor.until(lambda: bool(editor.said()), "a word about it")
            assert f"{wire.url} cannot be reached" in editor.said()[0]
            await editor.until(lambda: wire.connections >= 3, "more tries")
            wire.mend()
            assert await editor.command("goOnline") == {}
            assert len(editor.said()) == 1


async def test_while_the_database_is_locked_commands_say_so_and_no_key_is_lost(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path, learner_claims=ALL_CLAIMS, mentor_claims=ALL_CLAIMS) as both:
        learner, mentor = both.learner, both.mentor
        await mentor.until(lambda: mentor.last("session").mode == "live", "live mode")
        await learner.until(lambda: is_stored(learner), "all to be stored")
        path = both.here.app.settings.data_folder / "codementor.sqlite3"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as shell:
            shell.execute("BEGIN IMMEDIATE")
            learner.type_at(both.uri, 0, "# typed meanwhile\n")
            error = await learner.refusal("chat", text="hello?")
            assert error.message == "The database does not answer. Try again shortly."
            assert not is_stored(learner)
            shell.execute("ROLLBACK")
        await mentor.until_text(both.shared, "# typed meanwhile\n" + TEXT)
        await learner.until(lambda: is_stored(learner), "it to be stored")
        assert await learner.command("chat", text="hello again") == {}
        assert [line.text for line in mentor.heard["codementor/chat"]] == ["hello again"]


async def test_a_session_that_is_not_there_is_refused_by_name_and_changes_nothing(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path, learner_claims=ALL_CLAIMS) as both:
        for name, more in (("end", {}), ("receipt", {}), ("pause", {}), ("chat", {"text": "x"})):
            error = await both.learner.refusal(name, sessionId="ses_of_nobody", **more)
            assert error.code == -32803
            assert error.message == "There is no session ses_of_nobody of yours."
        await both.learner.until(lambda: both.learner.last("session") is not None, "the session")
        assert both.learner.last("session").state == "triage"


async def test_a_wrong_token_is_said_once_and_not_tried_again(tmp_path: Path) -> None:
    async with (
        world.running(tmp_path / "data", SystemClock()) as here,
        cuttable_wire.to(here.port) as wire,
        fake_editor.running(wire.url, "cm_wrong", tmp_path / "lea") as editor,
    ):
        await editor.until(lambda: bool(editor.said()), "a word about it")
        assert "CM_TOKEN" in editor.said()[0]
        error = await editor.refusal("goOnline")
        assert error.code == -32803
        assert "token" in error.message
        assert wire.connections == 1


async def test_without_a_token_every_command_says_how_to_sign_in(tmp_path: Path) -> None:
    async with fake_editor.running("http://127.0.0.1:9", "", tmp_path / "lea") as editor:
        error = await editor.refusal("goOnline")
        assert "CM_TOKEN" in error.message
        assert error.data is not None


async def test_diagnostics_from_before_the_file_was_shared_or_opened_are_seen_too(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path, learner_claims=ALL_CLAIMS, mentor_claims=ALL_CLAIMS) as both:
        learner, mentor = both.learner, both.mentor
        other = (tmp_path / "lea" / "other.py").as_uri()
        learner.open(other, "import os\n")
        where = {"start": {"line": 0, "character": 7}, "end": {"line": 0, "character": 9}}
        found = {"range": where, "message": "os is not used", "severity": 2, "source": "linter"}
        learner.client.protocol.notify(
            "codementor/diagnostics", {"uri": other, "diagnostics": [found]}
        )
        await learner.command("share", uri=other)
        shared = f"codementor://{both.session_id}/other.py"
        await mentor.until(
            lambda: any(file.uri == shared for file in mentor.last("session").files), "the file"
        )
        text = await mentor.request("codementor/openShared", {"uri": shared})
        mentor.open(shared, text.text)
        await mentor.until(lambda: bool(mentor.client.diagnostics.get(shared)), "the diagnostic")
        (diagnostic,) = mentor.client.diagnostics[shared]
        assert diagnostic.message == "os is not used"
        await learner.command("end")
        await mentor.until(lambda: not mentor.client.diagnostics[shared], "the marks to go")


async def test_files_are_shared_and_unshared_while_live_and_refused_with_the_reason(
    tmp_path: Path,
) -> None:
    async with pair(tmp_path, learner_claims=ALL_CLAIMS, mentor_claims=ALL_CLAIMS) as both:
        learner, mentor = both.learner, both.mentor
        folder = tmp_path / "lea"

        async def reason(name: str, text: str) -> str:
            learner.open((folder / name).as_uri(), text)
            return str(await learner.refusal("share", uri=(folder / name).as_uri()))

        assert "NUL" in await reason("image.txt", "a\0b")
        assert "1048576" in await reason("large.txt", "x\n" * 700_000)
        assert "20000" in await reason("long.txt", "\n" * 30_000)
        assert "by themselves" in await reason(".envrc", "export A=1\n")

        second = (folder / "second.py").as_uri()
        learner.open(second, "second = 2\n")
        await learner.command("share", uri=second)
        shared = f"codementor://{both.session_id}/second.py"
        await mentor.until(
            lambda: any(file.uri == shared for file in mentor.last("session").files), "the file"
        )
        opened = await mentor.request("codementor/openShared", {"uri": shared})
        mentor.open(shared, opened.text)
        mentor.append(shared, "# seen\n")
        await learner.until_text(second, "second = 2\n# seen\n")

        await learner.command("unshare", uri=second)
        await mentor.until(
            lambda: all(file.uri != shared for file in mentor.last("session").files), "its end"
        )
        mentor.append(shared, "# nobody sees this\n")
        learner.append(both.uri, "# still shared\n")
        await mentor.until(lambda: "still shared" in mentor.text(both.shared), "the other file")
        assert learner.text(second) == "second = 2\n# seen\n"
        refused = await learner.refusal("unshare", uri=second)
        assert "not shared" in str(refused)

        await learner.command("share", uri=second)
        await mentor.until(
            lambda: any(file.uri == shared for file in mentor.last("session").files), "it again"
        )
        again = await mentor.request("codementor/openShared", {"uri": shared})
        assert again.text == "second = 2\n# seen\n"
