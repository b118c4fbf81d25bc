/** Which paths below a directory are left out. Pure. */
import { pathMatcher } from '../../pkg/glob/path-matcher.ts';

/** Left out everywhere: what tools make, not people. */
const alwaysIgnored = ['.git', 'node_modules', '.keruta', 'dist'];

/** Makes the question whether a file or directory is left out; one that is takes all below it along. */
export function pathIgnorer(patterns: readonly string[]): (relative: string) => boolean {
  const matches = pathMatcher(patterns.map((pattern) => pattern.replace(/\/(\*\*)?$/, '')));
  return (relative) => {
    const names = relative.split('/');
    return names.some(
      (name, index) => alwaysIgnored.includes(name) || matches(names.slice(0, index + 1).join('/')),
    );
  };
}
