// The manifest, its texts and the code fit each other.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS } from '../src/lspExt.ts';

const FOLDER = join(import.meta.dirname, '..');
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const manifest = read('package.json');
const { contributes, version, activationEvents, engines, devDependencies } = JSON.parse(manifest) as {
  readonly version: string;
  readonly activationEvents: readonly string[];
  readonly engines: { readonly vscode: string };
  readonly devDependencies: Readonly<Record<string, string>>;
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly category: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
    readonly keybindings: readonly { readonly command: string }[];
  };
};
const texts = JSON.parse(read('package.nls.json')) as Record<string, string>;
const declared = contributes.commands.map(({ command }) => command);

test('every text the manifest refers to is there, and no other', () => {
  const used = new Set([...manifest.matchAll(/"%([^%"]+)%"/g)].map(([, name]) => name));
  assert.deepEqual([...used].sort(), Object.keys(texts).sort());
});

test('every text of the manifest that a user reads can be translated', () => {
  const shown =
    /"(title|category|name|label|contents|displayName|description|markdownDescription|patternErrorMessage)": "(.*)"/g;
  const fixed = [...manifest.matchAll(shown)]
    .map(([, , text = '']) => text)
    .filter((text) => !/^%.*%$/.test(text));
  assert.deepEqual([...new Set(fixed)].sort(), ['${path}', 'Codementor', 'codementor']);
});

test('the oldest VS Code it says it runs in is the one it is compiled against', () => {
  assert.equal(engines.vscode, `^${devDependencies['@types/vscode']}`);
});

test('every command of cm-lsp can be had from the palette, under one category', () => {
  for (const command of COMMANDS) {
    assert.ok(declared.includes(`codementor.${command}`), command);
  }
  assert.ok(contributes.commands.every(({ category }) => category === '%category%'));
});

test('menus and keys name commands that exist', () => {
  const named = [...Object.values(contributes.menus).flat(), ...contributes.keybindings];
  for (const { command } of named) {
    assert.ok(declared.includes(command), command);
  }
});

test("VS Code's start waits for nothing of ours", () => {
  assert.deepEqual([...activationEvents].sort(), ['onFileSystem:codementor', 'onStartupFinished']);
});

test('the version is that of the server it comes with', () => {
  const project = readFileSync(join(FOLDER, '..', '..', 'pyproject.toml'), 'utf8');
  assert.match(project, new RegExp(`^version = "${version.replaceAll('.', '\\.')}"$`, 'm'));
});
