// lspExt.ts says the same as cm_lsp/lsp_ext.py: every shape with every member, every method, every command.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';
import { COMMANDS } from '../src/lspExt.ts';
import { runPython } from './support.ts';

interface Said {
  readonly shapes: Readonly<Record<string, readonly string[]>>;
  readonly methods: readonly string[];
  readonly commands: readonly string[];
}

const file = join(import.meta.dirname, '..', 'src', 'lspExt.ts');
const source = ts.createSourceFile(file, readFileSync(file, 'utf8'), ts.ScriptTarget.Latest);
const said = runPython('shapes.py') as Said;
const interfaces = new Map(
  source.statements
    .filter((statement) => ts.isInterfaceDeclaration(statement))
    .map((declared) => [declared.name.text, declared.members.map((member) => nameOf(member))]),
);

test('every shape of cm-lsp is here, with the same members', () => {
  for (const [name, members] of Object.entries(said.shapes)) {
    assert.deepEqual(interfaces.get(name)?.toSorted(), [...members].sort(), name);
  }
});

test('every method of cm-lsp is here, and no other', () => {
  const ours = ['Notifications', 'Questions', 'Reports', 'Requests'].flatMap(
    (name) => interfaces.get(name) ?? [],
  );
  assert.deepEqual(ours.sort(), [...said.methods].sort());
});

test('every command of cm-lsp is here, and no other', () => {
  assert.deepEqual([...COMMANDS].sort(), [...said.commands].sort());
});

function nameOf(member: ts.TypeElement): string {
  const { name } = member;
  assert.ok(name !== undefined && (ts.isIdentifier(name) || ts.isStringLiteral(name)));
  return name.text;
}
