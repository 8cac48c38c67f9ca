// The status bar: connection, presence, the meter and the sync state. A click shows what can be done now.

import {
  type Disposable,
  l10n,
  MarkdownString,
  StatusBarAlignment,
  type StatusBarItem,
  ThemeColor,
  window,
  commands,
} from 'vscode';
import * as harmless from './harmless.ts';
import type { Meter } from './lspExt.ts';
import type { State } from './state.ts';

const TEXT_CHARACTERS_MAX = 60;

export class MeterStatus implements Disposable {
  readonly #item: StatusBarItem;
  readonly #state: State;
  readonly #subscription: Disposable;
  #warnedFor: string | undefined;

  constructor(state: State) {
    this.#state = state;
    this.#item = window.createStatusBarItem('codementor.meter', StatusBarAlignment.Left, 1_000);
    this.#item.name = 'Codementor';
    this.#item.command = 'codementor.menu';
    this.#subscription = state.onDidChange(() => {
      this.draw();
    });
    this.draw();
    this.#item.show();
  }

  draw(): void {
    const text = this.#text();
    this.#item.text = text;
    const warns = this.#state.life === 'live' && this.#state.meter?.warned === true;
    const color = warns || this.#badSync() !== '' ? 'statusBarItem.warningBackground' : undefined;
    this.#item.backgroundColor = color === undefined ? undefined : new ThemeColor(color);
    this.#item.tooltip = new MarkdownString().appendText(this.#tooltip());
    this.#item.accessibilityInformation = { label: this.#spoken(), role: 'button' };
  }

  /** At four fifths of the cap, once a session (and again after the cap was raised). */
  warnOnce(meter: Meter): void {
    const occasion = `${meter.sessionId} ${meter.capSeconds}`;
    if (!meter.warned || meter.state !== 'running' || this.#warnedFor === occasion) {
      return;
    }
    this.#warnedFor = occasion;
    const extend = l10n.t('Raise the Cap');
    const end = l10n.t('End the Session');
    const isLearner = this.#state.session?.you === 'learner';
    const text = l10n.t('Four fifths of the cap are used: {0}', meter.text);
    void window
      .showWarningMessage(harmless.message(text), ...(isLearner ? [extend, end] : []))
      .then((answer) => {
        if (answer === extend) void commands.executeCommand('codementor.extend');
        if (answer === end) void commands.executeCommand('codementor.end');
      });
  }

  dispose(): void {
    this.#subscription.dispose();
    this.#item.dispose();
  }

  #text(): string {
    const { status, meter, life } = this.#state;
    if (life === 'live') {
      const said = meter?.text ?? this.#state.session?.text ?? '';
      return `$(mortar-board) ${harmless.label(harmless.shortened(said, TEXT_CHARACTERS_MAX))}${this.#badSync()}`;
    }
    if (status === undefined) return '$(mortar-board) Codementor';
    if (status.connection === 'connecting') return `$(sync~spin) Codementor`;
    if (status.connection !== 'connected') return `$(debug-disconnect) Codementor`;
    return status.online ? `$(broadcast) ${l10n.t('Online')}` : '$(mortar-board) Codementor';
  }

  /** What is to be seen of a document that does not stand well; nothing while all do. */
  #badSync(): string {
    const states = [...this.#state.sync.values()].map((sync) => sync.state);
    if (states.includes('offline')) return ` $(debug-disconnect) ${l10n.t('offline')}`;
    if (states.includes('refused')) return ` $(warning) ${l10n.t('edits refused')}`;
    if (states.includes('waitingForEditor')) return ' $(sync)';
    return '';
  }

  #tooltip(): string {
    const { session, status } = this.#state;
    const trips = [...this.#state.sync.values()].flatMap(({ roundTripMs }) => roundTripMs ?? []);
    const trip = trips.length > 0 ? l10n.t('{0} ms to the server and back', Math.max(...trips)) : '';
    const lines = [session?.text ?? '', this.#state.meter?.text ?? '', status?.text ?? '', trip];
    return lines.filter((line) => line !== '').join('\n') || l10n.t('Ask a mentor, or be one');
  }

  /** For screen readers: words, no pictures. */
  #spoken(): string {
    return `Codementor. ${this.#tooltip().replaceAll('\n', '. ')}`;
  }
}
