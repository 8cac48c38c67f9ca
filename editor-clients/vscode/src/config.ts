// The user's settings, read when they are needed; what goes to cm-lsp is made here.

import { workspace } from 'vscode';
import { CLAIMED, type ClientOptions } from './lspExt.ts';

export type ShowNames = 'always' | 'whenMoving' | 'never';

export interface Settings {
  readonly serverCommand: readonly string[];
  readonly serverUrl: string;
  readonly surroundingLines: number;
  readonly capMinutes: number;
  readonly maxPrice: string;
  readonly spokenLanguages: readonly string[];
  readonly lightBulb: boolean;
  readonly names: ShowNames;
  readonly keepFirstLine: boolean;
}

/** Those that cm-lsp is told when it starts. */
export const TOLD_AT_START = ['codementor.server', 'codementor.ask', 'codementor.spokenLanguages'] as const;

export function settings(): Settings {
  const all = workspace.getConfiguration('codementor');
  return {
    serverCommand: all.get<string[]>('server.command', []),
    serverUrl: all.get('server.url', ''),
    surroundingLines: all.get('ask.surroundingLines', 30),
    capMinutes: all.get('ask.capMinutes', 30),
    maxPrice: all.get('ask.maxPrice', ''),
    spokenLanguages: all.get<string[]>('spokenLanguages', []),
    lightBulb: all.get('lightBulb', true),
    names: all.get<ShowNames>('cursors.names', 'whenMoving'),
    keepFirstLine: all.get('keepFirstLine', true),
  };
}

export function clientOptions(given: Settings): ClientOptions {
  return {
    capabilities: CLAIMED,
    surroundingLines: given.surroundingLines,
    capMinutes: given.capMinutes,
    spokenLanguages: given.spokenLanguages,
    ...(given.serverUrl === '' ? {} : { serverUrl: given.serverUrl }),
    ...(given.maxPrice === '' ? {} : { maxPrice: given.maxPrice }),
  };
}
