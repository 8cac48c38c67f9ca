// When to start cm-lsp again after it stopped by itself. Pure.

const WINDOW_MS = 3 * 60_000;
const CRASHES_MAX = 5;
const FIRST_PAUSE_MS = 250;
const LONGEST_PAUSE_MS = 15_000;

export type Next = { readonly kind: 'restart'; readonly afterMs: number } | { readonly kind: 'giveUp' };

export class Crashes {
  #at: number[] = [];

  /** What to do about a crash now: again after a pause that doubles, or no more after five in three minutes. */
  happened(nowMs: number): Next {
    this.#at = [...this.#at.filter((at) => nowMs - at < WINDOW_MS), nowMs];
    if (this.#at.length >= CRASHES_MAX) {
      return { kind: 'giveUp' };
    }
    return {
      kind: 'restart',
      afterMs: Math.min(FIRST_PAUSE_MS * 4 ** (this.#at.length - 1), LONGEST_PAUSE_MS),
    };
  }

  forget(): void {
    this.#at = [];
  }
}
