import type { GitLimits } from '../../../pkg/git/git.ts';
import type { TaskTree } from './task-tree.ts';

/** What every step of the flow of a branch is told. */
export interface FlowCall extends GitLimits {
  readonly tree: TaskTree;
  readonly taskId: string;
}

/** The limits of a call of git in a tree. */
export function inTree({
  tree,
  timeoutMs,
  signal,
}: GitLimits & { readonly tree: { readonly directory: string } }): GitLimits & {
  readonly directory: string;
} {
  return { timeoutMs, directory: tree.directory, ...(signal === undefined ? {} : { signal }) };
}
