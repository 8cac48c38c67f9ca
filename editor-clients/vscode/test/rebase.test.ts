import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Position } from '../src/lspExt.ts';
import { changeOf, History, type Piece } from '../src/rebase.ts';
import { replaced, runPython } from './support.ts';

interface Case {
  readonly text: string;
  readonly local: readonly Piece[];
  readonly pieces: readonly Piece[];
  readonly typed: string;
  readonly expected: string | null;
}

const seed = process.env['SEED'] ?? String(Date.now() % 100_000);

test(`edits land where the bridge expects them (SEED=${seed})`, () => {
  const cases = runPython('rebase_cases.py', seed, '4000') as readonly Case[];
  assert.ok(cases.length > 1500, `only ${cases.length} cases`);
  for (const one of cases) {
    const history = new History(1);
    one.local.forEach((change, index) => {
      history.record({ version: index + 2, changes: [changeOf(change.from, change.to, change.text)] });
    });
    const pieces = history.bringUp(one.pieces, 1);
    assert.ok(pieces);
    const got = pieces.length === 0 ? null : applied(one.typed, pieces);
    assert.equal(got, one.expected, JSON.stringify(one));
  }
});

test('a version that is forgotten or not yet known moves nothing', () => {
  const history = new History(3);
  assert.equal(history.bringUp([piece(0, 0, 0, 0, 'x')], 2), undefined);
  assert.equal(history.bringUp([piece(0, 0, 0, 0, 'x')], 4), undefined);
  history.forgetBefore(7);
  assert.equal(history.bringUp([piece(0, 0, 0, 0, 'x')], 6), undefined);
  assert.equal(history.bringUp([piece(0, 0, 0, 0, 'x')], 7)?.length, 1);
});

test('several changes of one version count together', () => {
  const history = new History(1);
  // Two cursors typed: VS Code reports the later place first.
  history.record({
    version: 2,
    changes: [changeOf(at(2, 0), at(2, 0), 'x'), changeOf(at(0, 0), at(0, 0), 'new\nline')],
  });
  assert.deepEqual(history.bringUp([piece(2, 1, 2, 2, 'y')], 1), [piece(3, 2, 3, 3, 'y')]);
});

test('the history stays bounded and says when it is too short', () => {
  const history = new History(0);
  for (let version = 1; version <= 5_000; version++) {
    history.record({ version, changes: [changeOf(at(0, 0), at(0, 0), 'k')] });
  }
  assert.equal(history.bringUp([piece(0, 0, 0, 0, 'x')], 100), undefined);
  assert.deepEqual(history.bringUp([piece(0, 0, 0, 0, 'x')], 4_990), [piece(0, 10, 0, 10, 'x')]);
});

function at(line: number, character: number): Position {
  return { line, character };
}

function piece(line: number, character: number, toLine: number, toCharacter: number, text: string): Piece {
  return { from: at(line, character), to: at(toLine, toCharacter), text };
}

/** All pieces are over one text; from the last to the first none shifts another. */
function applied(text: string, pieces: readonly Piece[]): string {
  return pieces.reduceRight((now, { from, to, text: by }) => replaced(now, from, to, by), text);
}
