/** Words before a command, so that it begins with limits. */
import { join } from 'node:path';

/**
 * Enters the groups, sets how many files each process may hold open, and becomes the command: the same process, so its end is exact.
 * The status 125 says that it could not be done.
 */
const enterScript =
  '[ "$1" = - ] || ulimit -n "$1" || exit 125; shift; while [ "$1" != -- ]; do echo 0 >"$1" || exit 125; shift; done; shift; exec "$@"';

/**
 * The words that stand before program and arguments; none when there is nothing to do.
 * @param wish.groups  directories of control groups
 * @param wish.maxFiles  open files of each process; null = as many as before
 */
export function enterWords(wish: {
  readonly groups: readonly string[];
  readonly maxFiles: number | null;
}): readonly string[] {
  const { groups, maxFiles } = wish;
  if (groups.length === 0 && maxFiles === null) return [];
  const files = groups.map((directory) => join(directory, 'cgroup.procs'));
  return ['/bin/sh', '-c', enterScript, 'enter', String(maxFiles ?? '-'), ...files, '--'];
}
