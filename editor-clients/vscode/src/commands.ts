// Every command of the manifest, and what it runs. The session's own are in `sessionCommands.ts`.

import { commands, type Disposable, type ExtensionContext } from 'vscode';
import { ask, type AskTarget } from './askFlow.ts';
import { ignoreNotDone } from './chatPanel.ts';
import { doctor } from './doctor.ts';
import type { Following } from './following.ts';
import type { Log } from './log.ts';
import type { Command } from './lspExt.ts';
import type { Offers } from './offers.ts';
import type { PeerCursors } from './peerCursors.ts';
import type { Server } from './server.ts';
import * as session from './sessionCommands.ts';
import type { State } from './state.ts';
import type { Texts } from './texts.ts';

export interface Parts {
  readonly context: ExtensionContext;
  readonly log: Log;
  readonly server: Server;
  readonly state: State;
  readonly offers: Offers;
  readonly cursors: PeerCursors;
  readonly following: Following;
  readonly texts: Texts;
}

type Run = (argument: unknown) => Promise<unknown>;

/** Those that need nothing but the session they are about. */
const PLAIN: readonly Command[] = [
  'goOnline',
  'goOffline',
  'cancelAsk',
  'keepAsk',
  'raiseLimit',
  'startMeter',
  'pause',
  'resume',
  'undoMentor',
  'card',
  'payouts',
  'status',
];

/** Those that are also about a session that is over, which has to be named. */
const ABOUT_SESSION: readonly Command[] = ['receipt', 'patch', 'note'];

export function register(parts: Parts): Disposable[] {
  return Object.entries(all(parts)).map(([name, run]) =>
    commands.registerCommand(`codementor.${name}`, (argument: unknown) => run(argument).catch(ignoreNotDone)),
  );
}

function all(parts: Parts): Record<string, Run> {
  const { server, state } = parts;
  const plain = PLAIN.map((name): [string, Run] => [name, () => server.execute(name)]);
  const about = ABOUT_SESSION.map((name): [string, Run] => [
    name,
    () => server.execute(name, { sessionId: state.session?.sessionId }),
  ]);
  return { ...Object.fromEntries([...plain, ...about]), ...ofSession(parts), ...ofEditor(parts) };
}

function ofSession({ server, state, following, cursors }: Parts): Record<string, Run> {
  return {
    diagnose: () => session.diagnose(server),
    extend: () => session.extend(server),
    mode: () => session.chooseMode(server, state),
    lookUps: () => session.chooseLookUps(server, state),
    point: () => session.point(server),
    comeHere: () => session.comeHere(server),
    follow: () => session.follow(server, state, following, cursors),
    unfollow: () => session.unfollow(server, following),
    undoAllOfMentor: () => session.undoAll(server),
    acceptProposal: (given) => session.settle(server, 'acceptProposal', given),
    refuseProposal: (given) => session.settle(server, 'refuseProposal', given),
    showProposals: (given) => session.settle(server, 'showProposals', given),
    share: () => session.ofFile(server, 'share'),
    unshare: () => session.ofFile(server, 'unshare'),
    undo: () => session.ofFile(server, 'undo'),
    redo: () => session.ofFile(server, 'redo'),
    chat: () => session.say(server),
    end: () => session.end(server),
    rate: () => session.rate(server, state),
    refund: () => session.refund(server, state),
    copyPatch: () => session.copyPatch(server, state),
    applyPatch: () => session.putPatchIn(server, state),
  };
}

function ofEditor({ context, log, server, state, offers, texts }: Parts): Record<string, Run> {
  const extension = context.extension.packageJSON as Manifest;
  const answer = (command: 'accept' | 'decline') => async (given: unknown) => {
    const offerId = typeof given === 'string' ? given : offers.soonest()?.offerId;
    return offerId === undefined ? undefined : server.execute(command, { offerId });
  };
  return {
    ask: (given) => ask(server, isTarget(given) ? given : undefined),
    mentors: () => ask(server, undefined),
    accept: answer('accept'),
    decline: answer('decline'),
    previewOffer: () => offers.preview(),
    menu: () => session.menu(state, titlesOf(extension)),
    signIn: () => session.signIn(server),
    signOut: () => session.signOut(server),
    doctor: () => doctor(server, state, texts, extension.version),
    restartServer: () => server.restart(),
    showLog: () => {
      log.show();
      return Promise.resolve();
    },
  };
}

interface Manifest {
  readonly version: string;
  readonly contributes: {
    readonly commands: readonly { readonly command: string; readonly title: string }[];
  };
}

/** VS Code has put the manifest's own texts into the user's language. */
function titlesOf({ contributes }: Manifest): ReadonlyMap<string, string> {
  return new Map(contributes.commands.map(({ command, title }) => [command, title]));
}

/** Menus hand over an address; only our own code action hands over a target. */
function isTarget(given: unknown): given is AskTarget {
  return (
    typeof given === 'object' &&
    given !== null &&
    'uri' in given &&
    'range' in given &&
    'diagnostics' in given
  );
}
