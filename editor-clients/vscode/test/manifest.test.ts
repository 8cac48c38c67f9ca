// The manifest, its texts and the translations fit each other and the code.

import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { COMMANDS } from '../src/lspExt.ts';

const FOLDER = join(import.meta.dirname, '..');
const read = (name: string) => readFileSync(join(FOLDER, name), 'utf8');
const manifest = read('package.json');
const { contributes, version, activationEvents } = JSON.parse(manifest) as {
  readonly version: string;
  readonly activationEvents: readonly string[];
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly category: string }[];
    readonly menus: Readonly<Record<string, readonly { readonly command: string }[]>>;
    readonly keybindings: readonly { readonly command: string }[];
  };
};
const texts = JSON.parse(read('package.nls.json')) as Record<string, string>;
const sources = globSync('src/*.ts', { cwd: FOLDER }).map(read).join('\n');
const declared = contributes.commands.map(({ command }) => command);

test('every text the manifest refers to is there, and no other', () => {
  const used = new Set([...manifest.matchAll(/"%([^%"]+)%"/g)].map(([, name]) => name));
  assert.deepEqual([...used].sort(), Object.keys(texts).sort());
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

test('translations translate texts that are in the code', () => {
  for (const file of globSync('l10n/*.json', { cwd: FOLDER })) {
    for (const text of Object.keys(JSON.parse(read(file)) as object)) {
      assert.ok(sources.includes(`'${text}'`) || sources.includes(`"${text}"`), `${file}: ${text}`);
    }
  }
});

test('the version is that of the server it comes with', () => {
  const project = readFileSync(join(FOLDER, '..', '..', 'pyproject.toml'), 'utf8');
  assert.match(project, new RegExp(`^version = "${version.replaceAll('.', '\\.')}"$`, 'm'));
});
