import { constants } from 'node:os';
import type { ApiClient } from '../../../internal/api/client/client.ts';
import type { SessionWire, TaskWire } from '../../../internal/api/shapes.ts';
import { ConflictError, NotFoundError } from '../../../internal/domain/errors.ts';
import { type CommandContext, command } from '../command.ts';
import { defaultSessionName, findSession } from './find.ts';
import { type LiveView, makeLiveView } from './live-view.ts';
import { printJson, shortId, taskEnd, taskSpan } from './print.ts';
import { findNeeds, submitOptions, taskBody } from './submit.ts';

/** Exit status of keruta's own failures, as `env`, `timeout` and container tools have it. */
const ownFailure = 125;
/** Exit status after Ctrl-C: 128 + SIGINT. */
const interrupted = 130;
/** How long a task may wait before it is looked whether an agent is there at all; ms. */
const agentCheckAfterMs = 3000;

/** `keruta run` */
export const run = command({
  name: 'run',
  summary: 'Submits a script to a session, follows it live and exits with its status.',
  description:
    'Ctrl-C cancels the task and waits for its end; a second Ctrl-C leaves at once. ' +
    'The session `default` is made when it is not there.',
  positionals: { script: { doc: 'script file; - reads it from stdin', optional: true } },
  options: {
    ...submitOptions,
    quiet: { kind: 'bool', short: 'q', doc: 'no progress line and no last word' },
  },
  examples: [
    'keruta run ./build.sh',
    "keruta run -c 'make test'",
    'echo "uname -a" | keruta run - --session website',
  ],
  exits: {
    1: 'the task failed without an exit code of its own',
    [ownFailure]: 'keruta itself failed, and the statuses above (2 to 6, 70) are the script’s',
    [interrupted]: 'the task was cancelled',
  },
  failureExit: ownFailure,
  run: async (context, values) => {
    const { body, wish } = await taskBody(context, values.script, values);
    const client = await context.makeClient();
    const session = await findOrMake(context, client, values.session);
    refuseWaitingForItself(context, session);
    const needs = await findNeeds(context, client, { values, wish, session });
    const newTask = { ...body, needs, sessionId: session.id };
    const submitted = await client.tasks.create(newTask, { signal: context.signal });
    const view = makeLiveView(context, submitted.id, { progress: !values.quiet });
    const left = await follow(context, client, submitted, view);
    await view.end();
    if (left) return interrupted;
    const task = await client.tasks.get(submitted.id);
    if (context.json) await printJson(context, { type: 'end', task });
    else if (!values.quiet && (context.stderr.isTerminal || task.status !== 'COMPLETED')) {
      await view.say(lastWord(context, task));
      await view.end();
    }
    return exitStatusOfTask(task);
  },
});

async function findOrMake(
  context: CommandContext,
  client: ApiClient,
  named: string | undefined,
): Promise<SessionWire> {
  try {
    return await findSession(context, client, named);
  } catch (error) {
    const wanted = named ?? (await context.settings()).values.sessionId ?? defaultSessionName;
    if (!(error instanceof NotFoundError) || wanted !== defaultSessionName) throw error;
    try {
      return await client.sessions.create({ name: defaultSessionName }, { signal: context.signal });
    } catch (again) {
      if (!(again instanceof ConflictError)) throw again;
      return findSession(context, client, named);
    }
  }
}

/** A session runs one task at a time: one that waits for another of its own session waits for ever. */
function refuseWaitingForItself(context: CommandContext, session: SessionWire): void {
  const { KERUTA_TASK_ID: taskId, KERUTA_SESSION_ID: sessionId } = context.env;
  if (!taskId || (sessionId !== session.id && sessionId !== session.name)) return;
  throw new ConflictError(
    'KERUTA_ERR_TRANSITION',
    `this is task ${shortId(taskId)} of session ${session.name}: it would wait for itself. ` +
      'Use keruta task add (which does not wait), or another --session',
  );
}

/** Follows to the end. @returns true when the person left before it */
async function follow(
  context: CommandContext,
  client: ApiClient,
  task: TaskWire,
  view: LiveView,
): Promise<boolean> {
  const leave = new AbortController();
  const giveBack = context.onStop((_name, count) => {
    if (count > 1) return leave.abort(new DOMException('left', 'AbortError'));
    void view.say('cancelling the task; press Ctrl-C again to leave it alone');
    void client.tasks.cancel(task.id).catch((error: unknown) => {
      void view.say(
        `the task could not be cancelled: ${error instanceof Error ? error.message : String(error)}`,
      );
    });
  });
  let isPending = true;
  const forget = context.clock.after(agentCheckAfterMs, () => {
    if (isPending) void sayWhenNoAgent(client, task, view);
  });
  try {
    const { followTask } = await import('./follow.ts');
    await followTask({ context, client, signal: leave.signal }, task.id, {
      ...view,
      whole: !context.stdout.isTerminal,
      standing: async (standing) => {
        if (standing.status !== undefined) isPending = standing.status === 'PENDING';
        await view.standing(standing);
      },
    });
    return false;
  } catch (error) {
    if (leave.signal.aborted) return true;
    throw error;
  } finally {
    forget();
    giveBack();
  }
}

async function sayWhenNoAgent(client: ApiClient, task: TaskWire, view: LiveView): Promise<void> {
  const agents = await client.agents.list().catch(() => null);
  if (agents === null || agents.some((agent) => agent.alive && agent.sessionId === task.sessionId)) return;
  await view.say(`no agent works in this session; start one: keruta daemon --session-id ${task.sessionId}`);
}

function lastWord(context: CommandContext, task: TaskWire): string {
  const end = task.exitCode === null ? taskEnd(task) : `exit ${task.exitCode}`;
  const message = task.message === '' ? '' : `: ${task.message}`;
  return `task ${shortId(task.id)} ${task.status} (${end}, ${taskSpan(context, task)})${message}`;
}

/** The status that `run` exits with: the script's own; 128 + n for a signal; 130 when cancelled; else 0 or 1. */
export function exitStatusOfTask(task: Pick<TaskWire, 'status' | 'exitCode' | 'signal'>): number {
  if (task.status === 'COMPLETED') return 0;
  if (task.status === 'CANCELLED') return interrupted;
  if (task.exitCode !== null && task.exitCode !== 0) return task.exitCode;
  const signals: Readonly<Record<string, number | undefined>> = constants.signals;
  const number = task.signal === null ? undefined : signals[task.signal];
  return number === undefined ? 1 : 128 + number;
}
