"""A learner whose editor takes no edits unasked: told that some wait, and given them by code action or by formatting."""

from pathlib import Path

import pytest
from lsprotocol import types
from pygls.exceptions import JsonRpcMethodNotFound

from tests.support import client_capabilities, live_pair
from tests.support.fake_editor import FakeEditor
from tests.support.live_pair import TEXT, Pair


async def test_what_waits_is_said_counted_and_taken_by_code_action(tmp_path: Path) -> None:
    async with live_pair.running(
        tmp_path, learner_capabilities=client_capabilities.without_edits()
    ) as pair:
        pair.mentor.type_at(pair.shared, 0, "# größer 😀\n")
        await pair.until_said(pair.learner, "1 change of Mo's waits")
        assert pair.learner.text(pair.uri) == TEXT
        pair.mentor.append(pair.shared, "# below\n")
        actions = await offered(pair, "Codementor: take 2 changes of Mo's")
        edit = actions[0].edit
        assert edit is not None
        assert edit.changes is not None
        pair.learner.take_edits(pair.uri, edit.changes[pair.uri])
        await pair.until_both(f"# größer 😀\n{TEXT}# below\n")
        await pair.learner.until(lambda: not waiting(pair.learner, pair.uri), "nothing to wait")
        pair.learner.type_at(pair.uri, 9, "!")
        await pair.until_both(f"# größer !😀\n{TEXT}# below\n")


async def test_formatting_brings_the_document_up_to_date(tmp_path: Path) -> None:
    async with live_pair.running(
        tmp_path, learner_capabilities=client_capabilities.without_edits()
    ) as pair:
        assert await formatted(pair) == []
        pair.mentor.type_at(pair.shared, 0, "# above\n")
        await pair.learner.until(lambda: waiting(pair.learner, pair.uri), "a change to wait")
        pair.learner.append(pair.uri, "# mine\n")
        pair.learner.take_edits(pair.uri, await formatted(pair))
        await pair.until_both(f"# above\n{TEXT}# mine\n")
        assert await formatted(pair) == []


async def test_editors_that_take_edits_are_offered_no_formatting_of_ours(tmp_path: Path) -> None:
    async with live_pair.running(tmp_path) as pair:
        with pytest.raises(JsonRpcMethodNotFound):
            await formatted(pair)


def waiting(editor: FakeEditor, uri: str) -> bool:
    notes = editor.client.diagnostics.get(uri, [])
    return any("by code action" in note.message for note in notes)


async def offered(pair: Pair, title: str) -> list[types.CodeAction]:
    found: list[types.CodeAction] = []
    for _ in range(200):
        actions = await pair.learner.actions(pair.uri, (0, 0), (0, 0))
        found = [action for action in actions if action.title == title]
        if found:
            break
    return found


async def formatted(pair: Pair) -> list[types.TextEdit]:
    document = types.TextDocumentIdentifier(pair.uri)
    options = types.FormattingOptions(tab_size=4, insert_spaces=True)
    params = types.DocumentFormattingParams(document, options)
    return list(await pair.learner.client.text_document_formatting_async(params) or [])
