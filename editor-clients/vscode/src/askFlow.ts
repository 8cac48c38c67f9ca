// Asking: the question, the cap, the mentor, each by one picker; cm-lsp then shows every byte and asks once more.

import {
  type Diagnostic,
  l10n,
  languages,
  type QuickPickItem,
  type Range,
  type Tab,
  TabInputText,
  type Uri,
  window,
} from 'vscode';
import { settings } from './config.ts';
import * as harmless from './harmless.ts';
import { plain, reported } from './ownCursor.ts';
import type { Server } from './server.ts';

const QUESTION_CHARACTERS_MAX = 1_000;
const CAP_MINUTES_MAX = 240;
const CAPS = [15, 30, 60, 120];
const STEPS = 3;
/** As cm-lsp calls what it shows before sending. */
const PREVIEW_NAME = 'codementor-ask.md';

/** What is asked about: the selection, or the cursor's place, and what is complained about there. */
export interface AskTarget {
  readonly uri: Uri;
  readonly range: Range;
  readonly diagnostics: readonly Diagnostic[];
}

/** A line of `codementor.mentors`, of which this much is used. */
export interface RankedMentor {
  readonly mentor: string;
  readonly name: string;
  readonly text: string;
}

/** Returns when the ask is on its way, or the user decided otherwise. */
export async function ask(server: Server, given: AskTarget | undefined): Promise<void> {
  const target = given ?? targetOfEditor();
  if (target === undefined) {
    void window.showInformationMessage(l10n.t('Open a file and put the cursor on the problem, then ask.'));
    return;
  }
  const starting = server.start();
  starting.catch(() => undefined); // It has been said; the pickers need not wait for it.
  const question = await askQuestion();
  if (question === undefined) return;
  const capMinutes = await askCap();
  if (capMinutes === undefined) return;
  await starting;
  const about = {
    uri: target.uri.toString(),
    range: { start: plain(target.range.start), end: plain(target.range.end) },
  };
  const mentor = await askMentor((await server.execute('mentors', about)) as readonly RankedMentor[]);
  if (mentor === undefined) return;
  try {
    const diagnostics = target.diagnostics.map(reported);
    await server.execute('ask', { ...about, question, capMinutes, mentor, diagnostics });
  } finally {
    await closePreview();
  }
}

/** Once it is answered it has told all; the user is back at their code. */
async function closePreview(): Promise<void> {
  const isPreview = ({ input }: Tab) =>
    input instanceof TabInputText && input.uri.path.endsWith(`/${PREVIEW_NAME}`);
  const tabs = window.tabGroups.all.flatMap((group) => group.tabs.filter(isPreview));
  await window.tabGroups.close(tabs, true);
}

export function targetOfEditor(): AskTarget | undefined {
  const editor = window.activeTextEditor;
  if (editor === undefined) {
    return undefined;
  }
  const { uri } = editor.document;
  const range = editor.selection;
  const here = (found: Diagnostic) => found.range.intersection(range) !== undefined;
  return { uri, range, diagnostics: languages.getDiagnostics(uri).filter(here) };
}

async function askQuestion(): Promise<string | undefined> {
  const text = await window.showInputBox({
    title: `${l10n.t('Ask a mentor')} (1/${STEPS})`,
    prompt: l10n.t('What do you want to know? One sentence helps; Enter alone asks without.'),
    placeHolder: l10n.t('Why does this loop never end?'),
    ignoreFocusOut: true,
    validateInput: (given) =>
      given.length > QUESTION_CHARACTERS_MAX
        ? l10n.t('At most {0} characters; these are {1}.', QUESTION_CHARACTERS_MAX, given.length)
        : undefined,
  });
  return text?.trim();
}

async function askCap(): Promise<number | undefined> {
  const { capMinutes, maxPrice } = settings();
  const caps = [...new Set([capMinutes, ...CAPS])];
  const items: (QuickPickItem & { minutes: number })[] = caps.map((minutes) => ({
    minutes,
    label: l10n.t('At most {0} minutes', minutes),
    description: minutes === capMinutes ? l10n.t('your usual cap') : '',
  }));
  const other = { minutes: 0, label: l10n.t('Another cap…') };
  const price = maxPrice === '' ? '' : l10n.t('Nobody dearer than {0} per 15 minutes is asked. ', maxPrice);
  const chosen = await window.showQuickPick([...items, other], {
    title: `${l10n.t('Ask a mentor')} (2/${STEPS})`,
    placeHolder: `${price}${l10n.t('The first look is free, you say go, and you pay the minutes used.')}`,
    ignoreFocusOut: true,
  });
  return chosen === other ? askMinutes(l10n.t('The cap in minutes'), capMinutes) : chosen?.minutes;
}

/** A whole number of minutes, within what an ask may have. */
export async function askMinutes(prompt: string, usual: number): Promise<number | undefined> {
  const text = await window.showInputBox({
    prompt,
    value: String(usual),
    ignoreFocusOut: true,
    validateInput: (given) => {
      const minutes = Number(given);
      const fits = Number.isInteger(minutes) && minutes >= 1 && minutes <= CAP_MINUTES_MAX;
      return fits ? undefined : l10n.t('A whole number 1 to {0}', CAP_MINUTES_MAX);
    },
  });
  return text === undefined ? undefined : Number(text);
}

async function askMentor(mentors: readonly RankedMentor[]): Promise<string | undefined> {
  const fastest = {
    mentor: 'fastest',
    label: `$(zap) ${l10n.t('Whoever is there first')}`,
    detail:
      mentors.length > 0
        ? l10n.t('Those who fit best are asked first')
        : l10n.t('Nobody who fits is online now; the ask waits for one'),
  };
  const named = mentors.map(({ mentor, name, text }) => ({
    mentor,
    label: `$(mortar-board) ${harmless.label(name)}`,
    detail: harmless.label(text.startsWith(`${name} · `) ? text.slice(name.length + 3) : text),
  }));
  const chosen = await window.showQuickPick([fastest, ...named], {
    title: `${l10n.t('Ask a mentor')} (3/${STEPS})`,
    placeHolder: l10n.t('Whom? Before anything is sent, you see all of it.'),
    matchOnDetail: true,
    ignoreFocusOut: true,
  });
  return chosen?.mentor;
}
