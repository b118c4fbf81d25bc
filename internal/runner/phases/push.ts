import type { ReadyBranch } from '../../pool/flow/prepare-branch.ts';
import { pushBranch } from '../../pool/flow/push-branch.ts';
import { withCredentials } from '../../pool/work.ts';
import { PhaseFault } from '../fault.ts';
import { openReview } from '../review/open-review.ts';
import { flowCall, type TaskRun } from '../task-run.ts';
import type { Workplace } from './workplace.ts';

/**
 * Pushes the commit onto the task's branch, and offers it for review when that is wished.
 * @returns the address of the review; null = none was wished
 * @throws {PhaseFault} PushError that says whether the repository refused, has a rule against it, or was away
 */
export async function push(
  run: TaskRun,
  place: Workplace,
  { prepared, commit }: { readonly prepared: ReadyBranch; readonly commit: string },
): Promise<string | null> {
  const { config, parts, task } = run;
  if (place.url === null) throw new PhaseFault('PushError', 'There is no repository to push to.');
  const url = withCredentials({ credentials: parts.pushCredentials }, place.url);
  const pushed = await pushBranch(parts, {
    ...flowCall(run, place.tree),
    ...{ url, branch: prepared.branch, commit, remoteCommit: prepared.remoteCommit },
    retries: config.retries.git,
  });
  const where = `${prepared.branch} at ${url.url}`;
  switch (pushed.kind) {
    case 'pushed':
      break;
    case 'rejected':
      throw new PhaseFault(
        'PushError',
        `${where} was moved by somebody else meanwhile, and was left alone: ${pushed.reason}. Run the task again.`,
      );
    case 'protected':
      throw new PhaseFault(
        'PushError',
        `A rule of the repository is against ${where}: ${pushed.reason}. Give the task another branch_name, or change the rule.`,
      );
    case 'denied':
      throw new PhaseFault(
        'PushError',
        `The repository lets nobody push ${where} with these credentials: ${pushed.reason}. Check ${config.gitTokenVariable}.`,
      );
    case 'unreachable':
      throw new PhaseFault(
        'PushError',
        `The repository of ${where} was away ${pushed.attempts} times: ${pushed.reason}. The commit is kept in the pool.`,
      );
  }
  if (task.context.publish !== 'pull-request') return null;
  return openReview(run, { url, branch: prepared.branch, target: prepared.target });
}
