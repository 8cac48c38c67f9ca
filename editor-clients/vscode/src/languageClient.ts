// The language client library, loaded when cm-lsp is first needed and never before. Only this file imports it.
//
// Left out of the bundle is what cm-lsp does not speak (see build.mjs); `registerFeature` skips what is left of that. The
// library would make VS Code commands of the server's own, which carry the same names as ours, so that is left out too.

import {
  type CodeAction,
  type Command,
  commands,
  type TextDocument,
  type Uri,
  window,
  workspace,
} from 'vscode';
import {
  CloseAction,
  ErrorAction,
  type DynamicFeature,
  LanguageClient,
  type LanguageClientOptions,
  type MessageActionItem,
  MessageType,
  type Middleware,
  ResponseError,
  ShowMessageNotification,
  ShowMessageRequest,
  type StaticFeature,
  State,
  TransportKind,
  WorkDoneProgressCancelNotification,
} from 'vscode-languageclient/node';
import type { Beginning, Connection, Life } from './connection.ts';
import { CancellableProgress } from './cancellableProgress.ts';
import * as harmless from './harmless.ts';
import type { Log } from './log.ts';

/** Documents nobody would ask about: what programs write, old revisions, our own. */
const NOT_SYNCED = new Set([
  'output',
  'debug',
  'git',
  'vscode',
  'comment',
  'search-editor',
  'codementor-text',
]);

export function isSynced(document: { readonly uri: Uri }): boolean {
  return !NOT_SYNCED.has(document.uri.scheme);
}

class Client extends LanguageClient {
  readonly #log: Log;

  constructor(beginning: Beginning, options: LanguageClientOptions, log: Log) {
    const { launch, environment } = beginning;
    const run = {
      command: launch.program,
      args: [...launch.arguments],
      transport: TransportKind.stdio,
      options: { env: { ...process.env, ...environment } },
    };
    super('codementor', 'Codementor', run, options);
    this.#log = log;
  }

  override registerFeature(feature: StaticFeature | DynamicFeature<unknown>): void {
    const isLeftOut = !('getState' in feature);
    const makesCommands =
      'registrationType' in feature && feature.registrationType.method === 'workspace/executeCommand';
    if (!isLeftOut && !makesCommands) {
      super.registerFeature(feature);
    }
  }

  /** To the log alone: what concerns the user is said by `server.ts`, once and with a way out. */
  override error(message: string, data?: unknown): void {
    this.#log.wrong(message, data);
  }
}

export async function connect(beginning: Beginning, log: Log): Promise<Connection> {
  const { told, asked, life } = beginning;
  // One that never came up is not started again by itself: its user is told, and starts it by the next command.
  let mayRestart = false;
  const progress = new CancellableProgress((token) => {
    void client.sendNotification(WorkDoneProgressCancelNotification.type, { token });
  });
  const client: Client = new Client(
    beginning,
    clientOptions(beginning, log, progress, () => mayRestart),
    log,
  );
  client.onNotification(ShowMessageNotification.type, ({ type, message }) => {
    void say(type, message);
  });
  client.onRequest(ShowMessageRequest.type, ({ type, message, actions }) => say(type, message, actions));
  for (const [method, handler] of Object.entries(told)) {
    client.onNotification(method, handler as (told: unknown) => void);
  }
  for (const [method, handler] of Object.entries(asked)) {
    client.onRequest(method, handler as (asked: unknown) => Promise<unknown>);
  }
  await client.start();
  mayRestart = true;
  tellRestarts(client, life);
  return {
    serverVersion: client.initializeResult?.serverInfo?.version,
    execute: (command, argument) =>
      client.sendRequest('workspace/executeCommand', {
        command: `codementor.${command}`,
        arguments: [argument],
      }),
    request: (method, question) => client.sendRequest(method, question),
    report: (method, report) => {
      client.sendNotification(method, report).catch((error: unknown) => {
        log.wrong(`could not report ${method}`, error);
      });
    },
    stop: async () => {
      mayRestart = false;
      progress.endAll();
      await client.dispose(2_000);
    },
  };
}

/** The message of an answer that says no; undefined for what went wrong in another way. */
export function refusal(error: unknown): string | undefined {
  return error instanceof ResponseError ? error.message : undefined;
}

function clientOptions(
  beginning: Beginning,
  log: Log,
  progress: CancellableProgress,
  mayRestart: () => boolean,
): LanguageClientOptions {
  const { life, options } = beginning;
  return {
    documentSelector: [{ scheme: '*' }],
    initializationOptions: { codementor: options },
    outputChannel: log.channel,
    markdown: { isTrusted: false, supportHtml: false }, // a hover may hold what the other side's tools say
    middleware: {
      ...onlySynced,
      ...shownReadOnly(beginning),
      ...ownActions(beginning),
      handleWorkDoneProgress: progress.handle,
    },
    initializationFailedHandler: () => false,
    errorHandler: {
      error: () => ({ action: ErrorAction.Continue, handled: true }),
      closed: async () => {
        const again = mayRestart() && (await life.crashed());
        return { action: again ? CloseAction.Restart : CloseAction.DoNotRestart, handled: true };
      },
    },
  };
}

const onlySynced: Middleware = {
  didOpen: (document, next) => (isSynced(document) ? next(document) : Promise.resolve()),
  didChange: (event, next) => (isSynced(event.document) ? next(event) : Promise.resolve()),
  didClose: (document: TextDocument, next) => (isSynced(document) ? next(document) : Promise.resolve()),
};

/** "Ask a mentor" is offered by `codeActions.ts`, before cm-lsp runs; here comes what only cm-lsp knows. */
function ownActions({ isShared }: Beginning): Middleware {
  return {
    provideCodeActions: async (document, range, context, token, next) => {
      if (!isShared(document.uri.toString())) return [];
      const actions = (await next(document, range, context, token)) ?? [];
      return actions.filter((action) => nameOf(action) !== 'codementor.ask');
    },
  };
}

function nameOf({ command }: Command | CodeAction): string | undefined {
  return typeof command === 'string' ? command : command?.command;
}

/** Previews, receipts and the like are copies to read; changing them would change nothing. The user's own files are not. */
function shownReadOnly({ isShared }: Beginning): Middleware {
  return {
    window: {
      showDocument: async (params, token, next) => {
        const result = await next(params, token);
        const shown = window.activeTextEditor?.document.uri;
        const isTheirs = isShared(params.uri) || (shown && workspace.getWorkspaceFolder(shown) !== undefined);
        if (shown?.scheme === 'file' && shown.toString() === params.uri && !isTheirs) {
          await commands.executeCommand('workbench.action.files.setActiveEditorReadonlyInSession');
        }
        return result;
      },
    },
  };
}

function tellRestarts(client: Client, life: Life): void {
  client.onDidChangeState(({ newState }) => {
    if (newState === State.Running) {
      life.startedAgain();
    }
  });
}

/** VS Code draws the first answer as the one that is meant; cm-lsp puts the harmless one there. So: the other way round. */
async function say(
  type: MessageType,
  text: string,
  answers: readonly MessageActionItem[] = [],
): Promise<MessageActionItem | null> {
  const titles = answers.map((answer) => answer.title).reverse();
  const message = harmless.message(text);
  const shown =
    type === MessageType.Error
      ? window.showErrorMessage(message, ...titles)
      : type === MessageType.Warning
        ? window.showWarningMessage(message, ...titles)
        : window.showInformationMessage(message, ...titles);
  const title = await shown;
  return answers.find((answer) => answer.title === title) ?? null;
}
