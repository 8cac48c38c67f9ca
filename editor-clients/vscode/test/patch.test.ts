import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { type FilePatch, fit, type LineEdit, parse } from '../src/patch.ts';

const PATCH = `diff --git a/src/a.py b/src/a.py
--- a/src/a.py
+++ b/src/a.py
@@ -1,3 +1,4 @@
 one
-two
+TWO
+2½
 three
`;
const [file] = parse(PATCH);
assert.ok(file);

test('a patch is read by file and hunk', () => {
  assert.equal(file.path, 'src/a.py');
  assert.deepEqual(file.hunks, [
    { line: 0, before: ['one', 'two', 'three'], after: ['one', 'TWO', '2½', 'three'] },
  ]);
});

test('it goes where its lines are now, and changes no line that stays', () => {
  const lines = ['zero', 'more', 'one', 'two', 'three'];
  assert.deepEqual(fit(lines, file), { kind: 'fits', edits: [{ from: 3, to: 4, lines: ['TWO', '2½'] }] });
});

test('what is there already, and what no longer fits, are told apart', () => {
  assert.deepEqual(fit(['one', 'TWO', '2½', 'three'], file), { kind: 'isThere' });
  assert.deepEqual(fit(['one', 'three'], file), { kind: 'doesNotFit' });
});

test('a line that looks like a head is a line', () => {
  const [odd, ...others] = parse('--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n--- a/y\n+++ b/y\n same\n');
  assert.deepEqual(others, []);
  assert.deepEqual(odd?.hunks, [{ line: 0, before: ['-- a/y', 'same'], after: ['++ b/y', 'same'] }]);
});

test('what git makes of two texts leads from one to the other', () => {
  const folder = mkdtempSync(join(tmpdir(), 'codementor-patch-'));
  const seed = Number(process.env['SEED'] ?? Date.now() % 100_000);
  try {
    const random = randomness(seed);
    for (let round = 0; round < 60; round++) {
      const before = Array.from({ length: random(12) }, () => `line ${random(5)}`);
      const after = before.flatMap((line) =>
        random(4) === 0 ? [] : random(4) === 0 ? [line, `new ${random(9)}`] : [line],
      );
      const patch = difference(folder, before, after);
      const [only] = parse(patch);
      const got = only === undefined ? [...before, ''] : applied([...before, ''], only);
      assert.deepEqual(got, [...after, ''], `SEED=${seed}\n${patch}`);
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});

function applied(lines: readonly string[], patch: FilePatch): readonly string[] {
  const fitted = fit(lines, patch);
  assert.equal(fitted.kind, 'fits');
  return fitted.edits.reduceRight<readonly string[]>(
    (now, { from, to, lines: by }: LineEdit) => now.toSpliced(from, to - from, ...by),
    lines,
  );
}

/** As text files: each line has an end. */
function difference(folder: string, before: readonly string[], after: readonly string[]): string {
  const names = ['before', 'after'].map((name) => join(folder, name));
  [before, after].forEach((lines, at) => {
    writeFileSync(names[at] ?? '', lines.map((line) => `${line}\n`).join(''));
  });
  try {
    return execFileSync('git', ['diff', '--no-index', ...names], { encoding: 'utf8' });
  } catch (error) {
    return (error as { stdout: string }).stdout; // git's way to say that they differ
  }
}

function randomness(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * below);
  };
}
