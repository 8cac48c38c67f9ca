"""The editor of the tests is one: what it reports, it reports in the order in which it happened."""

from dataclasses import dataclass, field
from typing import Any

from lsprotocol import types

from tests.support.fake_editor import FakeEditor

URI = "file:///app.py"


@dataclass
class Heard:
    """Stands where the client to the language server does."""

    versions: list[int] = field(default_factory=list)

    def text_document_did_open(self, params: Any) -> None:
        """Nothing to keep."""

    def text_document_did_change(self, params: types.DidChangeTextDocumentParams) -> None:
        self.versions.append(params.text_document.version)


async def test_a_key_pressed_before_an_edit_was_reported_is_reported_behind_it() -> None:
    heard: Any = Heard()
    editor = FakeEditor(heard, lambda *_: None, {})
    editor.open(URI, "one\n")
    top = types.Range(types.Position(0, 0), types.Position(0, 0))
    document = types.OptionalVersionedTextDocumentIdentifier(uri=URI, version=1)
    edit = types.TextDocumentEdit(document, [types.TextEdit(top, "mark\n")])
    assert editor.apply_workspace_edit(types.WorkspaceEdit(document_changes=[edit]))
    editor.type_at(URI, 4, " seen")
    assert editor.text(URI) == "mark seen\none\n"
    await editor.until(lambda: len(heard.versions) == 2, "both reports")
    assert heard.versions == [2, 3]
