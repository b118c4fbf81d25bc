/** The file inside `.git` that says a clone is ours. */
export const cloneMarker = 'keruta-clone.json';

/** What a clone never shows as a change: the artifacts directory lies there. */
export const excludedPatterns: readonly string[] = ['/.keruta/'];

/** Who is named in commits that keep a person's uncommitted work. */
export const keeperIdentity = { name: 'keruta', email: 'keruta@localhost' };

/**
 * Refs that a task leaves in the clone.
 * @param what `start`: what was fetched for it; `before`: the work tree as it was found; `branch`: local commits of the
 * branch that was replaced; `after`: the commit that was made of its work; `left`: below it, what an earlier attempt left;
 * `undone`: below it, the work tree when it was undone
 */
export function taskRef(
  taskId: string,
  what: 'start' | 'before' | 'branch' | 'after' | 'left' | 'undone',
): string {
  return `${taskRefs}${inRef(taskId)}/${what}`;
}

/** Below this are the refs of tasks, one directory each. */
export const taskRefs = 'refs/keruta/';

/** The name of a task in its refs: ids that others make up may hold anything. */
export function inRef(taskId: string): string {
  return taskId.replace(/[^A-Za-z0-9_-]/g, '-');
}

/**
 * What the log of a `before` says: where the work tree stood.
 * @param branch  full name; null = detached
 * @param holdsWork  whether the ref is all that leads to somebody's work
 */
export function foundMessage({
  branch,
  holdsWork,
}: {
  readonly branch: string | null;
  readonly holdsWork: boolean;
}): string {
  return `${holdsWork ? keptWord : 'found'}: ${branch ?? 'detached'}`;
}

const keptWord = 'kept';

/** Reads what {@link foundMessage} made; null when it is something else. */
export function parseFoundMessage(
  message: string,
): { readonly branch: string | null; readonly holdsWork: boolean } | null {
  const [, word, where = ''] = /^(found|kept): (detached|refs\/\S+)$/.exec(message.trim()) ?? [];
  if (word === undefined) return null;
  return { branch: where === 'detached' ? null : where, holdsWork: word === keptWord };
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
