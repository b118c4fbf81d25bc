import type { Finding } from './judge.ts';

/** Most findings that are named one by one. */
const maxNamed = 10;

/**
 * Says why a commit is held back, and what to do; for people. Holds no secret, as findings hold none.
 * @param findings  of `checkIndex`; at least one
 */
export function sayFindings(findings: readonly Finding[]): string {
  const named = findings.slice(0, maxNamed).map(({ file, detail }) => `${shown(file)}: ${detail}`);
  const more = findings.length - named.length;
  const list = [...named, ...(more > 0 ? [`${more} more`] : [])].join('; ');
  return `Nothing was committed: ${list}. Take these out of the change, or commit it by hand.`;
}

/** A path as one word of a line, whatever it is made of. */
function shown(path: string): string {
  if (/^[\p{L}\p{N}\p{P}\p{S}]+$/u.test(path) && !/["\\]/.test(path)) return path;
  const code = (letter: string) => `\\u{${(letter.codePointAt(0) ?? 0).toString(16)}}`;
  return JSON.stringify(path).replace(/(?! )[\p{C}\p{Z}]/gu, code);
}
