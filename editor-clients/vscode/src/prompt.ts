// Answers `codementor/prompt`: a line of text from the user, or none.

import { window } from 'vscode';
import * as harmless from './harmless.ts';
import type * as ext from './lspExt.ts';

export async function prompt({ title, placeholder }: ext.Prompt): Promise<ext.Prompted> {
  const text = await window.showInputBox({
    prompt: harmless.label(harmless.message(title)),
    placeHolder: placeholder,
    ignoreFocusOut: true,
  });
  return { text: text ?? null };
}
