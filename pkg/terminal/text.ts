/** Text as a terminal shows it. */

/**
 * Makes control characters visible, so that text from elsewhere can neither break a line nor steer the terminal:
 * ESC, CR, LF, TAB, the C1 controls and the marks that turn the direction of writing become `\x1b`, `\n`, `\u202e`.
 */
export function visible(text: string): string {
  return text.replace(
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what it is about
    /[\u0000-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g,
    (character) => named[character] ?? escaped(character),
  );
}

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escaped(character: string): string {
  const code = character.charCodeAt(0);
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}

/** Ranges of code points that take two columns: East Asian wide and full-width forms, and emoji. */
const wideRanges: readonly (readonly [number, number])[] = [
  [0x1100, 0x115f],
  [0x2e80, 0x303e],
  [0x3041, 0x33ff],
  [0x3400, 0x4dbf],
  [0x4e00, 0x9fff],
  [0xa000, 0xa4cf],
  [0xac00, 0xd7a3],
  [0xf900, 0xfaff],
  [0xfe30, 0xfe4f],
  [0xff00, 0xff60],
  [0xffe0, 0xffe6],
  [0x1f300, 0x1faff],
  [0x20000, 0x3fffd],
];

/** How many columns a text takes; escape sequences of colours take none. */
export function widthOf(text: string): number {
  let width = 0;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: colours begin with ESC
  for (const character of text.replace(/\x1b\[[0-9;]*m/g, '')) {
    const code = character.codePointAt(0) ?? 0;
    if (/^\p{M}$/u.test(character) || code === 0x200d) continue;
    width += wideRanges.some(([first, last]) => code >= first && code <= last) ? 2 : 1;
  }
  return width;
}

/** Cuts a plain text (without colours) to a width; what is left out is marked by `…`. */
export function cutTo(text: string, width: number): string {
  if (widthOf(text) <= width) return text;
  let kept = '';
  let used = 0;
  for (const character of text) {
    const next = widthOf(character);
    if (used + next > width - 1) break;
    kept += character;
    used += next;
  }
  return `${kept}…`;
}
