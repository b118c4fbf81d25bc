import { branchName } from '../../pool/flow/branch-name.ts';
import { prepareBranch, type ReadyBranch } from '../../pool/flow/prepare-branch.ts';
import { withCredentials } from '../../pool/work.ts';
import { PhaseFault } from '../fault.ts';
import { flowCall, identityOf, type TaskRun } from '../task-run.ts';
import type { Workplace } from './workplace.ts';

/**
 * Fetch, rebase, branch: the work tree stands, clean, where the work begins.
 * @throws {PhaseFault} WorkspacePreparationError with the files of a conflict, or the commits of others
 */
export async function prepare(run: TaskRun, place: Workplace): Promise<ReadyBranch> {
  const { task, config, parts } = run;
  const { context } = task;
  if (place.url === null)
    throw new PhaseFault(
      'WorkspacePreparationError',
      `${place.path} has no remote named origin, and the task names no repository. Give its context a repository_url.`,
    );
  const branch =
    context.branchName ??
    branchName(config.branch.template, {
      sessionId: task.sessionId,
      taskId: task.id,
      specName: context.specName,
      title: context.title,
      requiredSkill: context.requiredSkill,
      now: run.journal.state.beganAt,
    });
  const prepared = await prepareBranch(parts, {
    ...flowCall(run, place.tree),
    ...{
      branch,
      url: withCredentials(parts.pool, place.url),
      identity: identityOf(run),
      retries: config.retries.git,
    },
    target: context.targetBranch ?? task.ref,
    alsoOf: task.parentIds,
  });
  switch (prepared.kind) {
    case 'ready':
      return prepared;
    case 'conflict':
      throw new PhaseFault(
        'WorkspacePreparationError',
        `What is on ${branch} does not fit onto ${context.targetBranch ?? task.ref ?? 'its target'}: ${prepared.files.length} files have conflicts. Rebase the branch by hand, or give the task another one.`,
        prepared.files,
      );
    case 'foreign-branch':
      throw new PhaseFault(
        'WorkspacePreparationError',
        `The branch ${branch} is there already, with commits that were not made for this task. Give the task another branch_name.`,
        prepared.commits.map(({ commit, subject }) => `${commit.slice(0, 12)} ${subject}`),
      );
  }
}
