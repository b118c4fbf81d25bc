/** The file inside `.git` that says a clone is ours. */
export const cloneMarker = 'keruta-clone.json';

/** What a clone never shows as a change: the artifacts directory lies there. */
export const excludedPatterns: readonly string[] = ['/.keruta/'];

/** Who is named in commits that keep a person's uncommitted work. */
export const keeperIdentity = { name: 'keruta', email: 'keruta@localhost' };

/**
 * Refs that a task leaves in the clone.
 * @param what `start`: what was fetched for it; `before`: the work tree as it was found; `branch`: local commits of the
 * branch that was replaced
 */
export function taskRef(taskId: string, what: 'start' | 'before' | 'branch'): string {
  return `refs/keruta/${taskId}/${what}`;
}
