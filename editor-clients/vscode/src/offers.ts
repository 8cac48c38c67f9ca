// A mentor is asked: a notification that counts down and goes by itself, a preview, yes or no.

import { commands, type Disposable, l10n, ProgressLocation, window } from 'vscode';
import { deferred } from './deferred.ts';
import * as harmless from './harmless.ts';
import type { Offer } from './lspExt.ts';
import type { State } from './state.ts';
import type { Texts } from './texts.ts';

interface Open {
  readonly offer: Offer;
  readonly endsAt: number;
  readonly close: () => void;
}

export class Offers implements Disposable {
  readonly #open = new Map<string, Open>();
  readonly #state: State;
  readonly #texts: Texts;

  constructor(state: State, texts: Texts) {
    this.#state = state;
    this.#texts = texts;
  }

  changed(offer: Offer): void {
    this.#close(offer.offerId);
    if (offer.state === 'open') {
      this.#show(offer);
    } else if (offer.why !== '') {
      window.setStatusBarMessage(`Codementor: ${harmless.label(offer.why)}`, 6_000);
    }
    this.#state.setContext('hasOffer', this.#open.size > 0);
  }

  /** The one that ends first. */
  soonest(): Offer | undefined {
    return [...this.#open.values()].sort((a, b) => a.endsAt - b.endsAt)[0]?.offer;
  }

  async preview(): Promise<void> {
    const offer = this.soonest();
    if (offer !== undefined) {
      await this.#texts.show(fileName(offer.path), excerpt(offer), offer.languageId);
    }
  }

  clear(): void {
    [...this.#open.keys()].forEach((offerId) => {
      this.#close(offerId);
    });
    this.#state.setContext('hasOffer', false);
  }

  dispose(): void {
    this.clear();
  }

  #close(offerId: string): void {
    this.#open.get(offerId)?.close();
    this.#open.delete(offerId);
  }

  #show(offer: Offer): void {
    const { promise, resolve } = deferred<undefined>();
    const endsAt = Date.now() + offer.answerWithinMs;
    this.#open.set(offer.offerId, {
      offer,
      endsAt,
      close: () => {
        resolve(undefined);
      },
    });
    const options = {
      location: ProgressLocation.Notification,
      title: harmless.message(offer.text),
      cancellable: true, // without a button VS Code folds the notification to one line
    };
    void window.withProgress(options, async (progress, cancellation) => {
      cancellation.onCancellationRequested(() => {
        void commands.executeCommand('codementor.decline', offer.offerId);
      });
      const tick = () => {
        const seconds = Math.max(0, Math.ceil((endsAt - Date.now()) / 1_000));
        progress.report({ message: choices(seconds), increment: 1_000 / (offer.answerWithinMs / 100) });
      };
      tick();
      const ticking = setInterval(tick, 1_000);
      const lapsing = setTimeout(() => {
        this.changed({ ...offer, state: 'ended', why: '' });
      }, offer.answerWithinMs);
      await promise;
      clearInterval(ticking);
      clearTimeout(lapsing);
    });
  }
}

/** Links of our own, in a text that is otherwise made free of them. */
function choices(seconds: number): string {
  const accept = `[${l10n.t('Accept')}](command:codementor.accept)`;
  const preview = `[${l10n.t('Preview')}](command:codementor.previewOffer)`;
  return l10n.t('{0} s to answer · {1} · {2} · Cancel leaves it to others', seconds, accept, preview);
}

function fileName(path: string): string {
  const name = path.split('/').at(-1) ?? '';
  return l10n.t('Offer: {0}', name === '' ? 'code' : name);
}

/** What a mentor knows before accepting, as one text; the code's own lines stay as they are. */
function excerpt({
  learner,
  path,
  question,
  diagnostics,
  excerpt: code,
  firstLine,
  priceText,
  earnsText,
}: Offer): string {
  const complaints = diagnostics.map(
    ({ line, severity, message, source, code: rule }) =>
      `${l10n.t('line {0}', line + 1)}, ${severity}: ${message} ${[source, rule].join(' ').trim()}`,
  );
  const head = [
    l10n.t('{0} asks about {1}', learner, path),
    question,
    l10n.t('{0}; you earn up to {1}', priceText, earnsText),
    ...complaints,
  ];
  const above = head.filter((part) => part !== '').join('\n');
  return `${above}\n\n${l10n.t('From line {0}:', firstLine + 1)}\n\n${code}\n`;
}
