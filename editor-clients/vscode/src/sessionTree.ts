// The view "Session": who takes part, what is shared, how it stands.

import {
  type Command,
  type Disposable,
  EventEmitter,
  l10n,
  ThemeIcon,
  type TreeDataProvider,
  TreeItem,
  TreeItemCollapsibleState,
  Uri,
  window,
} from 'vscode';
import * as harmless from './harmless.ts';
import type { Mode, Person, Session, SharedFile } from './lspExt.ts';
import type { State } from './state.ts';

export interface Row {
  readonly label: string;
  readonly description?: string;
  readonly icon: string;
  readonly tooltip?: string;
  readonly command?: Command;
  readonly children?: readonly Row[];
}

export class SessionTree implements TreeDataProvider<Row>, Disposable {
  readonly #changed = new EventEmitter<undefined>();
  readonly onDidChangeTreeData = this.#changed.event;
  readonly #state: State;
  readonly #subscriptions: readonly Disposable[];
  #shown = '';

  constructor(state: State) {
    this.#state = state;
    this.#subscriptions = [
      window.registerTreeDataProvider('codementor.session', this),
      state.onDidChange(() => {
        this.#redraw();
      }),
      this.#changed,
    ];
  }

  getChildren(row?: Row): readonly Row[] & Row[] {
    return [...(row === undefined ? rowsOf(this.#state) : (row.children ?? []))];
  }

  getTreeItem(row: Row): TreeItem {
    const open = row.children ? TreeItemCollapsibleState.Expanded : TreeItemCollapsibleState.None;
    const item = new TreeItem(harmless.label(row.label), open);
    item.iconPath = new ThemeIcon(row.icon);
    item.tooltip = row.tooltip ?? row.label;
    item.accessibilityInformation = { label: [row.label, row.description ?? ''].join(' ') };
    if (row.description !== undefined) item.description = row.description;
    if (row.command !== undefined) item.command = row.command;
    return item;
  }

  dispose(): void {
    this.#subscriptions.forEach((subscription) => {
      subscription.dispose();
    });
  }

  /** The meter moves each second; the tree only when it would look different. */
  #redraw(): void {
    const rows = JSON.stringify(rowsOf(this.#state));
    if (rows !== this.#shown) {
      this.#shown = rows;
      this.#changed.fire(undefined);
    }
  }
}

function rowsOf(state: State): readonly Row[] {
  const { session } = state;
  if (session === undefined) {
    return [];
  }
  const people = [person(session.partner, ''), person(session.me, l10n.t('you'))];
  const files = session.files.map((file) => fileRow(file, state));
  const question = session.question === '' ? [] : [text(session.question, 'question')];
  const diagnosis = session.diagnosis === '' ? [] : [diagnosisRow(session)];
  return [
    { label: session.text, icon: 'pulse', description: session.priceText },
    ...question,
    ...diagnosis,
    ...people,
    ...(state.life === 'live' ? [modeRow(session)] : []),
    ...(files.length > 0 ? [{ label: l10n.t('Shared files'), icon: 'files', children: files }] : []),
  ];
}

function person({ name, role, connected }: Person, note: string): Row {
  const roleName = role === 'mentor' ? l10n.t('mentor') : l10n.t('learner');
  const parts = [roleName, note, connected ? '' : l10n.t('away')];
  return {
    label: name,
    description: parts.filter((part) => part !== '').join(', '),
    icon: connected ? (role === 'mentor' ? 'mortar-board' : 'person') : 'debug-disconnect',
  };
}

function fileRow({ uri, path, readOnly }: SharedFile, state: State): Row {
  const sync = state.sync.get(uri)?.state;
  const parts = [
    readOnly ? l10n.t('read only') : '',
    sync === undefined || sync === 'inSync' ? '' : syncText(sync),
  ];
  return {
    label: path,
    description: parts.filter((part) => part !== '').join(', '),
    icon: readOnly ? 'lock' : 'file-code',
    command: { command: 'vscode.open', title: l10n.t('Open'), arguments: [Uri.parse(uri, true)] },
  };
}

function syncText(state: string): string {
  const texts: Readonly<Record<string, string>> = {
    sending: l10n.t('sending'),
    waitingForEditor: l10n.t('waiting'),
    refused: l10n.t('edits refused'),
    offline: l10n.t('offline'),
    closed: l10n.t('not open'),
  };
  return texts[state] ?? '';
}

function modeRow({ mode, you }: Session): Row {
  const label = you === 'learner' ? l10n.t('The mentor may') : l10n.t('You may');
  const row = { label, description: modeText(mode), icon: mode === 'live' ? 'edit' : 'eye' };
  return you === 'learner'
    ? { ...row, command: { command: 'codementor.mode', title: l10n.t('Choose What the Mentor May Do') } }
    : row;
}

export function modeText(mode: Mode): string {
  switch (mode) {
    case 'live':
      return l10n.t('type');
    case 'propose':
      return l10n.t('look and propose');
    case 'readOnly':
      return l10n.t('look');
  }
}

function diagnosisRow({ diagnosis, estimateMinutes }: Session): Row {
  const estimate = estimateMinutes === null ? '' : l10n.t('about {0} min', estimateMinutes);
  return { label: diagnosis, description: estimate, icon: 'lightbulb' };
}

function text(said: string, icon: string): Row {
  return { label: harmless.shortened(said, 80), tooltip: said, icon };
}
