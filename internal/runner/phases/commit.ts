import { checkIndex } from '../../commit-gate/check-index.ts';
import { sayFindings } from '../../commit-gate/say-findings.ts';
import { commitAll } from '../../pool/flow/commit-all.ts';
import { commitMessage } from '../../pool/flow/commit-message.ts';
import type { ReadyBranch } from '../../pool/flow/prepare-branch.ts';
import { PhaseFault } from '../fault.ts';
import type { JournalState } from '../journal.ts';
import { flowCall, identityOf, localGitMs, type TaskRun } from '../task-run.ts';
import type { Workplace } from './workplace.ts';

/**
 * Commits what was made, if the gate has nothing against it.
 * @returns null when there is nothing, and there need not be
 * @throws {PhaseFault} ImplementationError with the gate's findings; or when a coding agent changed nothing
 */
export async function commit(
  run: TaskRun,
  place: Workplace,
  prepared: ReadyBranch,
): Promise<JournalState['committed']> {
  const { task, config, parts, journal, signal } = run;
  const { context } = task;
  const message = commitMessage(config.commit.template, {
    ...{
      taskId: task.id,
      title: context.title,
      description: context.description,
      specName: context.specName,
    },
    summary: journal.state.implemented?.summary ?? null,
  });
  const made = await commitAll({
    ...flowCall(run, place.tree),
    message: run.mask(message),
    identity: identityOf(run),
    parent: prepared.commit,
    gate: ({ git, directory }) =>
      checkIndex(git, {
        ...{ directory, timeoutMs: localGitMs, signal },
        secrets: parts.secrets,
        maxFileBytes: config.commit.maxFileBytes,
      }),
  });
  for (const path of made.kind === 'held-back' ? [] : made.leftOut)
    await run.say(`${path} is a repository of its own and was left out`);
  if (made.kind === 'held-back')
    throw new PhaseFault(
      'ImplementationError',
      sayFindings(made.findings),
      made.findings.map(({ file, detail }) => `${file}: ${detail}`),
    );
  if (made.kind === 'committed') {
    const { files, insertions, deletions } = made;
    return { commit: made.commit, changes: { files, insertions, deletions } };
  }
  // what an earlier run of the task pushed is still to be offered
  if (made.commit !== prepared.targetCommit) return { commit: made.commit, changes: null };
  if (task.kind === 'playbook') return null;
  throw new PhaseFault(
    'ImplementationError',
    'The coding agent says that it is done, and changed nothing. Say in the task which files are to change, or look at its transcript.',
  );
}
