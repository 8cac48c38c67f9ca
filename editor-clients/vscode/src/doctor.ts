// "Codementor: Doctor": everything one would ask a user who says that it does not work, in one text.

import { env, l10n, version, workspace } from 'vscode';
import { execFile } from 'node:child_process';
import { errorText } from './log.ts';
import { VERSION_MIN } from './serverCommand.ts';
import type { Server } from './server.ts';
import type { State } from './state.ts';
import type { Texts } from './texts.ts';

const PATIENCE_MS = 20_000;

export async function doctor(server: Server, state: State, texts: Texts, ownVersion: string): Promise<void> {
  const launch = await server.findLaunch();
  const lines = [
    `Codementor ${ownVersion}, ${env.appName} ${version}${env.remoteName === undefined ? '' : `, ${env.remoteName}`}`,
    workspace.isTrusted
      ? l10n.t('workspace: trusted')
      : l10n.t('workspace: not trusted; its settings for the server are not used'),
    launch === undefined
      ? l10n.t(
          'cm-lsp: not found. Install it with "pip install codementor-lsp", or set codementor.server.command.',
        )
      : `cm-lsp: ${launch.program} (${launch.foundBy})`,
    server.connection === undefined
      ? l10n.t('cm-lsp: not running; it starts when it is first needed')
      : l10n.t(
          'cm-lsp: running, version {0}, needed {1} or later',
          server.connection.serverVersion ?? '?',
          VERSION_MIN,
        ),
    ...(state.status === undefined ? [] : [`${state.status.connection}: ${state.status.text}`]),
  ];
  const found =
    launch === undefined ? '' : await ask(launch.program, launch.arguments, await server.environment());
  await texts.show('Codementor Doctor', [...lines, '', found, ''].join('\n'), 'plaintext');
}

/** What `cm-lsp doctor` says; that it fails is part of what it says. */
async function ask(
  program: string,
  args: readonly string[],
  environment: Record<string, string>,
): Promise<string> {
  return new Promise((resolve) => {
    const options = { timeout: PATIENCE_MS, env: { ...process.env, ...environment } };
    execFile(program, [...args, 'doctor'], options, (error, stdout, stderr) => {
      const said = `${stdout}${stderr}`.trim();
      resolve(said === '' && error !== null ? errorText(error) : said);
    });
  });
}
