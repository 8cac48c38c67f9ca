// Tells cm-lsp where the user's own cursor is in shared files, and what other tools complain about there.

import {
  type Diagnostic,
  type Disposable,
  languages,
  type TextEditor,
  type Uri,
  window,
  workspace,
} from 'vscode';
import type { Server } from './server.ts';
import type * as ext from './lspExt.ts';
import type { State } from './state.ts';

const CURSOR_EVERY_MS = 50;
const DIAGNOSTICS_EVERY_MS = 300;
/** What cm-lsp publishes itself is not told back to it. */
export const OWN_SOURCE = 'codementor';

export class OwnCursor implements Disposable {
  readonly #server: Server;
  readonly #state: State;
  readonly #subscriptions: readonly Disposable[];
  #cursorDue: NodeJS.Timeout | undefined;
  #diagnosticsDue: NodeJS.Timeout | undefined;
  readonly #changedUris = new Map<string, Uri>();
  #filesTold = '';

  constructor(server: Server, state: State) {
    this.#server = server;
    this.#state = state;
    this.#subscriptions = [
      window.onDidChangeTextEditorSelection(() => {
        this.#cursorSoon();
      }),
      window.onDidChangeActiveTextEditor(() => {
        this.#cursorSoon();
      }),
      languages.onDidChangeDiagnostics(({ uris }) => {
        this.#diagnosticsSoon(uris);
      }),
      state.onDidChange(() => {
        this.#filesMayHaveChanged();
      }),
    ];
  }

  dispose(): void {
    clearTimeout(this.#cursorDue);
    clearTimeout(this.#diagnosticsDue);
    this.#subscriptions.forEach((subscription) => {
      subscription.dispose();
    });
  }

  /** At most every 50 ms, the last place always. */
  #cursorSoon(): void {
    if (this.#state.life !== 'live') return;
    this.#cursorDue ??= setTimeout(() => {
      this.#cursorDue = undefined;
      this.#reportCursor(window.activeTextEditor);
    }, CURSOR_EVERY_MS);
  }

  #reportCursor(editor: TextEditor | undefined): void {
    const uri = editor?.document.uri.toString();
    if (editor === undefined || uri === undefined || this.#state.sharedFile(uri) === undefined) {
      return;
    }
    this.#server.connection?.report('codementor/cursor', {
      textDocument: { uri, version: editor.document.version },
      selections: editor.selections.map(({ start, end }) => ({ start: plain(start), end: plain(end) })),
      reversed: editor.selection.isReversed,
    });
  }

  #filesMayHaveChanged(): void {
    const files = this.#state.life === 'live' ? (this.#state.session?.files ?? []) : [];
    const told = files.map((file) => file.uri).join('\n');
    if (told === this.#filesTold) return;
    this.#filesTold = told;
    const uris = workspace.textDocuments.map((document) => document.uri);
    this.#diagnosticsSoon(uris.filter((uri) => files.some((file) => file.uri === uri.toString())));
    this.#cursorSoon();
  }

  #diagnosticsSoon(uris: readonly Uri[]): void {
    for (const uri of uris) {
      if (this.#state.sharedFile(uri.toString()) !== undefined && this.#state.session?.you === 'learner') {
        this.#changedUris.set(uri.toString(), uri);
      }
    }
    if (this.#changedUris.size > 0) {
      this.#diagnosticsDue ??= setTimeout(() => {
        this.#diagnosticsDue = undefined;
        this.#reportDiagnostics();
      }, DIAGNOSTICS_EVERY_MS);
    }
  }

  #reportDiagnostics(): void {
    for (const [name, uri] of this.#changedUris) {
      const diagnostics = languages.getDiagnostics(uri).filter((found) => found.source !== OWN_SOURCE);
      this.#server.connection?.report('codementor/diagnostics', {
        uri: name,
        diagnostics: diagnostics.map(reported),
      });
    }
    this.#changedUris.clear();
  }
}

/** VS Code counts severities from 0 and may wrap a code with a link; LSP counts from 1 and has the code alone. */
export function reported({ range, message, severity, source, code }: Diagnostic): ext.ReportedDiagnostic {
  return {
    range: { start: plain(range.start), end: plain(range.end) },
    message,
    severity: severity + 1,
    source: source ?? '',
    code: (typeof code === 'object' ? code.value : code) ?? '',
  };
}

/** Without what VS Code's own class carries beside. */
export function plain({ line, character }: ext.Position): ext.Position {
  return { line, character };
}
