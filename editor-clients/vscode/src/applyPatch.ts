// "Apply What Changed": a session's patch, put into the files of this workspace. Nothing is saved, and a file that has
// changed too much since is left as it is, and named.

import { l10n, Range, type TextDocument, Uri, window, workspace, WorkspaceEdit } from 'vscode';
import * as harmless from './harmless.ts';
import { type FilePatch, fit, type LineEdit, parse } from './patch.ts';

export async function applyPatch(patch: string): Promise<void> {
  const files = parse(patch);
  const said = files.length === 0 ? [l10n.t('Nothing was changed.')] : [];
  for (const file of files) {
    said.push(harmless.message(await applyTo(file)));
  }
  void window.showInformationMessage(said.join(' '));
}

async function applyTo(file: FilePatch): Promise<string> {
  const document = await documentOf(file.path);
  if (document === undefined) return l10n.t('{0} is not in this workspace.', file.path);
  const fitted = fit(document.getText().split(/\r\n|\r|\n/), file);
  if (fitted.kind === 'isThere') return l10n.t('{0} has the changes already.', file.path);
  if (fitted.kind === 'doesNotFit') return l10n.t('{0} has changed too much since.', file.path);
  const edit = new WorkspaceEdit();
  fitted.edits.forEach((change) => {
    const { range, text } = textEdit(document, change);
    edit.replace(document.uri, range, text);
  });
  await workspace.applyEdit(edit);
  await window.showTextDocument(document, { preview: false });
  return l10n.t('{0} is changed, and not saved.', file.path);
}

/** The last line of a text has no end of its own: what goes behind it brings one along. */
function textEdit(document: TextDocument, { from, to, lines }: LineEdit): { range: Range; text: string } {
  if (to < document.lineCount) {
    return { range: new Range(from, 0, to, 0), text: lines.map((line) => `${line}\n`).join('') };
  }
  const end = document.lineAt(document.lineCount - 1).range.end;
  const start = from === 0 ? document.lineAt(0).range.start : document.lineAt(from - 1).range.end;
  return {
    range: new Range(start, end),
    text: lines.map((line, at) => (from + at === 0 ? line : `\n${line}`)).join(''),
  };
}

/** A path of a session is relative to a folder of the workspace, and leads out of none. */
async function documentOf(path: string): Promise<TextDocument | undefined> {
  if (path.startsWith('/') || path.split('/').includes('..')) return undefined;
  for (const { uri } of workspace.workspaceFolders ?? []) {
    try {
      return await workspace.openTextDocument(Uri.joinPath(uri, path));
    } catch {
      continue; // The next folder may have it.
    }
  }
  return undefined;
}
