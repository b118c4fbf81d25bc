/** Which files a watch is about. */

/** Left out everywhere: what tools make, not people. */
export const alwaysIgnored = ['.git', 'node_modules', '.keruta', 'dist'] as const;

/** Makes a question from patterns: `*`, `**`, `?`, `{a,b}`. One without a slash counts at any depth. */
export function matcher(patterns: readonly string[]): (relative: string) => boolean {
  const all = patterns.map((pattern) => new RegExp(`^${source(anywhere(pattern))}$`, 'su'));
  return (relative) => all.some((one) => one.test(relative));
}

/** Makes the question whether a file or directory is left out; one that is takes all below it along. */
export function ignorer(patterns: readonly string[]): (relative: string) => boolean {
  const matches = matcher(patterns.map((pattern) => pattern.replace(/\/(\*\*)?$/, '')));
  const known: readonly string[] = alwaysIgnored;
  return (relative) => {
    const names = relative.split('/');
    return names.some((name, index) => known.includes(name) || matches(names.slice(0, index + 1).join('/')));
  };
}

const anywhere = (pattern: string) => (pattern.includes('/') ? pattern.replace(/^\//, '') : `**/${pattern}`);

function source(pattern: string): string {
  let depth = 0;
  const parts = pattern.match(/\*\*\/|\*\*|[\s\S]/gu) ?? [];
  const text = parts.map((part) => {
    if (part === '**/') return '(?:[^/]+/)*';
    if (part === '**') return '.*';
    if (part === '*') return '[^/]*';
    if (part === '?') return '[^/]';
    if (part === '{') {
      depth++;
      return '(?:';
    }
    if (part === '}' && depth > 0) {
      depth--;
      return ')';
    }
    if (part === ',' && depth > 0) return '|';
    return part.replace(/[\\^$.|+()[\]{}/]/g, '\\$&');
  });
  return text.join('') + ')'.repeat(depth);
}
