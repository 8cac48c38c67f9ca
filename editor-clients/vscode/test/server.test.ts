import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { Crashes } from '../src/crashes.ts';
import { find, isAtLeast, type Machine } from '../src/serverCommand.ts';

function machine(files: readonly string[], more: Partial<Machine> = {}): Machine {
  return {
    configured: [],
    extensionFolder: '/extension',
    path: ['/usr/bin', ''],
    isWindows: false,
    isExecutable: (file) => Promise.resolve(files.includes(file)),
    pythonInterpreter: () => Promise.resolve(undefined),
    join: (...parts) => posix.join(...parts),
    folderOf: (file) => posix.dirname(file),
    ...more,
  };
}

test('the setting wins, with its arguments', async () => {
  const found = await find(machine(['/usr/bin/cm-lsp'], { configured: ['uvx', 'cm-lsp'] }));
  assert.deepEqual(found, { program: 'uvx', arguments: ['cm-lsp'], foundBy: 'setting' });
});

test('what the extension brings along comes before PATH, PATH before the Python extension', async () => {
  const all = ['/extension/bundled/bin/cm-lsp', '/usr/bin/cm-lsp', '/venv/bin/cm-lsp'];
  const interpreter = { pythonInterpreter: () => Promise.resolve('/venv/bin/python') };
  assert.equal((await find(machine(all, interpreter)))?.foundBy, 'bundled');
  assert.equal((await find(machine(all.slice(1), interpreter)))?.foundBy, 'PATH');
  assert.equal((await find(machine(all.slice(2), interpreter)))?.program, '/venv/bin/cm-lsp');
  assert.equal(await find(machine([], interpreter)), undefined);
});

test('the Python extension is not woken when cm-lsp is on PATH', async () => {
  const found = await find(
    machine(['/usr/bin/cm-lsp'], {
      pythonInterpreter: () => Promise.reject(new Error('woken')),
    }),
  );
  assert.equal(found?.foundBy, 'PATH');
});

test('versions compare by number, and what is no version is too old', () => {
  assert.ok(isAtLeast('0.10.0', '0.9'));
  assert.ok(isAtLeast('1.0.0rc1', '1.0'));
  assert.ok(!isAtLeast('0.0.9', '0.1.0'));
  assert.ok(!isAtLeast(undefined, '0.1.0'));
  assert.ok(!isAtLeast('0+unknown', '0.1.0'));
});

test('a crash is answered by a start after a pause that grows, five in three minutes by none', () => {
  const crashes = new Crashes();
  const pauses = [0, 1, 2, 3].map((second) => crashes.happened(second * 1_000));
  assert.deepEqual(
    pauses.map((next) => (next.kind === 'restart' ? next.afterMs : -1)),
    [250, 1_000, 4_000, 15_000],
  );
  assert.deepEqual(crashes.happened(4_000), { kind: 'giveUp' });
});

test('crashes that lie far apart are each answered at once', () => {
  const crashes = new Crashes();
  for (let day = 0; day < 20; day++) {
    assert.deepEqual(crashes.happened(day * 86_400_000), { kind: 'restart', afterMs: 250 });
  }
});
