// Progress that can be cancelled, as a notification with a button. The language client library shows all progress in the
// status bar, where there is none.

import { ProgressLocation, window } from 'vscode';
import type {
  ProgressToken,
  WorkDoneProgressBegin,
  WorkDoneProgressEnd,
  WorkDoneProgressReport,
} from 'vscode-languageclient';
import { deferred } from './deferred.ts';
import * as harmless from './harmless.ts';

type Progress = WorkDoneProgressBegin | WorkDoneProgressReport | WorkDoneProgressEnd;

export class CancellableProgress {
  readonly #cancel: (token: ProgressToken) => void;
  readonly #open = new Map<ProgressToken, (progress: Progress) => void>();

  constructor(cancel: (token: ProgressToken) => void) {
    this.#cancel = cancel;
  }

  /** The library's middleware: what is not ours goes on to it. */
  readonly handle = (
    token: ProgressToken,
    progress: Progress,
    next: (token: ProgressToken, progress: Progress) => void,
  ): void => {
    const shown = this.#open.get(token);
    if (progress.kind === 'begin' && progress.cancellable === true) {
      this.#open.set(token, this.#show(token, progress));
      return;
    }
    shown?.(progress);
    if (progress.kind === 'end') {
      this.#open.delete(token);
    }
    if (shown === undefined || progress.kind === 'end') {
      next(token, progress);
    }
  };

  endAll(): void {
    for (const shown of this.#open.values()) {
      shown({ kind: 'end' });
    }
    this.#open.clear();
  }

  #show(token: ProgressToken, begin: WorkDoneProgressBegin): (progress: Progress) => void {
    const { promise, resolve } = deferred<undefined>();
    let report: (text: string) => void = () => undefined;
    void window.withProgress(
      { location: ProgressLocation.Notification, title: harmless.message(begin.title), cancellable: true },
      async (progress, cancellation) => {
        report = (text) => {
          progress.report({ message: harmless.message(text) });
        };
        report(begin.message ?? '');
        cancellation.onCancellationRequested(() => {
          this.#cancel(token);
        });
        await promise;
      },
    );
    return (progress) => {
      if (progress.kind === 'end') {
        resolve(undefined);
      } else if (progress.message !== undefined) {
        report(progress.message);
      }
    };
  }
}
