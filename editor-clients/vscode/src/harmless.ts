// Text of the other person, made harmless for the place where it is drawn. One function per place; pure.
//
// cm-lsp has already made what cannot be seen visible and kept names to one line. What is left is what VS Code itself
// reads into a text: links in messages, icons in labels, Markdown in hovers, CSS in decorations.

const COLOUR = /^#[0-9a-f]{6}$/i;
const NO_COLOUR = '#7c3aed';

/** For a notification, whose text may hold `[label](command:…)`: no link can come of it. */
export function message(text: string): string {
  return text.replaceAll(/\]\s*\(/g, '] (').replaceAll(/\bcommand:/gi, 'command :');
}

/** For labels of pickers, trees and the status bar, which show `$(name)` as an icon. */
export function label(text: string): string {
  return text.replaceAll('$(', '$\u200b(').replaceAll(/\s*\n\s*/g, ' ');
}

/** A colour that goes into style sheets: exactly `#rrggbb`, or ours. */
export function colour(given: string): string {
  return COLOUR.test(given) ? given.toLowerCase() : NO_COLOUR;
}

/** Black or white, whichever reads better on a colour (WCAG relative luminance). */
export function inkOn(background: string): '#000000' | '#ffffff' {
  const channels = [1, 3, 5].map((at) => parseInt(colour(background).slice(at, at + 2), 16) / 255);
  const [red = 0, green = 0, blue = 0] = channels.map((value) =>
    value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4,
  );
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue > 0.179 ? '#000000' : '#ffffff';
}

/** Cut to a length, with a sign that it was. */
export function shortened(text: string, charactersMax: number): string {
  const characters = Array.from(text);
  return characters.length <= charactersMax ? text : characters.slice(0, charactersMax - 1).join('') + '…';
}
