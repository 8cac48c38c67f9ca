// The mentor's proposals in the learner's text: a line above each with what it does, to accept or to refuse in place.
//
// cm-lsp marks them by diagnostics and answers what can be done at a place by code actions; nothing else is known here.

import {
  type CodeAction,
  CodeLens,
  type CodeLensProvider,
  commands,
  type Disposable,
  EventEmitter,
  l10n,
  languages,
  type Range,
  type TextDocument,
} from 'vscode';
import * as harmless from './harmless.ts';
import { OWN_SOURCE } from './ownCursor.ts';
import type { State } from './state.ts';

const ACCEPT = 'codementor.acceptProposal';
const REFUSE = 'codementor.refuseProposal';

export class Hunks implements CodeLensProvider, Disposable {
  readonly #state: State;
  readonly #changed = new EventEmitter<void>();
  readonly onDidChangeCodeLenses = this.#changed.event;
  readonly #subscriptions: readonly Disposable[];

  constructor(state: State) {
    this.#state = state;
    this.#subscriptions = [
      languages.registerCodeLensProvider([{ scheme: '*' }], this),
      languages.onDidChangeDiagnostics(({ uris }) => {
        if (uris.some((uri) => this.#mayHaveProposals(uri.toString()))) this.#changed.fire();
      }),
      this.#changed,
    ];
  }

  async provideCodeLenses({ uri }: TextDocument): Promise<CodeLens[]> {
    if (!this.#mayHaveProposals(uri.toString())) {
      return [];
    }
    const marked = languages.getDiagnostics(uri).filter(({ source }) => source === OWN_SOURCE);
    const lenses = new Map<string, CodeLens>();
    for (const { range } of marked) {
      const actions = await commands.executeCommand<CodeAction[]>(
        'vscode.executeCodeActionProvider',
        uri,
        range,
      );
      for (const action of actions) {
        const { key, lens } = lensOf(action, range) ?? {};
        if (key !== undefined && lens !== undefined && !lenses.has(key)) lenses.set(key, lens);
      }
    }
    return [...lenses.values()];
  }

  dispose(): void {
    this.#subscriptions.forEach((subscription) => {
      subscription.dispose();
    });
  }

  #mayHaveProposals(uri: string): boolean {
    const { session } = this.#state;
    return (
      session?.you === 'learner' && session.mode === 'propose' && this.#state.sharedFile(uri) !== undefined
    );
  }
}

/** One lens for each verb of each numbered proposal; what is about all of them stays in the light bulb. */
function lensOf({ title, command }: CodeAction, range: Range): { key: string; lens: CodeLens } | undefined {
  const argument: unknown = command?.arguments?.[0];
  const isNumbered = typeof argument === 'object' && argument !== null && 'number' in argument;
  if (command === undefined || !isNumbered || (command.command !== ACCEPT && command.command !== REFUSE)) {
    return undefined;
  }
  const isAccept = command.command === ACCEPT;
  const icon = isAccept ? '$(check)' : '$(close)';
  const text = isAccept ? harmless.label(title.replace(/^Codementor: /, '')) : l10n.t('refuse');
  const lens = new CodeLens(range, { ...command, title: `${icon} ${text}` });
  return { key: `${command.command} ${String(argument.number)}`, lens };
}
