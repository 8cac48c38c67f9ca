// Reads a session's patch and finds where it goes in a text as it is now. Pure.
//
// A hunk goes where its old lines are, the place nearest to the one it names first. Of a file all hunks go in or none.

export interface Hunk {
  /** The line, counted from 0, where the old lines were. */
  readonly line: number;
  readonly before: readonly string[];
  readonly after: readonly string[];
}

export interface FilePatch {
  readonly path: string;
  readonly hunks: readonly Hunk[];
}

/** Lines `from` up to and without `to` give way to `lines`. */
export interface LineEdit {
  readonly from: number;
  readonly to: number;
  readonly lines: readonly string[];
}

export type Fitted =
  | { readonly kind: 'fits'; readonly edits: readonly LineEdit[] }
  | { readonly kind: 'isThere' }
  | { readonly kind: 'doesNotFit' };

const FILE = /^\+\+\+ (?:b\/)?(.*?)\t?$/;
const HUNK = /^@@ -(\d+)(?:,(\d+))? \+\d+(?:,\d+)? @@/;

export function parse(patch: string): readonly FilePatch[] {
  const files: { path: string; hunks: { line: number; before: string[]; after: string[] }[] }[] = [];
  let left = 0;
  for (const text of patch.split('\n')) {
    const hunk = files.at(-1)?.hunks.at(-1);
    const start = HUNK.exec(text);
    if (start !== null) {
      const count = Number(start[2] ?? '1');
      const line = Number(start[1]) - (count === 0 ? 0 : 1);
      files.at(-1)?.hunks.push({ line, before: [], after: [] });
      left = countsOf(text);
    } else if (left > 0 && hunk !== undefined) {
      const mark = text.charAt(0);
      if (mark !== '+' && mark !== '\\') hunk.before.push(text.slice(1));
      if (mark !== '-' && mark !== '\\') hunk.after.push(text.slice(1));
      left -= mark === '\\' ? 0 : mark === '+' || mark === '-' ? 1 : 2;
    } else {
      const path = FILE.exec(text)?.[1];
      if (path !== undefined) files.push({ path, hunks: [] });
    }
  }
  return files.filter(({ hunks }) => hunks.length > 0);
}

/** Old and new lines that a hunk's head promises, together: a `+++` among them is a line, not a file. */
function countsOf(head: string): number {
  const counts = /^@@ -\d+(?:,(\d+))? \+\d+(?:,(\d+))? @@/.exec(head);
  return Number(counts?.[1] ?? '1') + Number(counts?.[2] ?? '1');
}

export function fit(lines: readonly string[], { hunks }: FilePatch): Fitted {
  const edits = placed(lines, hunks);
  if (edits !== undefined) {
    return { kind: 'fits', edits };
  }
  const back = hunks.map(({ line, before, after }) => ({ line, before: after, after: before }));
  return placed(lines, back) === undefined ? { kind: 'doesNotFit' } : { kind: 'isThere' };
}

function placed(lines: readonly string[], hunks: readonly Hunk[]): readonly LineEdit[] | undefined {
  const edits: LineEdit[] = [];
  let from = 0;
  let shift = 0;
  for (const hunk of hunks) {
    const at = nearest(lines, hunk.before, from, hunk.line + shift);
    if (at === undefined) return undefined;
    shift = at - hunk.line;
    from = at + hunk.before.length;
    edits.push(smallest({ from: at, to: from, lines: hunk.after }, hunk.before));
  }
  return edits;
}

function nearest(
  lines: readonly string[],
  wanted: readonly string[],
  from: number,
  named: number,
): number | undefined {
  const isAt = (at: number) =>
    at >= from &&
    at + wanted.length <= lines.length &&
    wanted.every((line, index) => lines[at + index] === line);
  for (let distance = 0; distance <= lines.length; distance++) {
    const found = [named - distance, named + distance].find(isAt);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Without the lines that stay, so that a cursor beside the change does not move. */
function smallest({ from, to, lines }: LineEdit, before: readonly string[]): LineEdit {
  const most = Math.min(before.length, lines.length);
  let top = 0;
  while (top < most && before[top] === lines[top]) top++;
  let bottom = 0;
  while (bottom < most - top && before.at(-1 - bottom) === lines.at(-1 - bottom)) bottom++;
  return { from: from + top, to: to - bottom, lines: lines.slice(top, lines.length - bottom) };
}
