/** Longest pattern; characters. */
export const maxGlobLength = 200;
/** A longer text matches nothing; characters. */
export const maxGlobTextLength = 4096;

/**
 * Whether a whole text is what a pattern says: `*` is any number of characters but `/`, `**` any number of all, `?` one but
 * `/`; everything else is itself. Takes time with the product of both lengths at most, whatever the pattern.
 */
export function matchesGlob(pattern: string, text: string): boolean {
  if (pattern.length > maxGlobLength || text.length > maxGlobTextLength) return false;
  // reached[n]: what was read of the pattern can be the first n characters of the text
  let reached = new Uint8Array(text.length + 1);
  reached[0] = 1;
  for (let at = 0; at < pattern.length; at++) {
    const sign = pattern[at];
    const isAll = sign === '*' && pattern[at + 1] === '*';
    if (isAll) at++;
    const next = new Uint8Array(text.length + 1);
    if (sign === '*') {
      next[0] = reached[0] ?? 0;
      for (let n = 1; n <= text.length; n++) {
        const mayGrow = isAll || text[n - 1] !== '/';
        next[n] = reached[n] || (mayGrow && next[n - 1]) ? 1 : 0;
      }
    } else {
      for (let n = 1; n <= text.length; n++) {
        const fits = sign === '?' ? text[n - 1] !== '/' : text[n - 1] === sign;
        next[n] = fits && reached[n - 1] ? 1 : 0;
      }
    }
    reached = next;
  }
  return reached[text.length] === 1;
}
