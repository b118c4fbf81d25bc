/** The file inside `.git` that says a clone is ours. */
export const cloneMarker = 'keruta-clone.json';

/** What a clone never shows as a change: the artifacts directory lies there. */
export const excludedPatterns: readonly string[] = ['/.keruta/'];

/** Who is named in commits that keep a person's uncommitted work. */
export const keeperIdentity = { name: 'keruta', email: 'keruta@localhost' };

/**
 * Refs that a task leaves in the clone.
 * @param what `start`: what was fetched for it; `before`: the work tree as it was found; `branch`: local commits of the
 * branch that was replaced; `after`: the commit that was made of its work; `undone`: below it, the work tree when it was undone
 */
export function taskRef(taskId: string, what: 'start' | 'before' | 'branch' | 'after' | 'undone'): string {
  // ids that others make up may hold anything
  return `refs/keruta/${taskId.replace(/[^A-Za-z0-9_-]/g, '-')}/${what}`;
}

/** The message of a commit that keeps uncommitted work; its parent is where HEAD stood. */
export function keptMessage(taskId: string): string {
  return `The work tree before task ${taskId}\n`;
}

/** Whether a commit keeps uncommitted work, by its message. */
export function isKeptMessage(message: string): boolean {
  return message.startsWith('The work tree before task ');
}

/** The trailer of commits that are made for a task; its value is the task's id. */
export const taskTrailer = 'Keruta-Task';
