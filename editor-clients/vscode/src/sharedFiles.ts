// `codementor:` documents: the learner's files in the mentor's editor, where the mentor's own tools work on them.
//
// Nothing of them is on a disk, and saving one only says so. Size and time never change: else VS Code would read a file
// anew under the typing, and what it put in would look typed.

import {
  type Disposable,
  EventEmitter,
  type FileChangeEvent,
  FileChangeType,
  FilePermission,
  type FileStat,
  FileSystemError,
  type FileSystemProvider,
  FileType,
  l10n,
  Uri,
  window,
  workspace,
} from 'vscode';
import { SHARED_SCHEME, type SharedText } from './lspExt.ts';
import type { Server } from './server.ts';
import type { State } from './state.ts';

const NOTE_SHOWN_MS = 5_000;
/** Of the same age for ever. */
const MODIFIED_AT = 1;

export class SharedFiles implements FileSystemProvider, Disposable {
  readonly #server: Server;
  readonly #state: State;
  readonly #changed = new EventEmitter<FileChangeEvent[]>();
  readonly onDidChangeFile = this.#changed.event;
  readonly #sizes = new Map<string, number>();
  readonly #readOnly = new Map<string, boolean>();
  readonly #subscriptions: readonly Disposable[];

  constructor(server: Server, state: State) {
    this.#server = server;
    this.#state = state;
    this.#subscriptions = [
      workspace.registerFileSystemProvider(SHARED_SCHEME, this, { isCaseSensitive: true }),
      state.onDidChange(() => {
        this.#rightsMayHaveChanged();
      }),
      this.#changed,
    ];
  }

  watch(): Disposable {
    return { dispose: () => undefined };
  }

  async stat(uri: Uri): Promise<FileStat> {
    const name = uri.toString();
    if (!this.#sizes.has(name)) {
      await this.#text(uri);
    }
    return {
      type: FileType.File,
      ctime: MODIFIED_AT,
      mtime: MODIFIED_AT,
      size: this.#sizes.get(name) ?? 0,
      ...(this.#isReadOnly(name) ? { permissions: FilePermission.Readonly } : {}),
    };
  }

  async readFile(uri: Uri): Promise<Uint8Array> {
    return Buffer.from((await this.#text(uri)).text, 'utf8');
  }

  writeFile(): void {
    const text = l10n.t('The learner saves their own files; nothing is written here.');
    window.setStatusBarMessage(`$(info) ${text}`, NOTE_SHOWN_MS);
  }

  readDirectory(): [string, FileType][] {
    return [];
  }

  createDirectory(uri: Uri): never {
    throw FileSystemError.NoPermissions(uri);
  }

  delete(uri: Uri): never {
    throw FileSystemError.NoPermissions(uri);
  }

  rename(uri: Uri): never {
    throw FileSystemError.NoPermissions(uri);
  }

  dispose(): void {
    this.#subscriptions.forEach((subscription) => {
      subscription.dispose();
    });
  }

  async #text(uri: Uri): Promise<SharedText> {
    const name = uri.toString();
    try {
      const connection = await this.#server.start();
      const shared = await connection.request('codementor/openShared', { uri: name });
      if (shared === null) {
        throw FileSystemError.FileNotFound(uri);
      }
      this.#readOnly.set(name, shared.readOnly);
      if (!this.#sizes.has(name)) {
        this.#sizes.set(name, Buffer.byteLength(shared.text, 'utf8'));
      }
      return shared;
    } catch {
      throw FileSystemError.FileNotFound(uri);
    }
  }

  #isReadOnly(name: string): boolean {
    return this.#state.sharedFile(name)?.readOnly ?? this.#readOnly.get(name) ?? true;
  }

  /** Has VS Code ask for the state of a file anew, and with it for the right to type. */
  #rightsMayHaveChanged(): void {
    const changed = [...this.#readOnly].filter(([name, before]) => this.#isReadOnly(name) !== before);
    for (const [name] of changed) {
      this.#readOnly.set(name, this.#isReadOnly(name));
    }
    if (changed.length > 0) {
      const type = FileChangeType.Changed;
      this.#changed.fire(changed.map(([name]) => ({ type, uri: Uri.parse(name, true) })));
    }
  }
}
