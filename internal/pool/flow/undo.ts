/** The way back to what a task found. */
import { GitError } from '../../../pkg/git/git-error.ts';
import { checkoutCommit, resolveCommit } from '../../../pkg/git/work-tree.ts';
import { taskRef } from '../../domain/git-names.ts';
import { type Before, readBefore, readNow, setKept, type TreeState, type UndoCall } from './before.ts';
import { inTree } from './flow-call.ts';

/** What an undo would do; nothing was changed. */
export interface UndoPlan {
  /** when the task came; epoch ms; null: not known */
  readonly at: number | null;
  /** where the tree would stand */
  readonly commit: string;
  /** full name; null = detached */
  readonly branch: string | null;
  /** whether there were changes then that were not committed: they would be there again */
  readonly hasChanges: boolean;
  readonly now: { readonly commit: string; readonly branch: string | null };
  /** what would change in the tree; at most {@link maxListed} are listed */
  readonly files: readonly { readonly change: 'removed' | 'restored' | 'changed'; readonly path: string }[];
  /** what would not be on the branch any more, newest first; at most {@link maxListed} */
  readonly commits: readonly { readonly id: string; readonly subject: string }[];
  /** whether all of it is so already */
  readonly isDone: boolean;
}

/** How it went. */
export type Undone =
  /** there is nothing to go back to */
  | { readonly kind: 'not-recorded' }
  | {
      readonly kind: 'undone';
      /** where the tree stands again */
      readonly commit: string;
      /** whether there were changes that are there again, not committed */
      readonly hasChanges: boolean;
      /** what keeps the tree as it was until now; null: it was as it is */
      readonly keptRef: string | null;
      /** what keeps commits of the branch that the tree was not on; null: there were none */
      readonly keptBranchRef: string | null;
    };

/** Most files, and most commits, that are listed. */
export const maxListed = 1_000;

/** Looks what an undo would do; null: there is nothing to go back to. Changes nothing that anybody sees. @throws {GitError} */
export async function planUndo(call: UndoCall): Promise<UndoPlan | null> {
  const was = await readBefore(call);
  if (was === null) return null;
  const now = await readNow(call);
  const { commit = '', branch: branchNow } = now.status;
  const branch = branchOf(was, branchNow);
  return {
    at: was.at,
    commit: was.head,
    branch,
    hasChanges: was.hasChanges,
    now: { commit: commit ?? '', branch: branchNow },
    files: await changedFiles(call, now, was),
    commits: await lostCommits(call, now, was),
    isDone: isSame(now, was) && branch === branchNow,
  };
}

/**
 * Brings a tree back to where it was before a task: commit, branch, changed and new files. What it holds now is kept below
 * `refs/keruta/<task>/undone/` first. Ignored files, and what was pushed, stay. Twice is once.
 * @throws {GitError}
 */
export async function undoTask(call: UndoCall): Promise<Undone> {
  const was = await readBefore(call);
  if (was === null) return { kind: 'not-recorded' };
  const { tree, taskId } = call;
  if (was.head === '')
    throw new GitError(
      'refused',
      `${tree.directory} had no commit before the task; there is nothing to stand at`,
    );
  const now = await readNow(call);
  const branch = branchOf(was, now.status.branch);
  const undone = { kind: 'undone', commit: was.head, hasChanges: was.hasChanges } as const;
  if (isSame(now, was) && branch === now.status.branch)
    return { ...undone, keptRef: null, keptBranchRef: null };
  const keepAs = async (commit: string) => {
    const name = `${taskRef(taskId, 'undone')}/${commit.slice(0, 12)}`;
    await setKept(call, { name, commit });
    return name;
  };
  const keptRef = await keepAs(now.id);
  const tip = branch === null ? null : await resolveCommit(tree.git, { ...inTree(call), name: branch });
  const isElsewhere = tip !== null && tip !== was.head && tip !== now.head;
  const keptBranchRef = isElsewhere ? await keepAs(tip) : null;
  await checkoutCommit(tree.git, { ...inTree(call), commit: was.head, branch });
  if (was.hasChanges) {
    await tree.git.local({ ...inTree(call), args: ['read-tree', '-u', '--reset', was.id] });
    await tree.git.local({ ...inTree(call), args: ['read-tree', '--reset', was.head] });
  }
  return { ...undone, keptRef, keptBranchRef };
}

/** Older versions did not write down where a tree stood: it stays on its branch then. */
function branchOf({ branch }: Before, branchNow: string | null): string | null {
  return branch === undefined ? branchNow : branch;
}

function isSame(now: TreeState, was: TreeState): boolean {
  return now.files === was.files && now.head === was.head && now.hasChanges === was.hasChanges;
}

async function changedFiles(call: UndoCall, now: TreeState, was: TreeState): Promise<UndoPlan['files']> {
  const args = ['diff-tree', '-r', '-z', '--no-renames', '--name-status', now.files, was.files, '--'];
  const fields = (await call.tree.git.local({ ...inTree(call), args })).stdout.split('\0');
  const files: UndoPlan['files'][number][] = [];
  for (let at = 0; at + 1 < fields.length && files.length < maxListed; at += 2) {
    const [letter = '', path = ''] = fields.slice(at);
    files.push({ change: letter === 'A' ? 'restored' : letter === 'D' ? 'removed' : 'changed', path });
  }
  return files;
}

async function lostCommits(call: UndoCall, now: TreeState, was: TreeState): Promise<UndoPlan['commits']> {
  if (now.head === was.head || now.head === '' || was.head === '') return [];
  const args = ['log', `--max-count=${maxListed}`, '--format=%H %s', now.head, '--not', was.head, '--'];
  const { stdout } = await call.tree.git.local({ ...inTree(call), args });
  return stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => ({ id: line.slice(0, line.indexOf(' ')), subject: line.slice(line.indexOf(' ') + 1) }));
}
