// What cm-lsp last said: session, connection, meter, sync. Others draw from here; nothing is decided here.

import { commands, EventEmitter } from 'vscode';
import type { Meter, Session, SharedFile, Status, Sync } from './lspExt.ts';

export type Life = 'none' | 'live' | 'over';

export class State {
  session: Session | undefined;
  status: Status | undefined;
  meter: Meter | undefined;
  readonly sync = new Map<string, Sync>();
  readonly #changed = new EventEmitter<undefined>();
  readonly onDidChange = this.#changed.event;
  readonly #contexts = new Map<string, boolean>();

  get life(): Life {
    if (this.session === undefined) return 'none';
    return isOver(this.session) ? 'over' : 'live';
  }

  can(command: string): boolean {
    return this.session?.can.includes(`codementor.${command}`) ?? false;
  }

  /** The shared file a document is, in the live session. */
  sharedFile(uri: string): SharedFile | undefined {
    return this.life === 'live' ? this.session?.files.find((file) => file.uri === uri) : undefined;
  }

  changed(): void {
    const over = this.life !== 'live';
    if (over) {
      this.sync.clear();
    }
    this.#setContexts();
    this.#changed.fire(undefined);
  }

  forget(): void {
    this.session = this.status = this.meter = undefined;
    this.changed();
  }

  /** Context keys of our own that do not come from cm-lsp. */
  setContext(name: string, value: boolean): void {
    if (this.#contexts.get(name) !== value) {
      this.#contexts.set(name, value);
      void commands.executeCommand('setContext', `codementor.${name}`, value);
    }
  }

  dispose(): void {
    this.#changed.dispose();
  }

  #setContexts(): void {
    const can = new Set(this.session?.can ?? []);
    const known = [...this.#contexts.keys()].filter((name) => name.startsWith('can.'));
    for (const name of new Set([...known, ...[...can].map((command) => `can.${shortName(command)}`)])) {
      this.setContext(name, can.has(`codementor.${name.slice('can.'.length)}`));
    }
    this.setContext('inSession', this.life === 'live');
    this.setContext('isLearner', this.session?.you === 'learner');
    this.setContext('isOnline', this.status?.online ?? false);
  }
}

export function isOver(session: Session): boolean {
  return session.state === 'ended' || session.state === 'closed';
}

function shortName(command: string): string {
  return command.replace(/^codementor\./, '');
}
