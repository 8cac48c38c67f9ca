// Answers `codementor/applyEdit` and `codementor/readDocument`: the other's edits, moved over what was typed since, put in
// as one change or not at all. How they move is `rebase.ts`; this is the part that knows VS Code.
//
// A change is put into a visible editor by `TextEditor.edit`, whose version is checked in the window in the same turn as
// the edit. Documents that nobody sees, and read-only ones, where that call does nothing and says true, get a workspace
// edit.

import {
  type Disposable,
  Position,
  Range,
  type TextDocument,
  type TextDocumentChangeEvent,
  type TextEditor,
  TextEditorRevealType,
  window,
  workspace,
  WorkspaceEdit,
} from 'vscode';
import { settings } from './config.ts';
import { deferred } from './deferred.ts';
import type * as ext from './lspExt.ts';
import { changeOf, History, isBefore, type Piece } from './rebase.ts';

const TRIES_MAX = 50;
const CHANGE_PATIENCE_MS = 50;

export class Documents implements Disposable {
  readonly #histories = new Map<string, History>();
  readonly #subscriptions: readonly Disposable[];
  readonly #isReadOnly: (uri: string) => boolean;

  constructor(isReadOnly: (uri: string) => boolean) {
    this.#isReadOnly = isReadOnly;
    workspace.textDocuments.forEach((document) => {
      this.#opened(document);
    });
    this.#subscriptions = [
      workspace.onDidOpenTextDocument((document) => {
        this.#opened(document);
      }),
      workspace.onDidCloseTextDocument((document) => this.#histories.delete(document.uri.toString())),
      workspace.onDidChangeTextDocument((event) => {
        this.#changed(event);
      }),
    ];
  }

  async apply({ uri, version, edits }: ext.ApplyEdit): Promise<ext.EditApplied> {
    const given = edits.map(({ range, newText }) => ({ from: range.start, to: range.end, text: newText }));
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const document = openDocument(uri);
      const history = this.#histories.get(uri);
      if (document === undefined || history === undefined) {
        return { applied: false };
      }
      const pieces = history.version === document.version ? history.bringUp(given, version) : undefined;
      const left = pieces?.filter((piece) => document.getText(rangeOf(piece)) !== piece.text) ?? [];
      if (left.length === 0) {
        return { applied: false, version: document.version };
      }
      const before = document.version;
      if (await this.#put(document, left)) {
        return { applied: true, version: before + 1 };
      }
      if (document.version === before) {
        await nextChange(document);
      }
    }
    return { applied: false, ...versionOf(uri) };
  }

  read({ uri }: ext.ReadDocument): ext.DocumentText | null {
    const document = openDocument(uri);
    return document === undefined
      ? null
      : { text: document.getText(), version: document.version, languageId: document.languageId };
  }

  dispose(): void {
    this.#subscriptions.forEach((subscription) => {
      subscription.dispose();
    });
  }

  #opened(document: TextDocument): void {
    this.#histories.set(document.uri.toString(), new History(document.version));
  }

  #changed({ document, contentChanges }: TextDocumentChangeEvent): void {
    const history = this.#histories.get(document.uri.toString());
    if (history === undefined || document.version <= history.version) {
      return;
    }
    const changes = contentChanges.map(({ range, text }) => changeOf(range.start, range.end, text));
    const [whole] = changes;
    if (changes.length === 1 && whole !== undefined && replacesAll(document, whole.from, whole.newEnd)) {
      history.forgetBefore(document.version);
    } else {
      history.record({ version: document.version, changes });
    }
  }

  async #put(document: TextDocument, pieces: readonly Piece[]): Promise<boolean> {
    const editor = visibleEditor(document);
    if (editor === undefined || this.#isReadOnly(document.uri.toString())) {
      const edit = new WorkspaceEdit();
      pieces.forEach((piece) => {
        edit.replace(document.uri, rangeOf(piece), piece.text);
      });
      return workspace.applyEdit(edit);
    }
    const firstLine = editor.visibleRanges[0]?.start.line ?? 0;
    try {
      const done = await editor.edit((builder) => {
        pieces.forEach((piece) => {
          builder.replace(rangeOf(piece), piece.text);
        });
      });
      if (done) {
        keepFirstLine(editor, firstLine, pieces);
      }
      return done;
    } catch {
      return false; // The editor was closed meanwhile: the next try goes without it.
    }
  }
}

/** A new end-of-line or a file read anew comes as one change of everything, over which nothing can be moved. */
function replacesAll(document: TextDocument, from: ext.Position, newEnd: ext.Position): boolean {
  const last = document.lineAt(document.lineCount - 1).range.end;
  const isFromStart = from.line === 0 && from.character === 0;
  return isFromStart && document.lineCount > 1 && !isBefore(newEnd, last);
}

/** Lines added above would push what the user reads out of its place. */
function keepFirstLine(editor: TextEditor, firstLine: number, pieces: readonly Piece[]): void {
  const added = pieces
    .filter((piece) => piece.to.line < firstLine)
    .reduce((sum, { from, to, text }) => sum + text.split('\n').length - 1 - (to.line - from.line), 0);
  if (added !== 0 && settings().keepFirstLine) {
    const line = Math.max(0, firstLine + added);
    editor.revealRange(new Range(line, 0, line, 0), TextEditorRevealType.AtTop);
  }
}

function openDocument(uri: string): TextDocument | undefined {
  return workspace.textDocuments.find((document) => document.uri.toString() === uri && !document.isClosed);
}

function visibleEditor(document: TextDocument): TextEditor | undefined {
  const active = window.activeTextEditor;
  return active?.document === document
    ? active
    : window.visibleTextEditors.find((editor) => editor.document === document);
}

function rangeOf({ from, to }: Piece): Range {
  return new Range(new Position(from.line, from.character), new Position(to.line, to.character));
}

function versionOf(uri: string): { version?: number } {
  const document = openDocument(uri);
  return document === undefined ? {} : { version: document.version };
}

/** The change that made an edit stale is on its way to us. */
async function nextChange(document: TextDocument): Promise<void> {
  const { promise, resolve } = deferred<undefined>();
  const subscription = workspace.onDidChangeTextDocument((event) => {
    if (event.document === document) resolve(undefined);
  });
  const timer = setTimeout(() => {
    resolve(undefined);
  }, CHANGE_PATIENCE_MS);
  await promise;
  clearTimeout(timer);
  subscription.dispose();
}
