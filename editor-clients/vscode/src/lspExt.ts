// What cm-lsp and this extension say to each other beyond LSP. Mirrors cm_lsp/lsp_ext.py (names, members, optional
// ones) and the command names of cm_lsp/commands.py; a test holds the two to each other. What each message means is
// written there.

export interface Position {
  readonly line: number;
  readonly character: number;
}

export interface Range {
  readonly start: Position;
  readonly end: Position;
}

export interface TextEdit {
  readonly range: Range;
  readonly newText: string;
}

export interface TextDocument {
  readonly uri: string;
  readonly version?: number;
}

export interface Capabilities {
  readonly cursors: boolean;
  readonly meter: boolean;
  readonly offers: boolean;
  readonly sharedBuffers: boolean;
  readonly chat: boolean;
  readonly prompt: boolean;
  readonly rebase: boolean;
  readonly lookUp: boolean;
}

/** `initializationOptions.codementor`. The token is never among them: it comes from the environment or signing in. */
export interface ClientOptions {
  readonly serverUrl?: string;
  readonly token?: string;
  readonly capabilities: Capabilities;
  readonly surroundingLines?: number;
  readonly capMinutes?: number;
  readonly maxPrice?: string;
  readonly spokenLanguages?: readonly string[];
}

export type Role = 'learner' | 'mentor';
export type Mode = 'live' | 'propose' | 'readOnly';
export type SessionState = 'triage' | 'live' | 'paused' | 'ended' | 'closed';
export type MeterState = 'triage' | 'running' | 'paused' | 'ended';
export type ConnectionState = 'connecting' | 'connected' | 'offline' | 'signedOut' | 'refused';
export type SyncState = 'inSync' | 'sending' | 'waitingForEditor' | 'refused' | 'offline' | 'closed';

export interface Person {
  readonly participant: string;
  readonly name: string;
  readonly role: Role;
  readonly colour: string;
  readonly connected: boolean;
}

export interface SharedFile {
  readonly uri: string;
  readonly path: string;
  readonly languageId: string;
  readonly readOnly: boolean;
}

export interface Session {
  readonly sessionId: string;
  readonly state: SessionState;
  readonly you: Role;
  readonly me: Person;
  readonly partner: Person;
  readonly mode: Mode;
  readonly files: readonly SharedFile[];
  readonly capMinutes: number;
  readonly priceText: string;
  readonly question: string;
  readonly diagnosis: string;
  readonly estimateMinutes: number | null;
  readonly endedWhy: string;
  readonly rated: boolean;
  readonly can: readonly string[];
  readonly text: string;
  readonly lookUps: boolean;
}

export interface Status {
  readonly connection: ConnectionState;
  readonly name: string;
  readonly isMentor: boolean;
  readonly online: boolean;
  readonly text: string;
}

export interface Meter {
  readonly sessionId: string;
  readonly state: MeterState;
  readonly countedSeconds: number;
  readonly billedSeconds: number;
  readonly amount: number;
  readonly currency: string;
  readonly capAmount: number;
  readonly capSeconds: number;
  readonly pausedWhy: string;
  readonly warned: boolean;
  readonly text: string;
}

export interface RemoteCursor {
  readonly participant: string;
  readonly name: string;
  readonly colour: string;
  readonly position: Position;
  readonly selection?: Range | null;
}

export interface Cursors {
  readonly uri: string;
  readonly cursors: readonly RemoteCursor[];
}

export interface Point {
  readonly uri: string;
  readonly range: Range;
  readonly participant: string;
  readonly name: string;
  readonly colour: string;
  readonly note: string;
}

export interface OfferDiagnostic {
  readonly message: string;
  readonly line: number;
  readonly severity: string;
  readonly source: string;
  readonly code: string;
}

export interface Offer {
  readonly offerId: string;
  readonly state: 'open' | 'ended';
  readonly why: string;
  readonly learner: string;
  readonly question: string;
  readonly path: string;
  readonly languageId: string;
  readonly excerpt: string;
  readonly firstLine: number;
  readonly diagnostics: readonly OfferDiagnostic[];
  readonly priceText: string;
  readonly earnsText: string;
  readonly capMinutes: number;
  readonly answerWithinMs: number;
  readonly text: string;
}

export interface Chat {
  readonly sessionId: string;
  readonly number: number;
  readonly participant: string;
  readonly name: string;
  readonly mine: boolean;
  readonly text: string;
  readonly at: string;
}

export interface Sync {
  readonly uri: string;
  readonly state: SyncState;
  readonly roundTripMs?: number | null;
}

export interface ApplyEdit {
  readonly uri: string;
  readonly version: number;
  readonly edits: readonly TextEdit[];
}

export interface EditApplied {
  readonly applied: boolean;
  readonly version?: number;
}

export interface ReadDocument {
  readonly uri: string;
}

export interface DocumentText {
  readonly text: string;
  readonly version: number;
  readonly languageId: string;
}

export interface Prompt {
  readonly title: string;
  readonly placeholder: string;
}

export interface Prompted {
  readonly text: string | null;
}

export interface LookUp {
  readonly uri: string;
  readonly position: Position;
  readonly kind: 'hover' | 'definition';
}

export interface Location {
  readonly uri: string;
  readonly range: Range;
}

export interface LookedUp {
  readonly texts: readonly string[];
  readonly places: readonly Location[];
}

export interface Cursor {
  readonly textDocument: TextDocument;
  readonly selections: readonly Range[];
  readonly reversed: boolean;
}

export interface ReportedDiagnostic {
  readonly range: Range;
  readonly message: string;
  readonly severity: number;
  readonly source: string;
  readonly code: string | number;
}

export interface Diagnostics {
  readonly uri: string;
  readonly diagnostics: readonly ReportedDiagnostic[];
}

export interface OpenShared {
  readonly uri: string;
}

export interface SharedText {
  readonly text: string;
  readonly languageId: string;
  readonly readOnly: boolean;
}

/** What cm-lsp tells us, and with what. */
export interface Notifications {
  'codementor/session': Session;
  'codementor/status': Status;
  'codementor/meter': Meter;
  'codementor/cursors': Cursors;
  'codementor/point': Point;
  'codementor/offer': Offer;
  'codementor/chat': Chat;
  'codementor/sync': Sync;
}

/** What cm-lsp asks us, and what we answer. */
export interface Questions {
  'codementor/applyEdit': { readonly asked: ApplyEdit; readonly answered: EditApplied };
  'codementor/readDocument': { readonly asked: ReadDocument; readonly answered: DocumentText | null };
  'codementor/prompt': { readonly asked: Prompt; readonly answered: Prompted };
  'codementor/lookUp': { readonly asked: LookUp; readonly answered: LookedUp };
}

/** What we tell cm-lsp. */
export interface Reports {
  'codementor/cursor': Cursor;
  'codementor/diagnostics': Diagnostics;
}

/** What we ask cm-lsp, beside commands. */
export interface Requests {
  'codementor/openShared': { readonly asked: OpenShared; readonly answered: SharedText | null };
}

/** The commands of cm-lsp, without their common prefix. */
export const COMMANDS = [
  'ask',
  'cancelAsk',
  'keepAsk',
  'raiseLimit',
  'mentors',
  'goOnline',
  'goOffline',
  'accept',
  'decline',
  'diagnose',
  'startMeter',
  'pause',
  'resume',
  'extend',
  'share',
  'unshare',
  'mode',
  'lookUps',
  'undoMentor',
  'undo',
  'redo',
  'point',
  'chat',
  'follow',
  'end',
  'rate',
  'refund',
  'receipt',
  'patch',
  'note',
  'acceptProposal',
  'refuseProposal',
  'showProposals',
  'card',
  'payouts',
  'signIn',
  'signOut',
  'status',
] as const;

export type Command = (typeof COMMANDS)[number];

export const CLAIMED: Capabilities = {
  cursors: true,
  meter: true,
  offers: true,
  sharedBuffers: true,
  chat: true,
  prompt: true,
  rebase: true,
  lookUp: true,
};

export const SHARED_SCHEME = 'codementor';
