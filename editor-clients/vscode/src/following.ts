// Follow: keep the other's cursor in view, until the user moves on their own.

import {
  type Disposable,
  Position,
  Range,
  TextEditorRevealType,
  TextEditorSelectionChangeKind,
  Uri,
  window,
} from 'vscode';
import type * as ext from './lspExt.ts';
import type { State } from './state.ts';

export class Following implements Disposable {
  readonly #state: State;
  readonly #subscription: Disposable;
  #followed: string | undefined;

  constructor(state: State) {
    this.#state = state;
    this.#subscription = window.onDidChangeTextEditorSelection(({ kind }) => {
      const byHand =
        kind === TextEditorSelectionChangeKind.Keyboard || kind === TextEditorSelectionChangeKind.Mouse;
      if (byHand) this.set(undefined);
    });
  }

  set(participant: string | undefined): void {
    this.#followed = participant;
    this.#state.setContext('isFollowing', participant !== undefined);
  }

  moved({ uri, cursors }: ext.Cursors): void {
    const cursor = cursors.find(({ participant }) => participant === this.#followed);
    if (cursor !== undefined) {
      void show(uri, cursor.position, false);
    }
  }

  dispose(): void {
    this.#subscription.dispose();
  }
}

/** Brings a place of a document into view; with `focus`, the user's own cursor as well. */
export async function show(uri: string, place: ext.Position, focus: boolean): Promise<void> {
  const at = new Position(place.line, place.character);
  const shown = window.visibleTextEditors.find((editor) => editor.document.uri.toString() === uri);
  if (shown !== undefined && !focus) {
    shown.revealRange(new Range(at, at), TextEditorRevealType.InCenterIfOutsideViewport);
    return;
  }
  const options = focus ? { selection: new Range(at, at) } : { preserveFocus: true };
  const editor = await window.showTextDocument(Uri.parse(uri, true), { preview: false, ...options });
  editor.revealRange(new Range(at, at), TextEditorRevealType.InCenterIfOutsideViewport);
}
