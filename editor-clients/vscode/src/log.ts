// The output channel "Codementor": made when something is first written, shown when asked for.

import { type LogOutputChannel, window } from 'vscode';

export class Log {
  #channel: LogOutputChannel | undefined;

  get channel(): LogOutputChannel {
    this.#channel ??= window.createOutputChannel('Codementor', { log: true });
    return this.#channel;
  }

  info(text: string): void {
    this.channel.info(text);
  }

  wrong(text: string, error?: unknown): void {
    this.channel.error(text, ...(error === undefined ? [] : [errorText(error)]));
  }

  show(): void {
    this.channel.show(true);
  }

  dispose(): void {
    this.#channel?.dispose();
  }
}

export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
