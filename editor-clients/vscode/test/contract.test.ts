// The real cm-lsp, spoken to with the language client's own wire library and this extension's options and names.

import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import {
  createProtocolConnection,
  type InitializeResult,
  type ProtocolConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-languageserver-protocol/node';
import { CLAIMED, COMMANDS, type Status } from '../src/lspExt.ts';
import { isAtLeast, VERSION_MIN } from '../src/serverCommand.ts';
import { python } from './support.ts';

const URI = 'file:///work/weather.py';
const home = mkdtempSync(join(tmpdir(), 'codementor-contract-'));
let process_: ChildProcess;
let connection: ProtocolConnection;
let answer: InitializeResult;
let status: Promise<Status>;

before(async () => {
  const env: NodeJS.ProcessEnv = { ...process.env, HOME: home, XDG_CACHE_HOME: home };
  delete env['CM_TOKEN'];
  process_ = spawn(python(), ['-m', 'cm_lsp'], { env, cwd: join(import.meta.dirname, '..', '..', '..') });
  assert.ok(process_.stdout && process_.stdin);
  connection = createProtocolConnection(
    new StreamMessageReader(process_.stdout),
    new StreamMessageWriter(process_.stdin),
  );
  connection.onError(() => undefined);
  connection.listen();
  status = new Promise((resolve) => {
    connection.onNotification('codementor/status', resolve);
  });
  answer = await connection.sendRequest('initialize', {
    processId: process.pid,
    rootUri: null,
    capabilities: { general: { positionEncodings: ['utf-16'] } },
    clientInfo: { name: 'Visual Studio Code' },
    initializationOptions: { codementor: { capabilities: CLAIMED, capMinutes: 30, spokenLanguages: ['en'] } },
  });
  await connection.sendNotification('initialized', {});
  await connection.sendNotification('textDocument/didOpen', {
    textDocument: { uri: URI, languageId: 'python', version: 1, text: 'print(1)\n' },
  });
});

after(async () => {
  await connection.sendRequest('shutdown');
  await connection.sendNotification('exit');
  await new Promise((resolve) => process_.once('exit', resolve));
  connection.dispose();
  rmSync(home, { recursive: true, force: true });
});

test('it is new enough by the number it tells', () => {
  assert.ok(isAtLeast(answer.serverInfo?.version, VERSION_MIN), answer.serverInfo?.version);
});

test('it runs every command we send', () => {
  const offered = answer.capabilities.executeCommandProvider?.commands ?? [];
  for (const command of COMMANDS) {
    assert.ok(offered.includes(`codementor.${command}`), command);
  }
});

test('it reads changes by ranges, in the units of VS Code', () => {
  assert.equal(answer.capabilities.positionEncoding, 'utf-16');
  assert.deepEqual((answer.capabilities.textDocumentSync as { change: number }).change, 2);
});

test('it tells a client that claims anything how it stands, with a sentence to show', async () => {
  const told = await status;
  assert.equal(told.connection, 'signedOut');
  assert.equal(told.online, false);
  assert.ok(told.text.length > 0);
});

test('a command that cannot be done answers with a sentence', async () => {
  const range = { start: { line: 0, character: 0 }, end: { line: 0, character: 5 } };
  await assert.rejects(execute('mentors', { uri: URI, range }), /sign|token/i);
  await assert.rejects(execute('rate', { stars: 6 }), /stars/);
  await assert.rejects(execute('chat', { text: 'hello' }), /session/i);
});

test('a shared document that is none is refused, not answered with an empty text', async () => {
  await assert.rejects(
    connection.sendRequest('codementor/openShared', { uri: 'codementor://ses_none/a.py' }),
    /shared|session/i,
  );
});

function execute(command: string, argument: object): Promise<unknown> {
  return connection.sendRequest('workspace/executeCommand', {
    command: `codementor.${command}`,
    arguments: [argument],
  });
}
