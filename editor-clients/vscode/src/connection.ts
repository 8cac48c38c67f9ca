// What a running cm-lsp is to the rest of the extension. Types alone, so that nobody loads the language client by them.

import type { ClientOptions, Command, Notifications, Questions, Reports, Requests } from './lspExt.ts';
import type { Launch } from './serverCommand.ts';

export interface Connection {
  readonly serverVersion: string | undefined;
  execute(command: Command, argument: object): Promise<unknown>;
  request<M extends keyof Requests>(method: M, asked: Requests[M]['asked']): Promise<Requests[M]['answered']>;
  report<M extends keyof Reports>(method: M, report: Reports[M]): void;
  stop(): Promise<void>;
}

export type Told = { readonly [M in keyof Notifications]: (told: Notifications[M]) => void };

export type Asked = {
  readonly [M in keyof Questions]: (asked: Questions[M]['asked']) => Promise<Questions[M]['answered']>;
};

/** What happens with cm-lsp itself. `crashed` answers whether it is to be started again, after any pause it needs. */
export interface Life {
  crashed(): Promise<boolean>;
  startedAgain(): void;
}

export interface Beginning {
  readonly launch: Launch;
  readonly environment: Readonly<Record<string, string>>;
  readonly options: ClientOptions;
  readonly told: Told;
  readonly asked: Asked;
  readonly life: Life;
  /** Whether a document is one of the live session's. */
  readonly isShared: (uri: string) => boolean;
}

export type Connect = (beginning: Beginning) => Promise<Connection>;
