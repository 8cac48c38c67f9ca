// The other's caret, selection, name and pointer, drawn as decorations; nothing of it is in the text.

import {
  type DecorationInstanceRenderOptions,
  type DecorationOptions,
  DecorationRangeBehavior,
  type Disposable,
  MarkdownString,
  OverviewRulerLane,
  Position,
  Range,
  type TextEditor,
  type TextEditorDecorationType,
  ThemeColor,
  window,
} from 'vscode';
import { type ShowNames, settings } from './config.ts';
import * as harmless from './harmless.ts';
import type * as ext from './lspExt.ts';

const NAME_SHOWN_MS = 4_000;
const POINTER_SHOWN_MS = 15_000;

/** Lifts a label out of the line, so that it covers no code and moves none. VS Code has no option for it. */
const FLOATING =
  'none; position: absolute; z-index: 10; pointer-events: none; white-space: pre; font-size: 0.78em; padding: 0 4px; border-radius: 3px; line-height: 1.25; outline: 1px solid var(--vscode-contrastBorder, transparent)';
/** Of the manifest: seen in high contrast, where a tint is too little. */
const BORDER = { border: '1px solid', borderColor: new ThemeColor('codementor.peerBorder') };

interface Kinds {
  readonly caret: TextEditorDecorationType;
  readonly selection: TextEditorDecorationType;
  readonly pointer: TextEditorDecorationType;
}

export class PeerCursors implements Disposable {
  readonly #kinds = new Map<string, Kinds>();
  readonly #cursors = new Map<string, readonly ext.RemoteCursor[]>();
  readonly #movedAt = new Map<string, number>();
  readonly #subscription: Disposable;
  readonly #timers = new Set<NodeJS.Timeout>();
  #pointer: ext.Point | undefined;

  constructor() {
    this.#subscription = window.onDidChangeVisibleTextEditors((editors) => {
      editors.forEach((editor) => {
        this.#draw(editor);
      });
    });
  }

  moved({ uri, cursors }: ext.Cursors): void {
    const before = this.#cursors.get(uri) ?? [];
    for (const cursor of cursors) {
      const known = before.find((other) => other.participant === cursor.participant);
      if (known === undefined || !samePlace(known.position, cursor.position)) {
        this.#movedAt.set(cursor.participant, Date.now());
        this.#later(NAME_SHOWN_MS, uri);
      }
    }
    this.#cursors.set(uri, cursors);
    this.#drawDocument(uri);
  }

  /** Shown for some seconds, or until the next one. */
  pointed(point: ext.Point): void {
    const before = this.#pointer?.uri;
    this.#pointer = point;
    this.#drawDocument(point.uri);
    if (before !== undefined && before !== point.uri) {
      this.#drawDocument(before);
    }
    this.#after(POINTER_SHOWN_MS, () => {
      if (this.#pointer === point) {
        this.#pointer = undefined;
        this.#drawDocument(point.uri);
      }
    });
  }

  /** Where the participant was last, if they are in a document. */
  placeOf(participant: string): { readonly uri: string; readonly position: ext.Position } | undefined {
    for (const [uri, cursors] of this.#cursors) {
      const found = cursors.find((cursor) => cursor.participant === participant);
      if (found !== undefined) {
        return { uri, position: found.position };
      }
    }
    return undefined;
  }

  clear(): void {
    this.#cursors.clear();
    this.#pointer = undefined;
    this.#kinds.forEach(disposeKinds);
    this.#kinds.clear();
    this.#timers.forEach((timer) => {
      clearTimeout(timer);
    });
    this.#timers.clear();
  }

  dispose(): void {
    this.clear();
    this.#subscription.dispose();
  }

  #drawDocument(uri: string): void {
    window.visibleTextEditors
      .filter((editor) => editor.document.uri.toString() === uri)
      .forEach((editor) => {
        this.#draw(editor);
      });
  }

  #draw(editor: TextEditor): void {
    const uri = editor.document.uri.toString();
    const cursors = this.#cursors.get(uri) ?? [];
    const pointer = this.#pointer?.uri === uri ? this.#pointer : undefined;
    const names = settings().names;
    for (const { participant, colour } of [...cursors, ...(pointer ? [pointer] : [])]) {
      this.#kindsOf(participant, colour);
    }
    for (const [participant, kinds] of this.#kinds) {
      const own = cursors.filter((cursor) => cursor.participant === participant);
      const selections = own.flatMap(({ name, selection }) =>
        selection ? [{ range: rangeOf(selection), hoverMessage: plain(name) }] : [],
      );
      editor.setDecorations(
        kinds.caret,
        own.map((cursor) => this.#caret(cursor, names)),
      );
      editor.setDecorations(kinds.selection, selections);
      editor.setDecorations(kinds.pointer, pointer?.participant === participant ? [pointerOf(pointer)] : []);
    }
  }

  #caret({ participant, name, colour, position }: ext.RemoteCursor, names: ShowNames): DecorationOptions {
    const at = new Position(position.line, position.character);
    const moved = Date.now() - (this.#movedAt.get(participant) ?? 0) < NAME_SHOWN_MS;
    const shown = names === 'always' || (names === 'whenMoving' && moved);
    return {
      range: new Range(at, at),
      hoverMessage: plain(name),
      ...(shown ? { renderOptions: tag(name, colour, position.line) } : {}),
    };
  }

  #kindsOf(participant: string, given: string): Kinds {
    const known = this.#kinds.get(participant);
    if (known !== undefined) {
      return known;
    }
    const colour = harmless.colour(given);
    const made: Kinds = {
      caret: window.createTextEditorDecorationType({
        rangeBehavior: DecorationRangeBehavior.ClosedClosed,
        borderColor: colour,
        borderStyle: 'solid',
        borderWidth: '0 0 0 2px',
        overviewRulerColor: colour,
        overviewRulerLane: OverviewRulerLane.Full,
      }),
      selection: window.createTextEditorDecorationType({
        ...BORDER,
        backgroundColor: `${colour}44`,
        overviewRulerColor: `${colour}88`,
        overviewRulerLane: OverviewRulerLane.Center,
      }),
      pointer: window.createTextEditorDecorationType({
        backgroundColor: `${colour}55`,
        outline: `2px solid ${colour}`,
        overviewRulerColor: colour,
        overviewRulerLane: OverviewRulerLane.Full,
      }),
    };
    this.#kinds.set(participant, made);
    return made;
  }

  #later(ms: number, uri: string): void {
    this.#after(ms + 50, () => {
      this.#drawDocument(uri);
    });
  }

  #after(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, ms);
    this.#timers.add(timer);
  }
}

/** A name above the caret, or below it in the first line, where above is nothing. */
function tag(name: string, given: string, line: number): DecorationInstanceRenderOptions {
  const colour = harmless.colour(given);
  const place = line === 0 ? 'top: 1.6em' : 'top: -1.25em';
  return {
    before: {
      contentText: name,
      backgroundColor: colour,
      color: harmless.inkOn(colour),
      textDecoration: `${FLOATING}; ${place}; margin-left: -2px`,
    },
  };
}

function pointerOf({ range, name, note, colour: given }: ext.Point): DecorationOptions {
  const colour = harmless.colour(given);
  const said = note === '' ? name : `${name}: ${harmless.shortened(note, 120)}`;
  return {
    range: rangeOf(range),
    hoverMessage: plain(said),
    renderOptions: {
      after: {
        contentText: ` ${said} `,
        backgroundColor: colour,
        color: harmless.inkOn(colour),
        margin: '0 0 0 1em',
      },
    },
  };
}

/** A hover is Markdown; a stranger's text in it is text. */
function plain(text: string): MarkdownString {
  return new MarkdownString().appendText(text);
}

function rangeOf({ start, end }: ext.Range): Range {
  return new Range(start.line, start.character, end.line, end.character);
}

function samePlace(a: ext.Position, b: ext.Position): boolean {
  return a.line === b.line && a.character === b.character;
}

function disposeKinds({ caret, selection, pointer }: Kinds): void {
  caret.dispose();
  selection.dispose();
  pointer.dispose();
}
