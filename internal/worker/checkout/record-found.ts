/** Remembers where a work tree stood when a task came to it, for `keruta undo`. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { Git, GitLimits } from '../../../pkg/git/git.ts';
import {
  createLooseRef,
  hasLooseOrPacked,
  keepsRefsInFiles,
  removeLooseRefs,
} from '../../../pkg/git/loose-ref.ts';
import { resolveCommit } from '../../../pkg/git/work-tree.ts';
import {
  foundMessage,
  inRef,
  keeperIdentity,
  parseFoundMessage,
  taskRef,
  taskRefs,
} from '../../domain/git-names.ts';

/** A work tree, and the task that comes to it. */
export interface FoundCall extends GitLimits {
  readonly directory: string;
  readonly taskId: string;
  /** when it came; epoch ms */
  readonly at: number;
}

/** Where a clean work tree stood. */
export interface FoundState {
  /** an id, of a commit that other refs have too */
  readonly commit: string;
  /** full name; null = detached */
  readonly branch: string | null;
}

/** How many tasks are remembered in one clone at least. More files there than this, and looking for locks takes time. */
const maxTasks = 30;
/** So many more may come before the oldest go: looking for them is not for every task. */
const slack = 10;
/** For how long somebody's work stays, however many tasks came since; ms. */
const workKeptMs = 90 * 24 * 3600 * 1000;

/**
 * Points `refs/keruta/<task>/before` at a commit, and forgets the oldest tasks. The first time counts. Takes about a
 * millisecond where refs are files; one call of git elsewhere. A fault of it is nobody's business: it is not recorded then.
 * @returns whether it was recorded now
 */
export async function recordFound(git: Git, call: FoundCall, state: FoundState): Promise<boolean> {
  const name = taskRef(call.taskId, 'before');
  const { commit } = state;
  const message = foundMessage({ ...state, holdsWork: false });
  const gitDirectory = join(call.directory, '.git');
  try {
    if (!keepsRefsInFiles(gitDirectory)) {
      const args = ['update-ref', '--create-reflog', '-m', message, '--end-of-options', name, commit];
      await git.local({ ...call, args: [...args, '0'.repeat(commit.length)] });
      return true;
    }
    const isNew = createLooseRef({
      ...{ gitDirectory, name, commit, message },
      ...{ identity: keeperIdentity, at: call.at },
    });
    if (isNew) forgetOldest(gitDirectory, call);
    return isNew;
  } catch {
    return false;
  }
}

/** Whether it was recorded before, by an earlier attempt. */
export async function isRecorded(
  git: Git,
  call: Pick<FoundCall, 'directory' | 'taskId' | 'timeoutMs'>,
): Promise<boolean> {
  const name = taskRef(call.taskId, 'before');
  const gitDirectory = join(call.directory, '.git');
  if (keepsRefsInFiles(gitDirectory)) return hasLooseOrPacked({ gitDirectory, name });
  return (await resolveCommit(git, { ...call, name })) !== null;
}

/**
 * Tasks that came to a checkout after one: what they did goes too when that one is undone. As they are named in refs, in the
 * order in which they came; none where refs are no files.
 */
export function recordedAfter(directory: string, taskId: string): readonly string[] {
  const gitDirectory = join(directory, '.git');
  if (!keepsRefsInFiles(gitDirectory)) return [];
  const dated = datedTasks(gitDirectory);
  const from = dated.find(({ name }) => name === inRef(taskId))?.at ?? Number.POSITIVE_INFINITY;
  return dated.filter(({ at }) => at > from).map(({ name }) => name);
}

/** Oldest first. */
function datedTasks(gitDirectory: string): { readonly name: string; readonly at: number }[] {
  const names = readdirSync(join(gitDirectory, taskRefs));
  const dated = names.flatMap((name) => {
    const found = statSync(join(gitDirectory, taskRefs, name, 'before'), { throwIfNoEntry: false });
    return found === undefined ? [] : [{ name, at: found.mtimeMs }];
  });
  return dated.sort((one, other) => one.at - other.at);
}

function forgetOldest(gitDirectory: string, { taskId, at }: FoundCall): void {
  if (readdirSync(join(gitDirectory, taskRefs)).length <= maxTasks + slack) return;
  const dated = datedTasks(gitDirectory).reverse();
  for (const old of dated.slice(maxTasks)) {
    if (old.name === inRef(taskId)) continue;
    if (!holdsWork(gitDirectory, old.name) || at - old.at > workKeptMs)
      removeLooseRefs(gitDirectory, `${taskRefs}${old.name}`);
  }
}

/** Whether there is more than where a clean tree stood: what older versions left without a log counts as that. */
function holdsWork(gitDirectory: string, task: string): boolean {
  const refs = readdirSync(join(gitDirectory, taskRefs, task));
  if (refs.some((name) => !['before', 'start'].includes(name))) return true;
  try {
    const log = readFileSync(join(gitDirectory, 'logs', taskRefs, task, 'before'), 'utf8');
    const message = log.trimEnd().split('\n').at(-1)?.split('\t')[1] ?? '';
    return parseFoundMessage(message)?.holdsWork ?? true;
  } catch {
    return true;
  }
}
