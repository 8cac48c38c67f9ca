// What deserves a notification with buttons in the course of a session: that it goes on elsewhere, the diagnosis, the end,
// "come here".

import { commands, l10n, Uri, window, workspace } from 'vscode';
import { show } from './following.ts';
import * as harmless from './harmless.ts';
import type { Point, Session, SharedFile } from './lspExt.ts';
import { isOver, type State } from './state.ts';

export class Milestones {
  readonly #state: State;
  #located: string | undefined;

  constructor(state: State) {
    this.#state = state;
  }

  passed(before: Session | undefined, now: Session): void {
    const known = before?.sessionId === now.sessionId ? before : undefined;
    if (now.diagnosis !== '' && now.diagnosis !== known?.diagnosis && this.#state.can('startMeter')) {
      void diagnosed(now);
    }
    if (known !== undefined && !isOver(known) && isOver(now)) {
      void ended();
    }
    this.#locate(now);
  }

  /** Once a session: a learner whose text is not open here learns what this window is good for. */
  #locate({ sessionId, you, partner, files }: Session): void {
    const [file] = files;
    if (this.#located === sessionId || this.#state.life !== 'live' || file === undefined) return;
    this.#located = sessionId;
    const isOpen = workspace.textDocuments.some(({ uri }) => this.#state.sharedFile(uri.toString()));
    if (you === 'learner' && !isOpen) void elsewhere(partner.name, file);
  }

  /** Where it is out of sight; else the mark in the text says it. Who hears the editor is told in any case. */
  pointed({ uri, range, name, note }: Point): void {
    const { line } = range.start;
    const isSeen = window.visibleTextEditors.some(
      (editor) =>
        editor.document.uri.toString() === uri &&
        editor.visibleRanges.some((visible) => visible.start.line <= line && line <= visible.end.line),
    );
    if (!isSeen || isReadAloud()) {
      void pointedElsewhere(uri, range.start, `${name}: ${note === '' ? l10n.t('look here') : note}`);
    }
  }
}

/** As the user has set it; whether a screen reader runs, VS Code tells nobody. */
function isReadAloud(): boolean {
  return workspace.getConfiguration('editor').get('accessibilitySupport') === 'on';
}

async function elsewhere(partner: string, { path, uri }: SharedFile): Promise<void> {
  const open = l10n.t('Open It Here');
  const text = l10n.t(
    'You are in a session with {0} about {1}. The meter, the chat and the end are here, too; the text is in the window where its file is open.',
    partner,
    path,
  );
  if ((await window.showInformationMessage(harmless.message(text), open)) === open) {
    await window.showTextDocument(Uri.parse(uri, true), { preview: false });
  }
}

async function diagnosed({ partner, diagnosis, estimateMinutes, priceText }: Session): Promise<void> {
  const start = l10n.t('Go: Start the Meter');
  const stop = l10n.t('No, End It');
  const terms =
    estimateMinutes === null ? priceText : l10n.t('about {0} min, {1}', estimateMinutes, priceText);
  const text = harmless.message(`${partner.name}: ${diagnosis} (${terms})`);
  const answer = await window.showInformationMessage(text, start, stop);
  if (answer === start) await commands.executeCommand('codementor.startMeter');
  if (answer === stop) await commands.executeCommand('codementor.end');
}

async function ended(): Promise<void> {
  const rate = l10n.t('Rate');
  const receipt = l10n.t('Receipt');
  const answer = await window.showInformationMessage(
    l10n.t('The session is over. How was it?'),
    rate,
    receipt,
  );
  if (answer === rate) await commands.executeCommand('codementor.rate');
  if (answer === receipt) await commands.executeCommand('codementor.receipt');
}

async function pointedElsewhere(uri: string, place: Point['range']['start'], said: string): Promise<void> {
  const go = l10n.t('Go There');
  if ((await window.showInformationMessage(harmless.message(said), go)) === go) {
    await show(uri, place, true);
  }
}
