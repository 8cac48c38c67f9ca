// Wires the parts together. Activation registers what can be taken, and starts nothing: cm-lsp, and the library that
// talks to it, come with the first command, the first shared file, or a session that was live when the window closed.

import { type ExtensionContext, workspace } from 'vscode';
import { ChatPanel } from './chatPanel.ts';
import { CodeActions } from './codeActions.ts';
import * as commands from './commands.ts';
import { TOLD_AT_START } from './config.ts';
import type { Asked, Connect, Told } from './connection.ts';
import { Documents } from './documents.ts';
import { Following } from './following.ts';
import { Hunks } from './hunks.ts';
import { Log } from './log.ts';
import { Milestones } from './milestones.ts';
import { MeterStatus } from './meterStatus.ts';
import { Offers } from './offers.ts';
import { OwnCursor } from './ownCursor.ts';
import { PeerCursors } from './peerCursors.ts';
import { lookUp } from './lookUp.ts';
import { prompt } from './prompt.ts';
import { Server } from './server.ts';
import { SessionTree } from './sessionTree.ts';
import { SharedFiles } from './sharedFiles.ts';
import { State } from './state.ts';
import { Texts } from './texts.ts';

const LIVE_SESSION = 'codementor.liveSession';

export function activate(context: ExtensionContext): void {
  const log = new Log();
  const state = new State();
  const texts = new Texts();
  const offers = new Offers(state, texts);
  const cursors = new PeerCursors();
  const following = new Following(state);
  const meterStatus = new MeterStatus(state);
  const documents = new Documents((uri) => state.sharedFile(uri)?.readOnly ?? false);
  const forget = () => {
    offers.clear();
    cursors.clear();
    following.set(undefined);
    state.forget();
  };
  const milestones = new Milestones(state);
  const server: Server = new Server({
    context,
    log,
    connect: loadingClient(log),
    told: (): Told => toldBy({ state, offers, cursors, following, meterStatus, chat, milestones }),
    asked: askedOf(documents),
    isShared: (uri) => state.sharedFile(uri) !== undefined,
    begins: () => undefined,
    ends: forget,
  });
  const chat = new ChatPanel(server, context.extensionUri);
  context.subscriptions.push(
    ...commands.register({ context, log, server, state, offers, cursors, following, texts }),
    ...[server, log, state, texts, offers, cursors, following, meterStatus, documents, chat],
    ...[
      new CodeActions(),
      new SessionTree(state),
      new Hunks(state),
      new SharedFiles(server, state),
      new OwnCursor(server, state),
    ],
    state.onDidChange(() => {
      rememberSession(context, state);
    }),
    workspace.onDidChangeConfiguration((event) => {
      const concerns = TOLD_AT_START.some((name) => event.affectsConfiguration(name));
      if (concerns && server.connection !== undefined) void server.restart().catch(() => undefined);
    }),
  );
  if (context.workspaceState.get(LIVE_SESSION) !== undefined) {
    void server.start().catch(() => undefined);
  }
}

interface Drawers {
  readonly state: State;
  readonly offers: Offers;
  readonly cursors: PeerCursors;
  readonly following: Following;
  readonly meterStatus: MeterStatus;
  readonly chat: ChatPanel;
  readonly milestones: Milestones;
}

function toldBy({ state, offers, cursors, following, meterStatus, chat, milestones }: Drawers): Told {
  return {
    'codementor/session': (session) => {
      const before = state.session;
      state.session = session;
      state.changed();
      milestones.passed(before, session);
      if (state.life !== 'live') {
        cursors.clear();
        following.set(undefined);
      }
    },
    'codementor/status': (status) => {
      state.status = status;
      state.changed();
    },
    'codementor/meter': (meter) => {
      state.meter = meter;
      state.changed();
      meterStatus.warnOnce(meter);
    },
    'codementor/sync': (sync) => {
      state.sync.set(sync.uri, sync);
      state.changed();
    },
    'codementor/cursors': (told) => {
      cursors.moved(told);
      following.moved(told);
    },
    'codementor/point': (point) => {
      cursors.pointed(point);
      milestones.pointed(point);
    },
    'codementor/offer': (offer) => {
      offers.changed(offer);
    },
    'codementor/chat': (line) => {
      chat.said(line);
    },
  };
}

function askedOf(documents: Documents): Asked {
  return {
    'codementor/applyEdit': (edit) => documents.apply(edit),
    'codementor/readDocument': (asked) => Promise.resolve(documents.read(asked)),
    'codementor/prompt': (asked) => prompt(asked),
    'codementor/lookUp': (asked) => lookUp(asked),
  };
}

/** The library is a file of its own, read when it is first needed. */
function loadingClient(log: Log): Connect {
  return async (beginning) => {
    const library = await import('./languageClient.ts');
    return library.connect(beginning, log);
  };
}

/** A window that closes in mid-session comes back into it. */
function rememberSession(context: ExtensionContext, state: State): void {
  const live = state.life === 'live' ? state.session?.sessionId : undefined;
  const isKnown = state.session !== undefined;
  if (isKnown && context.workspaceState.get(LIVE_SESSION) !== live) {
    void context.workspaceState.update(LIVE_SESSION, live);
  }
}
