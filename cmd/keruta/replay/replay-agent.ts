/** Does an agent task once more, as `keruta runner run` does it: on a branch of its own that is not pushed. */
import { writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { InputError } from '../../../internal/domain/errors.ts';
import { createGit } from '../../../pkg/git/git.ts';
import { checkoutCommit } from '../../../pkg/git/work-tree.ts';
import type { CommandContext } from '../command.ts';
import { shortId } from '../people/print.ts';
import { runTaskHere } from '../runner/run-task-here.ts';
import type { KnownTask } from './known-task.ts';
import { type ReplayPlace, repositoryOf } from './replay-place.ts';
import type { ReplayFacts } from './replay-task.ts';

/** What is done, and where. */
export interface AgentReplay {
  readonly known: KnownTask;
  readonly place: ReplayPlace;
  readonly facts: ReplayFacts;
  readonly runnerConfig: string | null;
}

const interrupted = 130;

/** @returns 0 when it was done, 1 when it failed, 130 when it was stopped @throws the errors of `runTaskHere` */
export async function replayAgentTask(context: CommandContext, replay: AgentReplay): Promise<number> {
  const { known, place, facts, runnerConfig } = replay;
  const file = join(place.scratch, 'context.json');
  writeFileSync(file, JSON.stringify(contextOf(context, replay)), { mode: 0o600 });
  const { values } = await context.settings();
  const named = runnerConfig ?? values.runnerConfig;
  // what it makes lies beside the work, not where the person stands
  const there = { ...context, cwd: facts.directory ?? place.scratch };
  const { result, wasStopped } = await runTaskHere(there, {
    file,
    config: named === null ? undefined : resolve(context.cwd, named),
    state: undefined,
    isAlone: true,
  });
  if (result.commit !== null && facts.directory !== null && result.branch !== null)
    await standAt(context, { directory: facts.directory, commit: result.commit, branch: result.branch });
  if (result.commit !== null && facts.directory === null && !context.json)
    await context.stderr.write(
      `keruta: its commit is set aside, see it: ${lookText(known, result.commit)}\n`,
    );
  if (wasStopped) return interrupted;
  return result.success ? 0 : 1;
}

/** The commit is made beside the clone's own branch: who looks at the clone is to see it there. */
async function standAt(
  context: CommandContext,
  {
    directory,
    commit,
    branch,
  }: { readonly directory: string; readonly commit: string; readonly branch: string },
): Promise<void> {
  const { values } = await context.settings();
  const privateDirectory = join(values.baseDir, 'git');
  const git = createGit({
    environment: context.env,
    credentials: 'none',
    allowLocal: true,
    privateDirectory,
  });
  await checkoutCommit(git, { directory, commit, branch: `refs/heads/${branch}`, timeoutMs: gitMs });
}

const gitMs = 60_000;

function lookText(known: KnownTask, commit: string): string {
  return `git show ${commit.slice(0, 12)} in the mirror of ${repositoryOf(known) ?? 'its repository'} (keruta slot list)`;
}

function contextOf(context: CommandContext, { known, place, facts }: AgentReplay): Record<string, unknown> {
  const { task, session } = known;
  const repositoryUrl = repositoryOf(known);
  if (repositoryUrl === null)
    throw new InputError('KERUTA_ERR_TASK_CONTEXT', `task ${task.id} has no repository to begin from`);
  const { autoFix: _fix, ...parameters } = task.parameters;
  const name = context.random.uuid4().slice(0, 8);
  const isChosen = task.ref !== null || session.repositoryRef !== 'main';
  return {
    ...task.context,
    ...{ kind: task.kind, parameters, repositoryUrl },
    // a task of its own: refs, branch and commits of the one that it repeats are not touched
    ...{ id: `replay-${name}`, branchName: `keruta-replay-${shortId(task.id)}-${name}`, publish: 'none' },
    ref: isChosen ? (task.ref ?? session.repositoryRef) : null,
    ...(facts.directory === null ? {} : { slotPath: place.directory }),
  };
}
