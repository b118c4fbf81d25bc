import { type CommitCall, commitAll } from '../../../../internal/pool/flow/commit-all.ts';
import { commitMessage } from '../../../../internal/pool/flow/commit-message.ts';
import {
  type PrepareCall,
  type Prepared,
  prepareBranch,
} from '../../../../internal/pool/flow/prepare-branch.ts';
import { type PushCall, pushBranch } from '../../../../internal/pool/flow/push-branch.ts';
import { type TaskTree, taskTree } from '../../../../internal/pool/flow/task-tree.ts';
import type { Slot } from '../../../../internal/pool/pool.ts';
import { parseRepositoryUrl } from '../../../../pkg/git/repository-url.ts';
import { makePool, type PoolUnderTest } from '../pool-fixture.ts';

/** A slot of a repository, and the flow of a task's branch in it. */
export interface FlowDesk {
  readonly slot: Slot;
  readonly tree: TaskTree;
  readonly on: PoolUnderTest;
  prepare(change?: Partial<PrepareCall>): Promise<Prepared>;
  commit(change?: Partial<CommitCall<string>>): ReturnType<typeof commitAll<string>>;
  push(change: Partial<PushCall> & Pick<PushCall, 'commit'>): ReturnType<typeof pushBranch>;
}

export const identity = { author: { name: 'Robot', email: 'robot@example.org' } };
export const taskId = '12345678-0000-7000-8000-000000000000';
export const branch = 'keruta-task-12345678';

/** Allocates a slot for a task. */
export async function makeFlowDesk(remote: string, on = makePool(), id = taskId): Promise<FlowDesk> {
  const slot = await on.pool.allocate({ url: remote, requiredBy: id, branch });
  const tree = taskTree(on.parts, slot);
  const base = { tree, taskId: id, timeoutMs: 60_000 };
  const url = parseRepositoryUrl(remote, { allowLocal: true });
  return {
    slot,
    tree,
    on,
    prepare: (change = {}) =>
      prepareBranch(on.parts, { ...base, url, branch, target: null, identity, ...change }),
    commit: (change = {}) => {
      const message = commitMessage(null, { taskId: id, title: 'Do it' });
      return commitAll<string>({ ...base, message, identity, gate: async () => [], ...change });
    },
    push: (change) => pushBranch(on.parts, { ...base, url, branch, remoteCommit: null, ...change }),
  };
}
