// Every text a user reads can be translated, and each translation is whole: no key missing, none too many, the same places
// for values.

import assert from 'node:assert/strict';
import { existsSync, globSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import ts from 'typescript';

const FOLDER = join(import.meta.dirname, '..');
const LANGUAGES = ['de'];
const table = (name: string) =>
  JSON.parse(readFileSync(join(FOLDER, name), 'utf8')) as Readonly<Record<string, string>>;
const used = globSync('src/*.ts', { cwd: FOLDER }).flatMap(textsOf);

test('what is translated in the code is written there whole', () => {
  assert.ok(used.length > 50, `only ${used.length} texts were found`);
  assert.deepEqual(
    used.filter(({ text }) => text === undefined),
    [],
  );
});

for (const language of LANGUAGES) {
  test(`${language}: every text of the code, and no other, with the same places for values`, () => {
    const translated = table(`l10n/bundle.l10n.${language}.json`);
    const texts = new Set(used.map(({ text }) => text ?? ''));
    assert.deepEqual(Object.keys(translated).sort(), [...texts].sort());
    for (const [text, translation] of Object.entries(translated)) {
      assert.deepEqual(placesIn(translation), placesIn(text), text);
      assert.notEqual(translation.trim(), '', text);
    }
  });

  test(`${language}: every text of the manifest, and no other, with the same commands to click`, () => {
    const original = table('package.nls.json');
    const translated = table(`package.nls.${language}.json`);
    assert.deepEqual(Object.keys(translated).sort(), Object.keys(original).sort());
    for (const [name, text] of Object.entries(original)) {
      assert.deepEqual(linksIn(translated[name] ?? ''), linksIn(text), name);
    }
  });

  test(`${language}: every page of the walkthrough`, () => {
    for (const page of globSync('walkthrough/*.md', { cwd: FOLDER, exclude: ['**/*.nls.*'] })) {
      assert.ok(existsSync(join(FOLDER, page.replace(/\.md$/, `.nls.${language}.md`))), page);
    }
  });
}

interface Used {
  readonly file: string;
  readonly text: string | undefined;
}

/** The first argument of each call of `l10n.t`; undefined where it is no literal, so that no translator could find it. */
function textsOf(file: string): readonly Used[] {
  const source = ts.createSourceFile(
    file,
    readFileSync(join(FOLDER, file), 'utf8'),
    ts.ScriptTarget.Latest,
    true,
  );
  const found: Used[] = [];
  const visit = (node: ts.Node): void => {
    if (ts.isCallExpression(node) && node.expression.getText() === 'l10n.t') {
      const [first] = node.arguments;
      found.push({ file, text: first && ts.isStringLiteralLike(first) ? first.text : undefined });
    }
    node.forEachChild(visit);
  };
  visit(source);
  return found;
}

function placesIn(text: string): readonly string[] {
  return [...text.matchAll(/\{\d+\}/g)].map(([place]) => place).sort();
}

function linksIn(text: string): readonly string[] {
  return [...text.matchAll(/\]\(([^)]*)\)/g)].map(([, target = '']) => target);
}
