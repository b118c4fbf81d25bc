/** Runs a task once more on this machine, apart from its session. */
import { visible } from '../../../pkg/terminal/text.ts';
import type { CommandContext } from '../command.ts';
import { type KnownTask, knownTask } from './known-task.ts';
import { replayAgentTask } from './replay-agent.ts';
import { bringRepository, makeReplayPlace, type ReplayPlace, repositoryOf } from './replay-place.ts';
import { replayScript } from './replay-script.ts';
import { replayVariables } from './variables.ts';

/** What is asked for. */
export interface ReplayWish {
  readonly task: string;
  /** `NAME` or `NAME=VALUE` */
  readonly variables: readonly string[];
  /** as it was written; null: a place that is gone at the end */
  readonly at: string | null;
  /** of an agent task; null: defaults */
  readonly runnerConfig: string | null;
}

/** What is said before it runs, and told by `--json`. */
export interface ReplayFacts {
  /** the clone; null: it is gone at the end */
  readonly directory: string | null;
  /** null: the task has no repository */
  readonly commit: string | null;
  /** what cannot be as it was then, a phrase each */
  readonly unknown: readonly string[];
}

/**
 * Runs it.
 * @returns the exit status: that of the script; of an agent task 0 or 1; 130 when it was stopped
 * @throws the errors of `findTask` and `checkout`; {ConflictError} KERUTA_ERR_DIRECTORY; {InputError} KERUTA_ERR_BAD_VALUE
 */
export async function replayTask(context: CommandContext, wish: ReplayWish): Promise<number> {
  const known = await knownTask(context, wish.task);
  const isScript = known.task.kind === 'script';
  const variables = isScript
    ? await replayVariables(context, {
        named: wish.variables,
        had: known.place?.variables ?? null,
        parameters: known.task.parameters,
      })
    : null;
  const place = makeReplayPlace(context, wish.at);
  try {
    // a slot of the pool does for an agent task; one that is to stay is a clone
    const isCloned = isScript || wish.at !== null;
    const commit = isCloned ? await clone(context, place, known) : null;
    const facts: ReplayFacts = {
      directory: wish.at === null ? null : place.directory,
      commit,
      unknown: unknownOf(known, variables?.missing ?? null),
    };
    await context.stderr.write(openingText(known, facts));
    context.signal.throwIfAborted();
    return variables === null
      ? await replayAgentTask(context, { known, place, facts, runnerConfig: wish.runnerConfig })
      : await replayScript(context, { known, place, facts, variables: variables.values });
  } finally {
    place.clear();
  }
}

async function clone(context: CommandContext, place: ReplayPlace, known: KnownTask): Promise<string | null> {
  const url = repositoryOf(known);
  if (url === null) return null;
  const { task, session } = known;
  const ref = task.ref ?? session.repositoryRef;
  const refIsDefault = task.ref === null && session.repositoryRef === 'main';
  // an agent task begins from a branch
  const commit = task.kind === 'script' ? (known.place?.commit ?? null) : null;
  return bringRepository(context, place, { taskId: task.id, url, ref: commit ?? ref, refIsDefault });
}

function unknownOf(known: KnownTask, missing: readonly string[] | null): readonly string[] {
  const { task, session, place } = known;
  const isScript = task.kind === 'script';
  const isCommitKnown = isScript && place?.commit != null;
  const ref = task.ref ?? session.repositoryRef;
  const parts = [
    repositoryOf(known) !== null &&
      !isCommitKnown &&
      `at which commit it ran: it begins from ${ref} as that is now`,
    isScript &&
      missing === null &&
      'which variables it had, since it did not run on this machine, or long ago: it gets those that are set here',
    missing !== null && missing.length > 0 && `the values of ${missing.join(', ')}: they are not set`,
    !isScript && task.parentTaskId !== null && 'the story of the tasks that it came from',
  ];
  return parts.filter((part) => part !== false);
}

function openingText({ task }: KnownTask, { commit, unknown, directory }: ReplayFacts): string {
  const gone = 'in a place of its own, which is gone at the end (--at DIR keeps it)';
  const where = directory === null ? gone : `in ${directory}`;
  const at = commit === null ? '' : ` at ${commit.slice(0, 10)}`;
  return [
    `replay of task ${task.id} (${visible(task.name)})${at}, ${where}; its session is told nothing`,
    ...unknown.map((part) => `not known: ${visible(part)}`),
  ]
    .map((line) => `keruta: ${line}\n`)
    .join('');
}
