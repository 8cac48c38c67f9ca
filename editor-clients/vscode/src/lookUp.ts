// Answers `codementor/lookUp`: what VS Code's other extensions say of a place, for a mentor whom the learner lets ask.
// Nothing is shown and nothing moves. cm-lsp itself is among those asked; at the learner's it has nothing to say.

import {
  commands,
  type Hover,
  type Location,
  type LocationLink,
  type MarkdownString,
  Position,
  Uri,
} from 'vscode';
import type * as ext from './lspExt.ts';
import { plain } from './ownCursor.ts';

const PATIENCE_MS = 1_500;

export async function lookUp(asked: ext.LookUp): Promise<ext.LookedUp> {
  const found = asked.kind === 'hover' ? hovers(asked) : definitions(asked);
  return (await Promise.race([found, nothingInTime()])) ?? { texts: [], places: [] };
}

async function hovers(asked: ext.LookUp): Promise<ext.LookedUp> {
  const found = await provided<Hover>('vscode.executeHoverProvider', asked);
  const texts = found.map((hover) => hover.contents.map(markdownOf).join('\n\n'));
  return { texts: texts.filter((text) => text.trim() !== ''), places: [] };
}

async function definitions(asked: ext.LookUp): Promise<ext.LookedUp> {
  const found = await provided<Location | LocationLink>('vscode.executeDefinitionProvider', asked);
  return { texts: [], places: found.map(placeOf) };
}

async function provided<T>(command: string, { uri, position }: ext.LookUp): Promise<readonly T[]> {
  const place = new Position(position.line, position.character);
  return (await commands.executeCommand<readonly T[] | undefined>(command, Uri.parse(uri), place)) ?? [];
}

/** VS Code makes Markdown of every form an extension may answer in. */
function markdownOf(content: Hover['contents'][number]): string {
  return typeof content === 'string' ? content : (content as MarkdownString).value;
}

function placeOf(found: Location | LocationLink): ext.Location {
  const [uri, range] =
    'targetUri' in found
      ? [found.targetUri, found.targetSelectionRange ?? found.targetRange]
      : [found.uri, found.range];
  return { uri: uri.toString(), range: { start: plain(range.start), end: plain(range.end) } };
}

function nothingInTime(): Promise<undefined> {
  return new Promise((resolve) => {
    setTimeout(resolve, PATIENCE_MS, undefined);
  });
}
