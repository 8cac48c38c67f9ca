// The life of cm-lsp: found, started when first needed, started again after a crash, and a way out in every message.

import { type Disposable, type ExtensionContext, extensions, l10n, window, commands } from 'vscode';
import { access, constants } from 'node:fs/promises';
import { delimiter, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { clientOptions, settings } from './config.ts';
import type { Asked, Connect, Connection, Told } from './connection.ts';
import { Crashes } from './crashes.ts';
import * as harmless from './harmless.ts';
import { errorText, type Log } from './log.ts';
import type { Command } from './lspExt.ts';
import { find, isAtLeast, type Launch, type Machine, VERSION_MIN } from './serverCommand.ts';

const TOKEN_SECRET = 'codementor.token';

export interface Parts {
  readonly context: ExtensionContext;
  readonly log: Log;
  readonly connect: Connect;
  readonly told: () => Told;
  readonly asked: Asked;
  readonly isShared: (uri: string) => boolean;
  /** Once for each start; what is drawn from an earlier one is stale. */
  readonly begins: () => void;
  readonly ends: () => void;
}

/** What was asked of cm-lsp was not done; the message says why, and the user has been told. */
export class NotDone extends Error {}

export class Server implements Disposable {
  readonly #parts: Parts;
  readonly #crashes = new Crashes();
  #starting: Promise<Connection> | undefined;
  #running: Connection | undefined;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** The running one, if it runs. */
  get connection(): Connection | undefined {
    return this.#running;
  }

  /** The running one; starts it first. Throws `NotDone`. */
  async start(): Promise<Connection> {
    this.#starting ??= this.#begin().catch((error: unknown) => {
      this.#starting = undefined;
      throw error;
    });
    return this.#starting;
  }

  /** The command's answer. Says what is wrong, once, and throws `NotDone`. */
  async execute(command: Command, argument: object = {}): Promise<unknown> {
    const connection = await this.start();
    try {
      return await connection.execute(command, argument);
    } catch (error) {
      this.#parts.log.wrong(`codementor.${command}`, error);
      void window.showErrorMessage(harmless.message(`Codementor: ${errorText(error)}`));
      throw new NotDone(errorText(error));
    }
  }

  async restart(): Promise<void> {
    await this.stop();
    this.#crashes.forget();
    await this.start();
  }

  async stop(): Promise<void> {
    const starting = this.#starting;
    this.#starting = undefined;
    this.#running = undefined;
    const connection = await starting?.catch(() => undefined);
    await connection?.stop().catch((error: unknown) => {
      this.#parts.log.wrong('cm-lsp did not stop', error);
    });
    this.#parts.ends();
  }

  async findLaunch(): Promise<Launch | undefined> {
    return find(machine(this.#parts.context.extensionPath));
  }

  /** Kept where VS Code keeps secrets, given to cm-lsp by its environment. */
  async keepToken(token: string | undefined): Promise<void> {
    await (token === undefined
      ? this.#parts.context.secrets.delete(TOKEN_SECRET)
      : this.#parts.context.secrets.store(TOKEN_SECRET, token));
  }

  dispose(): void {
    void this.stop();
  }

  async environment(): Promise<Record<string, string>> {
    const token = await this.#parts.context.secrets.get(TOKEN_SECRET);
    return token === undefined ? {} : { CM_TOKEN: token };
  }

  async #begin(): Promise<Connection> {
    const launch = await this.findLaunch();
    if (launch === undefined) {
      throw this.#missing();
    }
    this.#parts.log.info(`starting ${launch.program} (${launch.foundBy})`);
    const { told, asked, connect, isShared } = this.#parts;
    const life = {
      crashed: () => this.#crashed(),
      startedAgain: () => {
        this.#parts.begins();
      },
    };
    const options = clientOptions(settings());
    const environment = await this.environment();
    try {
      const connection = await connect({
        launch,
        environment,
        options,
        told: told(),
        asked,
        life,
        isShared,
      });
      this.#running = connection;
      this.#checkVersion(connection);
      this.#parts.begins();
      return connection;
    } catch (error) {
      this.#parts.log.wrong(`${launch.program} did not start`, error);
      throw this.#unstartable(launch);
    }
  }

  async #crashed(): Promise<boolean> {
    this.#parts.ends();
    const next = this.#crashes.happened(Date.now());
    if (next.kind === 'giveUp') {
      setImmediate(() => void this.stop()); // What the library keeps for a start of its own goes with it.
      this.#crashes.forget();
      this.#sayGivenUp();
      return false;
    }
    this.#parts.log.wrong(`cm-lsp stopped by itself; starting it again in ${next.afterMs} ms`);
    await pause(next.afterMs);
    return true;
  }

  #checkVersion(connection: Connection): void {
    if (!isAtLeast(connection.serverVersion, VERSION_MIN)) {
      const version = connection.serverVersion ?? '?';
      const text = l10n.t('This cm-lsp is too old: it is {0}, needed is {1} or later.', version, VERSION_MIN);
      offer(text, [howToInstall(), doctor()]);
    }
  }

  #missing(): NotDone {
    const text = l10n.t("Codementor's language server, cm-lsp, is not installed here.");
    offer(text, [howToInstall(), chooseCommand(), doctor()]);
    return new NotDone(text);
  }

  #unstartable(launch: Launch): NotDone {
    const text = l10n.t('{0} does not start.', launch.program);
    offer(text, [doctor(), this.#showLog(), chooseCommand()]);
    return new NotDone(text);
  }

  #sayGivenUp(): void {
    const text = l10n.t('cm-lsp stopped five times within three minutes and is not started again by itself.');
    const again = {
      title: l10n.t('Start Again'),
      run: () => commands.executeCommand('codementor.restartServer'),
    };
    offer(text, [again, doctor(), this.#showLog()]);
  }

  #showLog(): Way {
    return {
      title: l10n.t('Show Log'),
      run: () => {
        this.#parts.log.show();
      },
    };
  }
}

interface Way {
  readonly title: string;
  readonly run: () => unknown;
}

function offer(text: string, ways: readonly Way[]): void {
  const titles = ways.map((way) => way.title);
  void window
    .showErrorMessage(text, ...titles)
    .then((title) => ways.find((way) => way.title === title)?.run());
}

/** Typed into a terminal, not run: the user sees where it goes. */
function howToInstall(): Way {
  return {
    title: l10n.t('How to Install'),
    run: () => {
      const terminal = window.createTerminal('Codementor');
      terminal.show();
      terminal.sendText('python3 -m pip install --upgrade codementor-lsp', false);
    },
  };
}

function chooseCommand(): Way {
  return {
    title: l10n.t('Say Where It Is'),
    run: () => commands.executeCommand('workbench.action.openSettings', 'codementor.server.command'),
  };
}

function doctor(): Way {
  return { title: l10n.t('Doctor'), run: () => commands.executeCommand('codementor.doctor') };
}

function machine(extensionFolder: string): Machine {
  return {
    configured: settings().serverCommand,
    extensionFolder,
    path: (process.env['PATH'] ?? '').split(delimiter),
    isWindows: process.platform === 'win32',
    isExecutable: (file) =>
      access(file, constants.X_OK).then(
        () => true,
        () => false,
      ),
    pythonInterpreter,
    join,
    folderOf: dirname,
  };
}

/** By the public interface of the Python extension, of which only this much is used. */
interface PythonExtension {
  readonly environments?: { getActiveEnvironmentPath(): { readonly path: string } };
}

async function pythonInterpreter(): Promise<string | undefined> {
  const extension = extensions.getExtension<PythonExtension>('ms-python.python');
  const api = await extension?.activate();
  return api?.environments?.getActiveEnvironmentPath().path;
}
