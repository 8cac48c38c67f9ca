"""A person in a real VS Code who carries out a plan: letters by the editor's own commands for typing and deleting.

VS Code types in its window, which runs beside its extensions: an edit of the other's may come between the place and the letters, as
in life. What was deleted is read off the changes that the document reports meanwhile.
"""

from typing import Final

from tests.e2e.vscode.code_server import VisualStudioCode
from tests.support.bridge_plan import Action

_SETTINGS: Final = {"insertSpaces": False, "unusualLineTerminators": "off"}
"""What is typed is what stands there, and nobody is asked about it."""

_WATCH: Final = """
kept.text = vscode.window.activeTextEditor.document.getText();
kept.watch?.dispose();
kept.watch = vscode.workspace.onDidChangeTextDocument((event) => {
  if (event.document !== vscode.window.activeTextEditor.document) return;
  for (const { rangeOffset: at, rangeLength: length, text } of event.contentChanges) {
    if (kept.types) kept.removed += kept.text.slice(at, at + length);
    kept.text = kept.text.slice(0, at) + text + kept.text.slice(at + length);
  }
});
"""
_REPLACE_ALL: Final = """
for (let tries = 0; tries < 50; tries += 1) {
  const editor = vscode.window.activeTextEditor;
  const everything = new vscode.Range(0, 0, editor.document.lineCount, 0);
  if (await editor.edit((edit) => edit.replace(everything, text))) return;
}
throw new Error('VS Code refuses to replace the text');
"""
_TYPE: Final = """
const editor = vscode.window.activeTextEditor;
const letters = [...editor.document.getText()];
const start = Math.floor(letters.length * thousandth / 1000);
const units = (end) => letters.slice(0, end).join('').length;
const place = (end) => editor.document.positionAt(units(end));
kept.removed = '';
kept.types = true;
editor.selection = new vscode.Selection(place(start), place(start + size));
if (text) {
  await vscode.commands.executeCommand('type', { text });
} else {
  await vscode.commands.executeCommand('deleteRight');
}
kept.types = false;
return kept.removed;
"""


class CodeTypist:
    """`code` shows the shared file in its active editor."""

    def __init__(self, code: VisualStudioCode) -> None:
        self._code = code
        for name, value in _SETTINGS.items():
            code.set(f"editor.{name}", value)
        code.js(_WATCH)

    def begin(self, text: str) -> None:
        self._code.js(_REPLACE_ALL, text=text)

    def text(self) -> str:
        return self._code.text()

    def act(self, action: Action) -> str:
        assert action.what in {"type", "delete", "replace"}, action.what
        removed: str = self._code.js(
            _TYPE, thousandth=action.place, size=action.size, text=action.text
        )
        return removed
