import assert from 'node:assert/strict';
import { globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import * as harmless from '../src/harmless.ts';

const LINK = /\[[^\]]*\]\([^)]*\)/;

test('no link of a stranger survives in a message', () => {
  for (const text of [
    '[click](command:workbench.action.quit)',
    '[click]  (https://example.org)',
    '[a](b)[c](d)',
    '[[x](y)](COMMAND:z)',
    '[x]\n(command:y)',
  ]) {
    assert.doesNotMatch(harmless.message(text), LINK);
    assert.doesNotMatch(harmless.message(text), /command:/i);
  }
});

test('nothing the extension draws is trusted or read as HTML, and Markdown is made of plain text alone', () => {
  const files = globSync('../src/*.ts', { cwd: import.meta.dirname });
  assert.ok(files.length > 20, 'the sources are elsewhere');
  for (const file of files) {
    const source = readFileSync(join(import.meta.dirname, file), 'utf8');
    assert.doesNotMatch(source, /(isTrusted|supportHtml|enableCommandUris)\s*[:=](?!\s*false\b)/, file);
    assert.doesNotMatch(source, /appendMarkdown|innerHTML/, file);
    assert.doesNotMatch(source, /new MarkdownString\((?!\)\.appendText\()/, file);
  }
});

test('what is no link stays as it is', () => {
  assert.equal(harmless.message('a[0] = f(x); see (1) and [2]'), 'a[0] = f(x); see (1) and [2]');
});

test('labels show no icons and stay on one line', () => {
  assert.doesNotMatch(harmless.label('$(error) boom'), /\$\(/);
  assert.equal(harmless.label('one\n  two'), 'one two');
});

test('only a plain colour goes into a style sheet', () => {
  assert.equal(harmless.colour('#AbCdEf'), '#abcdef');
  for (const bad of ['red', '#fff', '#abcdef; } body { display: none', 'url(x)', '']) {
    assert.match(harmless.colour(bad), /^#[0-9a-f]{6}$/);
  }
});

test('ink stands out on every colour', () => {
  for (let value = 0; value <= 0xffffff; value += 0x01_0305) {
    const colour = `#${value.toString(16).padStart(6, '0')}`;
    assert.ok(contrast(colour, harmless.inkOn(colour)) >= 4.5, colour);
  }
});

test('a shortened text says that it is, and no character is cut in two', () => {
  assert.equal(harmless.shortened('😀😀😀', 3), '😀😀😀');
  assert.equal(harmless.shortened('😀😀😀😀', 3), '😀😀…');
});

/** WCAG 2.2, written down a second time so that the code is not compared with itself. */
function contrast(a: string, b: string): number {
  const [light = 0, dark = 0] = [luminance(a), luminance(b)].sort((x, y) => y - x);
  return (light + 0.05) / (dark + 0.05);
}

function luminance(colour: string): number {
  const linear = (at: number) => {
    const value = Number(`0x${colour.slice(at, at + 2)}`) / 255;
    return value <= 0.03928 ? value / 12.92 : Math.pow((value + 0.055) / 1.055, 2.4);
  };
  return 0.2126 * linear(1) + 0.7152 * linear(3) + 0.0722 * linear(5);
}
