/** What fires tasks for the session of an agent, as its server tells it. */
import type { TaskWire } from '../../../internal/api/shapes.ts';
import type { TriggerWire } from '../../../internal/api/workflow-shapes.ts';
import { KerutaError } from '../../../internal/domain/errors.ts';
import type { CommandContext } from '../command.ts';

/** The triggers of one session. */
export interface DaemonJobs {
  /** by time, the next one first */
  readonly scheduled: readonly DaemonJob[];
  readonly webhooks: readonly DaemonJob[];
  readonly watchers: readonly DaemonJob[];
  /** the last tasks that failed, newest first */
  readonly errors: readonly {
    readonly taskId: string;
    readonly name: string;
    readonly at: string;
    readonly message: string;
  }[];
}

/** One trigger. */
export interface DaemonJob {
  /** of its workflow, and its own when that is not its type */
  readonly name: string;
  readonly type: string;
  readonly state: 'awake' | 'held' | 'disabled';
  /** RFC 3339; null when not by time */
  readonly next: string | null;
}

/** Failed tasks that are told. */
const errorCount = 3;
/** Longest time for the server to answer: a status is not to hang; ms. */
const answerMs = 5_000;

const timed = ['cron', 'interval'];
const called = ['webhook', 'github'];
const watched = ['file-watch', 'file', 'watch'];

/**
 * Asks for the jobs of a session.
 * @param sessionId  null: of all, for an agent whose process has agents for every workflow
 * @returns a text that says why it cannot be told, when the server does not answer or the token does not cover it
 */
export async function jobsOfSession(
  context: CommandContext,
  sessionId: string | null,
): Promise<DaemonJobs | string> {
  try {
    const client = await context.makeClient();
    const options = { signal: AbortSignal.any([context.signal, AbortSignal.timeout(answerMs)]) };
    const session = sessionId === null ? null : await client.sessions.get(sessionId, options);
    const workflows = await client.workflows.list(options);
    const own = workflows.filter(
      (one) => session === null || one.session === session.name || one.session === session.id,
    );
    const triggers = own.flatMap((one) => one.triggers);
    const jobs = (types: readonly string[]) => triggers.filter(({ type }) => types.includes(type)).map(toJob);
    const failed =
      session === null
        ? await client.tasks.list({ ...options, status: 'FAILED', limit: errorCount })
        : await client.sessions.tasks(session.id, 'FAILED', options);
    return {
      scheduled: jobs(timed).toSorted((a, b) => ((a.next ?? '~') < (b.next ?? '~') ? -1 : 1)),
      ...{ webhooks: jobs(called), watchers: jobs(watched) },
      errors: errorsOf(failed),
    };
  } catch (error) {
    if (context.signal.aborted) throw error;
    if (error instanceof KerutaError) return error.message;
    if ((error as Error).name === 'TimeoutError') return 'the server does not answer';
    throw error;
  }
}

function toJob({ workflow, name, type, pausedAt, enabled, nextAt }: TriggerWire): DaemonJob {
  const state = enabled ? (pausedAt === null ? 'awake' : 'held') : 'disabled';
  return { name: name === type ? workflow : `${workflow}/${name}`, type, state, next: nextAt };
}

function errorsOf(tasks: readonly TaskWire[]): DaemonJobs['errors'] {
  return tasks
    .toSorted((a, b) => (a.updatedAt < b.updatedAt ? 1 : -1))
    .slice(0, errorCount)
    .map(({ id, name, updatedAt, message, reason, status }) => {
      return { taskId: id, name, at: updatedAt, message: message || reason || status };
    });
}

/** The lines that people read. */
export function jobLines(jobs: DaemonJobs | string): string[] {
  if (typeof jobs === 'string') return ['', `scheduled jobs: not known (${jobs})`];
  const list = (title: string, of: readonly DaemonJob[]) =>
    of.length === 0
      ? []
      : ['', `${title}: ${of.length}`, ...of.map((one) => `  - ${one.name} (${stateText(one)})`)];
  const errors = jobs.errors.map(
    ({ name, at, message, taskId }) => `  - ${at} ${name} (${taskId}): ${message}`,
  );
  return [
    ...list('scheduled jobs', jobs.scheduled),
    ...list('webhooks', jobs.webhooks),
    ...list('file watchers', jobs.watchers),
    ...(errors.length === 0 ? [] : ['', 'last errors:', ...errors]),
  ];
}

function stateText({ state, next, type }: DaemonJob): string {
  if (state !== 'awake') return state;
  return next === null ? type : `next: ${next}`;
}
