// Moves the other person's edit over what was typed here since it was made. Pure; knows no editor.
//
// The rules are those of `ApplyEdit` in cm_lsp/lsp_ext.py, and the same as `edits.transform` in cm_lsp/sharing, which
// the tests compare with: text typed at the place of an edit stays left of it, what was deleted is not deleted again, a
// deletion splits around what was typed inside it. Places are LSP positions; lines end at \n, \r\n or \r.

import type { Position } from './lspExt.ts';

/** A stretch of the old text gave way to text that now ends at `newEnd`. */
export interface Change {
  readonly from: Position;
  readonly oldEnd: Position;
  readonly newEnd: Position;
}

/** Part of an edit that is to be applied: a stretch to replace. */
export interface Piece {
  readonly from: Position;
  readonly to: Position;
  readonly text: string;
}

/** One new version of a document, its changes in the order in which each is over the result of those before. */
export interface Step {
  readonly version: number;
  readonly changes: readonly Change[];
}

const STEPS_KEPT_MAX = 2_000;

export function isBefore(a: Position, b: Position): boolean {
  return a.line < b.line || (a.line === b.line && a.character < b.character);
}

/** Where text that starts at a place ends. */
export function endOf(from: Position, text: string): Position {
  const lines = text.split(/\r\n|\r|\n/);
  const last = lines.at(-1) ?? '';
  return lines.length === 1
    ? { line: from.line, character: from.character + last.length }
    : { line: from.line + lines.length - 1, character: last.length };
}

export function changeOf(from: Position, oldEnd: Position, text: string): Change {
  return { from, oldEnd, newEnd: endOf(from, text) };
}

export function changesSomething(piece: Piece): boolean {
  return piece.text !== '' || isBefore(piece.from, piece.to);
}

/** One piece moved over one change: none where nothing is left to do, two where the change lies inside it. */
export function moved(piece: Piece, change: Change): readonly Piece[] {
  return split(piece, change).filter(changesSomething);
}

function split(piece: Piece, change: Change): readonly Piece[] {
  const { text } = piece;
  const endsBehind = isBefore(change.oldEnd, piece.to);
  if (!isBefore(piece.from, change.from)) {
    const from = isBefore(change.oldEnd, piece.from) ? shifted(piece.from, change) : change.newEnd;
    const to = endsBehind ? shifted(piece.to, change) : from;
    return [{ from, to: isBefore(to, from) ? from : to, text }];
  }
  if (!endsBehind) {
    return [{ from: piece.from, to: isBefore(change.from, piece.to) ? change.from : piece.to, text }];
  }
  const to = shifted(piece.to, change);
  if (!isBefore(change.from, change.newEnd)) {
    return [{ from: piece.from, to, text }];
  }
  return [
    { from: piece.from, to: change.from, text },
    { from: change.newEnd, to, text: '' },
  ];
}

/** Where a place at or behind the old end of a change is after it. */
function shifted(place: Position, change: Change): Position {
  return place.line === change.oldEnd.line
    ? {
        line: change.newEnd.line,
        character: change.newEnd.character + place.character - change.oldEnd.character,
      }
    : { line: place.line + change.newEnd.line - change.oldEnd.line, character: place.character };
}

/** What a document went through since it was opened, as far back as it is kept. */
export class History {
  readonly #steps: Step[] = [];
  #oldest: number;

  constructor(openedAt: number) {
    this.#oldest = openedAt;
  }

  record(step: Step): void {
    this.#steps.push(step);
    if (this.#steps.length > STEPS_KEPT_MAX) {
      this.#oldest = this.#steps.shift()?.version ?? this.#oldest;
    }
  }

  /** Edits for versions before this one cannot be moved any more. */
  forgetBefore(version: number): void {
    this.#steps.length = 0;
    this.#oldest = version;
  }

  /** The newest version it knows of. */
  get version(): number {
    return this.#steps.at(-1)?.version ?? this.#oldest;
  }

  /** The pieces, given over `version`, as they are over the newest version; undefined where that is forgotten. */
  bringUp(pieces: readonly Piece[], version: number): readonly Piece[] | undefined {
    if (version < this.#oldest || version > this.version) {
      return undefined;
    }
    const since = this.#steps.filter((step) => step.version > version).flatMap((step) => step.changes);
    const given: readonly Piece[] = pieces.filter(changesSomething);
    return since.reduce((now, change) => joined(now.flatMap((piece) => moved(piece, change))), given);
  }
}

/** Pieces that have come to touch, because what was between them is gone, count as one: its text stands before it. */
function joined(pieces: readonly Piece[]): readonly Piece[] {
  return pieces.reduce<Piece[]>((done, piece) => {
    const last = done.at(-1);
    if (last !== undefined && !isBefore(last.to, piece.from)) {
      done[done.length - 1] = { from: last.from, to: piece.to, text: last.text + piece.text };
    } else {
      done.push(piece);
    }
    return done;
  }, []);
}
