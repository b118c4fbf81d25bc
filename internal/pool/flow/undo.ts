/** What a task found, and the way back to it. */
import type { GitLimits } from '../../../pkg/git/git.ts';
import {
  checkoutCommit,
  keepChanges,
  readStatus,
  resolveCommit,
  setRef,
} from '../../../pkg/git/work-tree.ts';
import { isKeptMessage, keeperIdentity, keptMessage, taskRef } from '../../domain/git-names.ts';
import type { WorkTree } from '../work-tree.ts';
import { inTree } from './flow-call.ts';

/** A task, and the tree that it works in. */
export interface UndoCall extends GitLimits {
  readonly tree: WorkTree;
  readonly taskId: string;
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
    };

/** Keeps a tree as it is under `refs/keruta/<task>/before`; the first time counts. @throws {GitError} */
export async function recordBefore(call: UndoCall): Promise<void> {
  if ((await recorded(call)) !== null) return;
  await setKept(call, taskRef(call.taskId, 'before'), await stateOf(call));
}

/**
 * Brings a tree back to where it was before a task: commit, changed and new files. What it holds now is kept below
 * `refs/keruta/<task>/undone/` first. Ignored files, and what was pushed, stay. Twice is once.
 * @throws {GitError}
 */
export async function undoTask(call: UndoCall): Promise<Undone> {
  const before = await recorded(call);
  if (before === null) return { kind: 'not-recorded' };
  const { tree } = call;
  const was = await look(call, before);
  const now = await look(call, await stateOf(call));
  const isSame = now.files === was.files && now.head === was.head;
  const keptRef = isSame ? null : `${taskRef(call.taskId, 'undone')}/${now.id.slice(0, 12)}`;
  if (keptRef !== null) {
    await setKept(call, keptRef, now.id);
    const { branch } = await readStatus(tree.git, inTree(call));
    await checkoutCommit(tree.git, { ...inTree(call), commit: was.head, branch });
    if (was.hasChanges) {
      await tree.git.local({ ...inTree(call), args: ['read-tree', '-u', '--reset', before] });
      await tree.git.local({ ...inTree(call), args: ['read-tree', '--reset', was.head] });
    }
  }
  return { kind: 'undone', commit: was.head, hasChanges: was.hasChanges, keptRef };
}

/** A commit that has all of a tree: where it stands when it is clean, else one made of its files. */
async function stateOf(call: UndoCall): Promise<string> {
  const { tree, taskId } = call;
  const { changes, commit } = await readStatus(tree.git, inTree(call));
  if (changes.length === 0 && commit !== null) return commit;
  const message = keptMessage(taskId);
  const kept = { ref: scratchRef, head: commit, message, identity: keeperIdentity };
  return keepChanges(tree.git, { ...inTree(call), ...kept });
}

/** What keeps a commit until it has a ref of its own. */
const scratchRef = 'refs/keruta-scratch';

interface State {
  readonly id: string;
  /** the tree object of its files */
  readonly files: string;
  /** where HEAD stood */
  readonly head: string;
  readonly hasChanges: boolean;
}

async function look({ tree, ...call }: UndoCall, id: string): Promise<State> {
  const args = ['log', '--no-walk', '--format=%T%x00%P%x00%B', id, '--'];
  const { stdout } = await tree.git.local({ ...inTree({ tree, ...call }), args });
  const [files = '', parents = '', message = ''] = stdout.split('\0');
  const hasChanges = isKeptMessage(message);
  return { id, files, hasChanges, head: hasChanges ? (parents.split(' ')[0] ?? '') : id };
}

async function setKept(call: UndoCall, name: string, commit: string): Promise<void> {
  const { tree } = call;
  await setRef(tree.keeper, { ...inTree(call), directory: tree.keeperDirectory, name, commit });
}

function recorded(call: UndoCall): Promise<string | null> {
  const { tree, taskId } = call;
  const name = taskRef(taskId, 'before');
  return resolveCommit(tree.keeper, { ...inTree(call), directory: tree.keeperDirectory, name });
}
