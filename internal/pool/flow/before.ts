/** What a task found in a work tree, as it is recorded under `refs/keruta/<task>/before`. */
import type { GitLimits } from '../../../pkg/git/git.ts';
import {
  keepChanges,
  readStatus,
  resolveCommit,
  setRef,
  type WorkTreeStatus,
} from '../../../pkg/git/work-tree.ts';
import {
  foundMessage,
  isKeptMessage,
  keeperIdentity,
  keptMessage,
  parseFoundMessage,
  taskRef,
} from '../../domain/git-names.ts';
import type { WorkTree } from '../work-tree.ts';
import { inTree } from './flow-call.ts';

/** A task, and the tree that it works in. */
export interface UndoCall extends GitLimits {
  readonly tree: WorkTree;
  readonly taskId: string;
}

/** A commit that has all of a tree. */
export interface TreeState {
  readonly id: string;
  /** the tree object of its files */
  readonly files: string;
  /** where HEAD stood */
  readonly head: string;
  /** whether it is made of changes that were not committed */
  readonly hasChanges: boolean;
}

/** What was recorded. */
export interface Before extends TreeState {
  /** full name; null = detached; undefined: not known */
  readonly branch: string | null | undefined;
  /** epoch ms; null: not known */
  readonly at: number | null;
}

/** Keeps a tree as it is under `refs/keruta/<task>/before`; the first time counts. @throws {GitError} */
export async function recordBefore(call: UndoCall): Promise<void> {
  if ((await recorded(call)) !== null) return;
  const { tree } = call;
  const { id, status } = await stateOf(call);
  const branch = tree.seenBranch === undefined ? status.branch : await tree.seenBranch(call);
  const message = foundMessage({ branch, holdsWork: status.changes.length > 0 });
  // a slot has no branch of its own: whoever undoes it leaves it detached
  await setKept(call, { name: taskRef(call.taskId, 'before'), commit: id, message });
}

/** Reads what was recorded; null: nothing was. @throws {GitError} */
export async function readBefore(call: UndoCall): Promise<Before | null> {
  const id = await recorded(call);
  if (id === null) return null;
  const { tree, taskId } = call;
  const log = await tree.keeper.local({
    ...inTree(call),
    directory: tree.keeperDirectory,
    args: [
      ...['log', '--walk-reflogs', '--max-count=1', '--date=unix', '--format=%gs%x00%gd'],
      ...[taskRef(taskId, 'before'), '--'],
    ],
    okExits: [0, 128],
  });
  const [message = '', selector = ''] = log.exitCode === 0 ? log.stdout.split('\0') : [];
  const found = parseFoundMessage(message);
  const seconds = /@\{(\d+)\}/.exec(selector)?.[1];
  return {
    ...(await look(call, id)),
    branch: found?.branch,
    at: found === null || seconds === undefined ? null : Number(seconds) * 1000,
  };
}

/** The tree as it is now, as a commit: where it stands when it is clean, else one made of its files. @throws {GitError} */
export async function readNow(call: UndoCall): Promise<TreeState & { readonly status: WorkTreeStatus }> {
  const { id, status } = await stateOf(call);
  return { ...(await look(call, id)), status };
}

async function stateOf(call: UndoCall): Promise<{ readonly id: string; readonly status: WorkTreeStatus }> {
  const { tree, taskId } = call;
  const status = await readStatus(tree.git, inTree(call));
  const { changes, commit } = status;
  if (changes.length === 0 && commit !== null) return { id: commit, status };
  const message = keptMessage(taskId);
  const kept = { ref: scratchRef, head: commit, message, identity: keeperIdentity };
  return { id: await keepChanges(tree.git, { ...inTree(call), ...kept }), status };
}

/** What keeps a commit until it has a ref of its own. */
const scratchRef = 'refs/keruta-scratch';

async function look({ tree, ...call }: UndoCall, id: string): Promise<TreeState> {
  const args = ['log', '--no-walk', '--format=%T%x00%P%x00%B', id, '--'];
  const { stdout } = await tree.git.local({ ...inTree({ tree, ...call }), args });
  const [files = '', parents = '', message = ''] = stdout.split('\0');
  const hasChanges = isKeptMessage(message);
  return { id, files, hasChanges, head: hasChanges ? (parents.split(' ')[0] ?? '') : id };
}

/** Points a ref that outlives the tree at a commit. @throws {GitError} */
export async function setKept(
  call: UndoCall,
  ref: { readonly name: string; readonly commit: string; readonly message?: string },
): Promise<void> {
  const { tree } = call;
  await setRef(tree.keeper, { ...inTree(call), directory: tree.keeperDirectory, ...ref });
}

function recorded(call: UndoCall): Promise<string | null> {
  const { tree, taskId } = call;
  const name = taskRef(taskId, 'before');
  return resolveCommit(tree.keeper, { ...inTree(call), directory: tree.keeperDirectory, name });
}
