// "Ask a mentor" in the light bulb. It is offered before cm-lsp runs, which starts only when it is taken.

import {
  CodeAction,
  type CodeActionContext,
  CodeActionKind,
  type CodeActionProvider,
  CodeActionTriggerKind,
  type Disposable,
  l10n,
  languages,
  type Range,
  type TextDocument,
} from 'vscode';
import type { AskTarget } from './askFlow.ts';
import { settings } from './config.ts';

export class CodeActions implements CodeActionProvider, Disposable {
  readonly #registration: Disposable;

  constructor() {
    this.#registration = languages.registerCodeActionsProvider([{ scheme: '*' }], this, {
      providedCodeActionKinds: [CodeActionKind.QuickFix, CodeActionKind.Empty],
    });
  }

  /** By itself only where something is wrong or selected: a bulb on every line would be noise. */
  provideCodeActions(document: TextDocument, range: Range, context: CodeActionContext): CodeAction[] {
    const { diagnostics, only, triggerKind } = context;
    const kind = diagnostics.length > 0 ? CodeActionKind.QuickFix : CodeActionKind.Empty;
    const isCalledFor =
      triggerKind === CodeActionTriggerKind.Invoke || diagnostics.length > 0 || !range.isEmpty;
    if (!settings().lightBulb || !isCalledFor || (only !== undefined && !only.contains(kind))) {
      return [];
    }
    const title = l10n.t('Ask a mentor');
    const action = new CodeAction(title, kind);
    const target: AskTarget = { uri: document.uri, range, diagnostics };
    action.diagnostics = [...diagnostics];
    action.command = { title, command: 'codementor.ask', arguments: [target] };
    return [action];
  }

  dispose(): void {
    this.#registration.dispose();
  }
}
