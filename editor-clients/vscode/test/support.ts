// What the tests share: where the project's Python is, and a text as LSP sees it.

import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Position } from '../src/lspExt.ts';

export const PROJECT = join(import.meta.dirname, '..', '..', '..');

/** The project's virtual environment, or what CODEMENTOR_PYTHON names. */
export function python(): string {
  const inProject = join(PROJECT, '.venv', 'bin', 'python');
  return process.env['CODEMENTOR_PYTHON'] ?? (existsSync(inProject) ? inProject : 'python3');
}

export function runPython(script: string, ...parts: readonly string[]): unknown {
  const file = join(import.meta.dirname, script);
  const printed = execFileSync(python(), [file, ...parts], { encoding: 'utf8', maxBuffer: 64 << 20 });
  return JSON.parse(printed);
}

export function offsetAt(text: string, position: Position): number {
  const lineEnd = /\r\n|\r|\n/g;
  for (let line = 0; line < position.line; line++) {
    if (!lineEnd.exec(text)) throw new Error(`there is no line ${position.line} in ${JSON.stringify(text)}`);
  }
  return lineEnd.lastIndex + position.character;
}

export function replaced(text: string, from: Position, to: Position, by: string): string {
  return text.slice(0, offsetAt(text, from)) + by + text.slice(offsetAt(text, to));
}
