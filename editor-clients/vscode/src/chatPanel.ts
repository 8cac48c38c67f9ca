// The view "Chat". Lines are handed to the page as values and put in as text, so no markup of a stranger's comes to life;
// the page may run our one script and load nothing else.

import {
  commands,
  type Disposable,
  env,
  l10n,
  Uri,
  type Webview,
  type WebviewView,
  type WebviewViewProvider,
  window,
} from 'vscode';
import { randomUUID } from 'node:crypto';
import * as harmless from './harmless.ts';
import type { Chat } from './lspExt.ts';
import { NotDone, type Server } from './server.ts';

const LINES_KEPT_MAX = 500;
const TEXT_IN_MESSAGE_MAX = 140;
const TEXT_SENT_MAX = 2_000;

export class ChatPanel implements WebviewViewProvider, Disposable {
  readonly #server: Server;
  readonly #extensionUri: Uri;
  readonly #registration: Disposable;
  #lines: Chat[] = [];
  #view: WebviewView | undefined;

  constructor(server: Server, extensionUri: Uri) {
    this.#server = server;
    this.#extensionUri = extensionUri;
    this.#registration = window.registerWebviewViewProvider('codementor.chat', this);
  }

  resolveWebviewView(view: WebviewView): void {
    this.#view = view;
    const media = Uri.joinPath(this.#extensionUri, 'media');
    view.webview.options = { enableScripts: true, enableCommandUris: false, localResourceRoots: [media] };
    view.webview.onDidReceiveMessage((message: unknown) => {
      void this.#received(message);
    });
    view.onDidDispose(() => {
      this.#view = undefined;
    });
    view.webview.html = page(view.webview, media);
  }

  said(line: Chat): void {
    const before = this.#lines.at(-1);
    if (before !== undefined && before.sessionId !== line.sessionId) {
      this.#lines = [];
    }
    if (this.#lines.some((known) => known.number === line.number)) {
      return;
    }
    this.#lines = [...this.#lines, line].sort((a, b) => a.number - b.number).slice(-LINES_KEPT_MAX);
    this.#draw();
    if (!line.mine && this.#view?.visible !== true) {
      void this.#notify(line);
    }
  }

  dispose(): void {
    this.#registration.dispose();
  }

  async #notify({ name, text }: Chat): Promise<void> {
    const open = l10n.t('Open Chat');
    const message = harmless.message(`${name}: ${harmless.shortened(text, TEXT_IN_MESSAGE_MAX)}`);
    if ((await window.showInformationMessage(message, open)) === open) {
      await commands.executeCommand('codementor.chat.focus');
    }
  }

  #draw(): void {
    const lines = this.#lines.map(({ name, text, mine, at }) => ({ name, text, mine, at }));
    void this.#view?.webview.postMessage({ lines });
  }

  async #received(message: unknown): Promise<void> {
    if (message === 'ready') {
      this.#draw();
      return;
    }
    const text =
      typeof message === 'object' && message !== null && 'say' in message ? message.say : undefined;
    if (typeof text === 'string' && text.trim() !== '') {
      await this.#server.execute('chat', { text: text.slice(0, TEXT_SENT_MAX) }).catch(ignoreNotDone);
    }
  }
}

/** The user has been told. */
export function ignoreNotDone(error: unknown): undefined {
  if (!(error instanceof NotDone)) throw error;
  return undefined;
}

function page(webview: Webview, media: Uri): string {
  const nonce = randomUUID();
  const source = (name: string) => webview.asWebviewUri(Uri.joinPath(media, name)).toString();
  const policy = `default-src 'none'; style-src ${webview.cspSource}; script-src 'nonce-${nonce}'`;
  const placeholder = escaped(l10n.t('Say something; Enter sends'));
  return `<!doctype html>
<html lang="${escaped(env.language)}">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="${policy}">
<link rel="stylesheet" href="${source('chat.css')}">
</head>
<body>
<ol id="lines" role="log" aria-live="polite" aria-label="${escaped(l10n.t('Chat'))}"></ol>
<textarea id="say" rows="2" maxlength="${TEXT_SENT_MAX}" placeholder="${placeholder}" aria-label="${placeholder}"></textarea>
<script nonce="${nonce}" src="${source('chat.js')}"></script>
</body>
</html>`;
}

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
}
