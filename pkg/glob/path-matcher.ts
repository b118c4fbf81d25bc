/** Which relative paths patterns mean. Pure. */
import { matchesGlob } from './glob.ts';

/** Most patterns that one stands for, by its braces. */
const maxAlternatives = 100;
const maxDoublings = 6;

/**
 * Makes a question from patterns: `*`, `**`, `?`, `{a,b}`. One without a slash counts at any depth; one that begins with a
 * slash counts from the top. Takes time with the product of both lengths at most.
 */
export function pathMatcher(patterns: readonly string[]): (relative: string) => boolean {
  const all = [
    ...new Set(
      patterns
        .map(anywhere)
        .flatMap(alternatives)
        .flatMap((one) => withoutDirectories(one)),
    ),
  ];
  return (relative) => all.some((one) => matchesGlob(one, relative));
}

/** Writes out the innermost braces, then those of what comes of it. A brace without its partner is itself. */
function alternatives(pattern: string): string[] {
  let done = [pattern];
  for (;;) {
    const next = done.flatMap((one) => {
      const [whole, before = '', inner = '', after = ''] = /^(.*?)\{([^{}]*)\}(.*)$/s.exec(one) ?? [];
      return whole === undefined ? [one] : inner.split(',').map((part) => `${before}${part}${after}`);
    });
    if (next.length > maxAlternatives || next.every((one, at) => one === done[at])) return done;
    done = next;
  }
}

const anywhere = (pattern: string) => (pattern.includes('/') ? pattern.replace(/^\//, '') : `**/${pattern}`);

/** `**` before a slash is also no directory at all; of many in one pattern the first so many, as each doubles the work. */
function withoutDirectories(pattern: string, left = maxDoublings): string[] {
  const at = pattern.search(/(?<=^|\/)\*\*\//);
  if (at === -1 || left === 0) return [pattern];
  const [before, after] = [pattern.slice(0, at), pattern.slice(at).replace(/^(\*\*\/)+/, '')];
  return withoutDirectories(after, left - 1).flatMap((rest) => [`${before}${rest}`, `${before}**/${rest}`]);
}
