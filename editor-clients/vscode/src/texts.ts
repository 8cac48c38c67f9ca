// Documents of our own to read: the preview of an offer, what the doctor found. Never on a disk.

import {
  type Disposable,
  EventEmitter,
  type TextDocumentContentProvider,
  Uri,
  window,
  workspace,
  languages,
} from 'vscode';

const SCHEME = 'codementor-text';
const KEPT_MAX = 50;

export class Texts implements TextDocumentContentProvider, Disposable {
  readonly #texts = new Map<string, string>();
  readonly #changed = new EventEmitter<Uri>();
  readonly onDidChange = this.#changed.event;
  readonly #registration: Disposable;

  constructor() {
    this.#registration = workspace.registerTextDocumentContentProvider(SCHEME, this);
  }

  provideTextDocumentContent(uri: Uri): string {
    return this.#texts.get(uri.path) ?? '';
  }

  /** `name` is what the tab shows; a stranger's file name goes in as a name alone. */
  async show(name: string, text: string, languageId: string): Promise<void> {
    const path = `/${name.replaceAll(/[/\\]/g, '∕')}`;
    this.#texts.delete(path);
    this.#texts.set(path, text);
    const [oldest] = this.#texts.keys();
    if (this.#texts.size > KEPT_MAX && oldest !== undefined) {
      this.#texts.delete(oldest);
    }
    const uri = Uri.from({ scheme: SCHEME, path });
    this.#changed.fire(uri);
    const document = await workspace.openTextDocument(uri);
    const known = await languages.getLanguages();
    if (known.includes(languageId)) {
      await languages.setTextDocumentLanguage(document, languageId);
    }
    await window.showTextDocument(document, { preview: true });
  }

  dispose(): void {
    this.#registration.dispose();
    this.#changed.dispose();
  }
}
