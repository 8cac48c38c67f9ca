// The language client as it is shipped (the bundle, library and all), with the real cm-lsp behind it, and a VS Code that
// draws nothing: what is claimed, told, asked and refused; killed and started again; what is registered later.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createRequire, registerHooks } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { pathToFileURL } from 'node:url';
import type { Asked, Beginning, Connection, Life, Told } from '../src/connection.ts';
import { CLAIMED, type Status } from '../src/lspExt.ts';
import type { Log } from '../src/log.ts';
import { isAtLeast, VERSION_MIN } from '../src/serverCommand.ts';
import { PROJECT, python } from './support.ts';

const FOLDER = join(import.meta.dirname, '..');
const STUB = join(import.meta.dirname, 'stubVscode.cjs');
const PATIENCE_MS = 60_000;

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'vscode'
      ? { url: pathToFileURL(STUB).href, format: 'commonjs', shortCircuit: true }
      : next(specifier, context),
});
execFileSync(process.execPath, ['build.mjs'], { cwd: FOLDER, stdio: 'ignore' });
const load = createRequire(import.meta.url);
const library = load('../dist/languageClient.js') as {
  connect(beginning: Beginning, log: Log): Promise<Connection>;
  refusal(error: unknown): string | undefined;
};

const home = mkdtempSync(join(tmpdir(), 'codementor-client-'));
after(() => {
  rmSync(home, { recursive: true, force: true });
});

/** Writes its number where the test finds it, then becomes cm-lsp. */
const program = join(home, 'cm-lsp');
const pidFile = join(home, 'pid');
writeFileSync(program, `#!/bin/sh\ncd '${PROJECT}'\necho $$ > '${pidFile}'\nexec '${python()}' -m cm_lsp\n`, {
  mode: 0o755,
});

const { registered } = load(STUB) as {
  readonly registered: readonly { readonly what: string; readonly selector: unknown }[];
};

interface Started {
  readonly connection: Connection;
  readonly told: readonly Status[];
  readonly crashes: readonly number[];
  readonly logged: readonly string[];
}

async function started(
  answerToCrash: () => Promise<boolean>,
  command: readonly string[] = [program],
): Promise<Started> {
  const told: Status[] = [];
  const crashes: number[] = [];
  const logged: string[] = [];
  const life: Life = {
    crashed: () => {
      crashes.push(Date.now());
      return answerToCrash();
    },
    startedAgain: () => undefined,
  };
  const log = {
    channel: quietChannel(logged),
    wrong: (text: string) => logged.push(text),
  } as unknown as Log;
  const beginning: Beginning = {
    launch: { program: command[0] ?? '', arguments: command.slice(1), foundBy: 'setting' },
    environment: { HOME: home, XDG_CACHE_HOME: home, CM_TOKEN: '' },
    options: { capabilities: CLAIMED, capMinutes: 30, spokenLanguages: ['en'] },
    told: { 'codementor/status': (status: Status) => told.push(status) } as unknown as Told,
    asked: {} as Asked,
    life,
    isShared: () => false,
  };
  return { connection: await library.connect(beginning, log), told, crashes, logged };
}

function quietChannel(logged: string[]): unknown {
  const write = (text: string) => logged.push(text);
  const channel = { append: write, appendLine: write, info: write, warn: write, error: write };
  const onDidChangeLogLevel = () => ({ dispose: () => undefined });
  const more = { debug: write, trace: write, logLevel: 3, onDidChangeLogLevel };
  return { ...channel, ...more, show: () => undefined, dispose: () => undefined };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  while (!condition()) {
    assert.ok(Date.now() < deadline, `waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const pid = () => Number(readFileSync(pidFile, 'utf8'));
const isAlive = (process_: number) => {
  try {
    return process.kill(process_, 0);
  } catch {
    return false;
  }
};

test('it is told how cm-lsp stands, and gets answers and refusals with a sentence', async () => {
  const { connection, told } = await started(() => Promise.resolve(false));
  assert.ok(isAtLeast(connection.serverVersion, VERSION_MIN), connection.serverVersion);
  await until(() => told.length > 0, 'the status');
  assert.equal(told[0]?.connection, 'signedOut');
  assert.notEqual(await connection.execute('status', {}), undefined);
  const refused = await connection.execute('rate', { stars: 6 }).catch((error: unknown) => error);
  assert.match(library.refusal(refused) ?? '', /stars/);
  await assert.rejects(connection.request('codementor/openShared', { uri: 'codementor://ses_none/a.py' }));
  const before = pid();
  await connection.stop();
  await until(() => !isAlive(before), 'cm-lsp to end when it is stopped');
});

test('killed, it is started again when its owner says so, and works as before', async () => {
  const { connection, told, crashes } = await started(() => Promise.resolve(true));
  const first = pid();
  await until(() => told.length > 0, 'the status');
  process.kill(first, 'SIGKILL');
  await until(() => told.length > 1, 'the status of the next one');
  assert.notEqual(pid(), first);
  assert.equal(crashes.length, 1);
  assert.notEqual(await connection.execute('status', {}), undefined);
  await connection.stop();
});

test('killed, it stays down when its owner says so', async () => {
  const { connection, crashes } = await started(() => Promise.resolve(false));
  const first = pid();
  process.kill(first, 'SIGKILL');
  await until(() => crashes.length > 0, 'the crash to be told');
  await assert.rejects(connection.execute('status', {}));
  assert.equal(pid(), first);
  await connection.stop();
});

test('what a server can do only later is registered when it says so, and taken back', async () => {
  const late = [process.execPath, join(import.meta.dirname, 'lateServer.cjs')];
  const { connection } = await started(() => Promise.resolve(false), late);
  const shared = JSON.stringify([{ scheme: 'codementor' }]);
  const happened = (what: string) =>
    registered.some((one) => one.what === what && JSON.stringify(one.selector) === shared);
  await until(() => happened('definition'), 'the registration');
  assert.ok(!happened('no definition'));
  await connection.execute('status', {});
  await until(() => happened('no definition'), 'the registration to be taken back');
  await connection.stop();
});
