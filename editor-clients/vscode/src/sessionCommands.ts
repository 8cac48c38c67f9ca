// What a session's commands ask the user before they go to cm-lsp: a text, a number, a choice.

import { commands, env, l10n, type QuickPickItem, Range, window } from 'vscode';
import { applyPatch } from './applyPatch.ts';
import { askMinutes } from './askFlow.ts';
import { show } from './following.ts';
import type { Mode } from './lspExt.ts';
import { plain } from './ownCursor.ts';
import type { PeerCursors } from './peerCursors.ts';
import type { Following } from './following.ts';
import type { Server } from './server.ts';
import { modeText } from './sessionTree.ts';
import type { State } from './state.ts';

const EXTEND_MINUTES = 15;
const ESTIMATE_MINUTES = 15;
const TEXT_CHARACTERS_MAX = 500;

export async function diagnose(server: Server): Promise<void> {
  const text = await askText(l10n.t('What is wrong, in one line? The learner decides on this.'), true);
  if (text === undefined) return;
  const minutes = await askMinutes(l10n.t('How many minutes will it take?'), ESTIMATE_MINUTES);
  if (minutes !== undefined) await server.execute('diagnose', { text, minutes });
}

export async function extend(server: Server): Promise<void> {
  const minutes = await askMinutes(l10n.t('Raise the cap by how many minutes?'), EXTEND_MINUTES);
  if (minutes !== undefined) await server.execute('extend', { minutes });
}

export async function chooseMode(server: Server, state: State): Promise<void> {
  const modes: readonly Mode[] = ['live', 'propose', 'readOnly'];
  const icons = { live: 'edit', propose: 'eye', readOnly: 'lock' };
  const items = modes.map((mode) => ({
    mode,
    label: `$(${icons[mode]}) ${l10n.t('The mentor may {0}', modeText(mode))}`,
    description: mode === state.session?.mode ? l10n.t('now') : '',
  }));
  const placeHolder = l10n.t('You can change this at any moment. Nothing is ever saved by us.');
  const chosen = await window.showQuickPick(items, { placeHolder });
  if (chosen !== undefined) await server.execute('mode', { mode: chosen.mode });
}

export async function chooseLookUps(server: Server, state: State): Promise<void> {
  const items = [false, true].map((allow) => ({
    allow,
    label: allow
      ? l10n.t('The mentor may ask my other extensions: hovers, definitions')
      : l10n.t('The mentor may not ask my other extensions'),
    description: allow === state.session?.lookUps ? l10n.t('now') : '',
  }));
  const placeHolder = l10n.t('About shared files. Answers may name files that are not shared.');
  const chosen = await window.showQuickPick(items, { placeHolder });
  if (chosen !== undefined) await server.execute('lookUps', { allow: chosen.allow });
}

export async function point(server: Server): Promise<void> {
  const note = await askText(l10n.t('A note for the other, or nothing'), false);
  if (note !== undefined) await pointAt(server, note);
}

export async function comeHere(server: Server): Promise<void> {
  await pointAt(server, l10n.t('come here'));
}

async function pointAt(server: Server, note: string): Promise<void> {
  const editor = window.activeTextEditor;
  if (editor === undefined) return;
  const { start, end, isEmpty } = editor.selection;
  const range = isEmpty
    ? (editor.document.getWordRangeAtPosition(start) ?? lineOf(start.line))
    : { start, end };
  await server.execute('point', {
    uri: editor.document.uri.toString(),
    range: { start: plain(range.start), end: plain(range.end) },
    note,
  });
}

function lineOf(line: number): Range {
  return window.activeTextEditor?.document.lineAt(line).range ?? new Range(line, 0, line, 0);
}

export async function follow(
  server: Server,
  state: State,
  following: Following,
  cursors: PeerCursors,
): Promise<void> {
  const participant = state.session?.partner.participant;
  if (participant === undefined) return;
  await server.execute('follow', { participant });
  following.set(participant);
  const place = cursors.placeOf(participant);
  if (place !== undefined) await show(place.uri, place.position, false);
}

export async function unfollow(server: Server, following: Following): Promise<void> {
  following.set(undefined);
  await server.execute('follow', { participant: null });
}

export async function undoAll(server: Server): Promise<void> {
  const yes = l10n.t('Take Them Back');
  const text = l10n.t("Take all of the mentor's changes back?");
  if ((await window.showWarningMessage(text, { modal: true }, yes)) === yes) {
    await server.execute('undoMentor', { all: true });
  }
}

export async function end(server: Server): Promise<void> {
  const yes = l10n.t('End the Session');
  const text = l10n.t('End the session? The meter stops at once; the receipt follows.');
  if ((await window.showWarningMessage(text, { modal: true }, yes)) === yes) {
    await server.execute('end', {});
  }
}

export async function rate(server: Server, state: State): Promise<void> {
  const sessionId = state.session?.sessionId;
  const stars = [5, 4, 3, 2, 1].map((count) => ({
    count,
    label: '★'.repeat(count) + '☆'.repeat(5 - count),
    description: starText(count),
  }));
  const chosen = await window.showQuickPick(stars, { placeHolder: l10n.t('How was it?') });
  if (chosen === undefined) return;
  const answers: (QuickPickItem & { solved: boolean | null })[] = [
    { label: l10n.t('Solved'), solved: true },
    { label: l10n.t('Not solved'), solved: false },
    { label: l10n.t('Cannot say'), solved: null },
  ];
  const solved = await window.showQuickPick(answers, { placeHolder: l10n.t('Is the problem solved?') });
  if (solved === undefined) return;
  const comment = await askText(l10n.t('A word to the other, or nothing'), false);
  if (comment === undefined) return;
  await server.execute('rate', { sessionId, stars: chosen.count, solved: solved.solved, comment });
}

function starText(count: number): string {
  const texts = [
    l10n.t('no help'),
    l10n.t('little help'),
    l10n.t('some help'),
    l10n.t('good help'),
    l10n.t('could not be better'),
  ];
  return texts[count - 1] ?? '';
}

export async function refund(server: Server, state: State): Promise<void> {
  const sessionId = state.session?.sessionId;
  const reason = await askText(
    l10n.t('Why did it not help? Sent to the operator with the session’s log.'),
    false,
  );
  if (reason !== undefined) await server.execute('refund', { sessionId, reason });
}

export async function copyPatch(server: Server, state: State): Promise<void> {
  const text = await patchOf(server, state);
  if (text !== undefined) {
    await env.clipboard.writeText(text);
    window.setStatusBarMessage(`$(check) ${l10n.t('The patch is on the clipboard.')}`, 5_000);
  }
}

export async function putPatchIn(server: Server, state: State): Promise<void> {
  const text = await patchOf(server, state);
  if (text !== undefined) await applyPatch(text);
}

async function patchOf(server: Server, state: State): Promise<string | undefined> {
  const shown = await server.execute('patch', { sessionId: state.session?.sessionId });
  const text = typeof shown === 'object' && shown !== null && 'text' in shown ? shown.text : undefined;
  return typeof text === 'string' ? text : undefined;
}

/** Device sign-in is the server's; until a server offers it, a token of its operator does. */
export async function signIn(server: Server): Promise<void> {
  const token = await window.showInputBox({
    title: l10n.t('Sign in to Codementor'),
    prompt: l10n.t('Your token. It is kept where VS Code keeps secrets, never in a file.'),
    password: true,
    ignoreFocusOut: true,
    validateInput: (given) =>
      /^[\x21-\x7e]*$/.test(given.trim()) ? undefined : l10n.t('This is not a token.'),
  });
  if (token !== undefined && token.trim() !== '') {
    await server.keepToken(token.trim());
    await server.restart();
  }
}

export async function signOut(server: Server): Promise<void> {
  await server.keepToken(undefined);
  await server.restart();
}

/** About the file in the editor. `undo` and `redo` take back the user's own changes and leave the other's. */
export async function ofFile(server: Server, command: 'share' | 'unshare' | 'undo' | 'redo'): Promise<void> {
  const uri = window.activeTextEditor?.document.uri.toString();
  if (uri !== undefined) await server.execute(command, { uri });
}

/** `given` by a code action names one proposal; from the palette it is about all of the file in the editor. */
export async function settle(
  server: Server,
  command: 'acceptProposal' | 'refuseProposal' | 'showProposals',
  given: unknown,
): Promise<void> {
  const uri = window.activeTextEditor?.document.uri.toString();
  const named = typeof given === 'object' && given !== null && 'uri' in given ? given : { uri };
  await server.execute(command, named);
}

/** What can be done now, as one list: behind the status bar. */
export async function menu(state: State, titles: ReadonlyMap<string, string>): Promise<void> {
  const items = menuOf(state).flatMap((command) => {
    const label = titles.get(command);
    return label === undefined ? [] : [{ label, command }];
  });
  const placeHolder = state.meter?.text ?? state.session?.text ?? state.status?.text ?? 'Codementor';
  const chosen = await window.showQuickPick(items, { placeHolder });
  if (chosen !== undefined) await commands.executeCommand(chosen.command);
}

function menuOf(state: State): readonly string[] {
  const session = state.session?.can ?? [];
  const idle = [
    'codementor.ask',
    state.status?.online === true ? 'codementor.goOffline' : 'codementor.goOnline',
    ...(state.status?.connection === 'signedOut' ? ['codementor.signIn'] : ['codementor.card']),
    ...(state.status?.isMentor === true ? ['codementor.payouts'] : []),
  ];
  const always = ['codementor.status', 'codementor.doctor'];
  return state.life === 'live' ? [...session, ...always] : [...idle, ...session, ...always];
}

async function askText(prompt: string, isNeeded: boolean): Promise<string | undefined> {
  const text = await window.showInputBox({
    prompt,
    ignoreFocusOut: true,
    validateInput: (given) => {
      if (given.length > TEXT_CHARACTERS_MAX) {
        return l10n.t('At most {0} characters; these are {1}.', TEXT_CHARACTERS_MAX, given.length);
      }
      return isNeeded && given.trim() === '' ? l10n.t('A few words are needed.') : undefined;
    },
  });
  return text?.trim();
}

export async function say(server: Server): Promise<void> {
  const text = await askText(l10n.t('Say something to the other'), true);
  if (text !== undefined) await server.execute('chat', { text });
}
