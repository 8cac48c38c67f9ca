"""Proposals between two real language servers: what the mentor types is no edit until the learner takes it."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from lsprotocol import types

from cm_server.clock import SystemClock
from tests.support import client_capabilities, fake_editor, world
from tests.support.fake_editor import FakeEditor

TEXT = "import asyncio\n\n\nasync def main():\n    print('hello')\n\n\nasyncio.run(main)\n"
FIXED = TEXT.replace("run(main)", "run(main())")


def sends_and_proposes(text: str, titles: Sequence[str]) -> str | None:
    """Says yes to sending and to the offer, and "propose" where the mode is asked."""
    return titles[0] if text.startswith("May ") else titles[1]


@asynccontextmanager
async def proposing(
    folder: Path, can: types.ClientCapabilities | None = None
) -> AsyncIterator[tuple[FakeEditor, str, FakeEditor, str]]:
    """The learner and their document, the mentor and the shared one, in propose mode."""
    async with world.running(folder / "data", SystemClock()) as here:
        lea, mo = await here.learner(), await here.mentor()
        url = f"http://127.0.0.1:{here.port}"
        plugin = {"sharedBuffers": True, "rebase": True}
        async with (
            fake_editor.running(
                url, lea.token, folder / "lea", answers=sends_and_proposes, capabilities=can
            ) as learner,
            fake_editor.running(
                url, mo.token, folder / "mo", answers=sends_and_proposes, claims=plugin
            ) as mentor,
        ):
            uri = (folder / "lea" / "app.py").as_uri()
            learner.open(uri, TEXT)
            await mentor.command("goOnline")
            (action, *_) = await learner.actions(uri, (7, 0), (7, 17))
            await learner.choose(action)
            await mentor.until(lambda: bool(mentor.last("session")), "the session")
            await mentor.until(lambda: bool(mentor.last("session").files), "the shared file")
            shared = f"codementor://{mentor.last('session').sessionId}/app.py"
            opened = await mentor.request("codementor/openShared", {"uri": shared})
            mentor.open(shared, opened.text)
            yield learner, uri, mentor, shared


def proposals(learner: FakeEditor, uri: str) -> list[str]:
    shown = learner.client.diagnostics.get(uri, [])
    return [one.message for one in shown if " proposes: " in one.message]


async def choose(learner: FakeEditor, uri: str, title: str, line: int = 7) -> None:
    actions = await learner.actions(uri, (line, 0))
    await learner.choose(next(one for one in actions if one.title.startswith(title)))


async def test_an_accepted_proposal_is_the_learners_edit_and_a_refused_one_leaves_the_mentor(
    tmp_path: Path,
) -> None:
    async with proposing(tmp_path) as (learner, uri, mentor, shared):
        mentor.type_at(shared, TEXT.index("main)") + 4, "()")
        await learner.until(lambda: bool(proposals(learner, uri)), "the proposal")
        assert learner.text(uri) == TEXT, "a proposal is no edit"
        learner.type_at(uri, 0, "# mine 🌴\n")
        await choose(learner, uri, "Codementor: accept: ", line=8)
        await learner.until_text(uri, "# mine 🌴\n" + FIXED)
        await mentor.until_text(shared, "# mine 🌴\n" + FIXED)

        mentor.append(shared, "# refused\n")
        await learner.until(lambda: bool(proposals(learner, uri)), "the second proposal")
        await choose(learner, uri, "Codementor: refuse: ")
        await mentor.until_text(shared, "# mine 🌴\n" + FIXED)
        assert learner.text(uri) == "# mine 🌴\n" + FIXED
        await learner.until(lambda: not proposals(learner, uri), "the marks to go")


async def test_what_was_proposed_is_kept_in_a_file_when_the_mode_ends_it(tmp_path: Path) -> None:
    async with proposing(tmp_path) as (learner, uri, mentor, shared):
        mentor.append(shared, "# never decided\n")
        await learner.until(lambda: bool(proposals(learner, uri)), "the proposal")
        await learner.command("mode", mode="readOnly")
        await mentor.until_text(shared, TEXT)
        await learner.until(lambda: not proposals(learner, uri), "the marks to go")
        kept = next(text for text in mentor.said() if " is kept in " in text)
        file = Path(kept.partition("file://")[2].rstrip("."))
        assert file.read_text() == TEXT + "# never decided\n"

        mentor.append(shared, "# only looking\n")
        await mentor.until_text(shared, TEXT)
        await mentor.until(
            lambda: any("taken back" in text for text in mentor.said()), "the reason"
        )
        assert learner.text(uri) == TEXT


async def test_the_learner_takes_back_what_the_mentor_typed_live_and_keeps_their_own(
    tmp_path: Path,
) -> None:
    async with proposing(tmp_path) as (learner, uri, mentor, shared):
        await learner.command("mode", mode="live")
        await mentor.until(lambda: mentor.last("session").mode == "live", "live mode")
        mentor.append(shared, "# the mentor's\n")
        await learner.until_text(uri, TEXT + "# the mentor's\n")
        learner.type_at(uri, 0, "# mine\n")
        learner.type_at(uri, learner.text(uri).index("mentor's"), "MY WORD ")
        await learner.command("undoMentor", all=True)
        wanted = "# mine\n" + TEXT + "MY WORD "
        await learner.until_text(uri, wanted)
        await mentor.until_text(shared, wanted)
        refused = await learner.refusal("undoMentor")
        assert "nothing of the mentor's" in str(refused)


async def test_proposals_have_lenses_and_can_be_reviewed_one_by_one(tmp_path: Path) -> None:
    async with proposing(tmp_path, reviewing()) as (learner, uri, mentor, shared):
        mentor.type_at(shared, TEXT.index("main)") + 4, "()")
        await learner.until(lambda: bool(proposals(learner, uri)), "the proposal")
        mentor.type_at(shared, 0, "# 🌴\n")
        await learner.until(lambda: len(proposals(learner, uri)) == 2, "both proposals")
        lenses = await learner.lenses(uri)
        titles = [lens.command.title for lens in lenses if lens.command is not None]
        assert titles[1:4] == ['accept: insert "# 🌴"', "refuse", "show all"]
        assert [lens.range.start.line for lens in lenses[1:]] == [0, 0, 0, 7, 7]

        actions = await learner.actions(uri, (7, 0))
        (review,) = [one for one in actions if one.title.endswith("one by one")]
        assert review.edit is not None
        assert review.edit.change_annotations is not None
        assert all(one.needs_confirmation for one in review.edit.change_annotations.values())
        assert learner.apply_workspace_edit(_confirmed(review.edit, 'insert "()"'))
        await learner.until_text(uri, FIXED)
        await mentor.until_text(shared, "# 🌴\n" + FIXED)
        await learner.until(lambda: len(proposals(learner, uri)) == 1, "the other to be left")
        (accept,) = [lens for lens in await learner.lenses(uri) if "accept" in _title(lens)]
        await learner.take(accept.command)
        await learner.until_text(uri, "# 🌴\n" + FIXED)
        await learner.until(lambda: not proposals(learner, uri), "the marks to go")
        assert mentor.text(shared) == "# 🌴\n" + FIXED


def reviewing() -> types.ClientCapabilities:
    """A plain editor that shows an edit change by change."""
    can = client_capabilities.plain()
    assert can.workspace is not None
    can.workspace.workspace_edit = types.WorkspaceEditClientCapabilities(
        document_changes=True,
        change_annotation_support=types.ChangeAnnotationsSupportOptions(),
    )
    return can


def _title(lens: types.CodeLens) -> str:
    return lens.command.title if lens.command is not None else ""


def _confirmed(edit: types.WorkspaceEdit, title: str) -> types.WorkspaceEdit:
    """What is left of it when its user confirmed the change of that title alone."""
    (change,) = edit.document_changes or []
    assert isinstance(change, types.TextDocumentEdit)
    labels = edit.change_annotations or {}
    kept = [
        one
        for one in change.edits
        if isinstance(one, types.AnnotatedTextEdit) and labels[one.annotation_id].label == title
    ]
    assert len(kept) == 1
    return types.WorkspaceEdit(
        document_changes=[types.TextDocumentEdit(change.text_document, kept)]
    )
