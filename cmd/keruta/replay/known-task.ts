/** What is known of a task: by the server, and by the directory of its run on this machine. */
import { join } from 'node:path';
import type { ApiClient } from '../../../internal/api/client/client.ts';
import type { SessionWire, TaskWire } from '../../../internal/api/shapes.ts';
import { KerutaError, NotFoundError } from '../../../internal/domain/errors.ts';
import {
  placeOfRun,
  type RunPlace,
  type RunRecord,
  readReceipt,
  readRecord,
  runDirectory,
} from '../../../internal/worker/run-record.ts';
import { namesIn } from '../../../pkg/files/names-in.ts';
import type { CommandContext } from '../command.ts';
import { findTask } from '../people/find.ts';

/** A task that can be run again. */
export interface KnownTask {
  /** with its script */
  readonly task: TaskWire;
  readonly session: Pick<SessionWire, 'id' | 'repositoryUrl' | 'repositoryRef' | 'templateConfig'>;
  /** what fired it; null: nothing did */
  readonly event: Readonly<Record<string, unknown>> | null;
  /** where it ran on this machine; null: it did not, or long ago */
  readonly place: RunPlace | null;
}

/**
 * Gathers it. The server is asked; where it cannot be, a run that is still on this machine tells.
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND; what the server says, when nobody else knows the task
 */
export async function knownTask(context: CommandContext, wanted: string): Promise<KnownTask> {
  const { values } = await context.settings();
  const runs = join(values.baseDir, 'runs');
  const here = recordHere(runs, wanted);
  try {
    const client = await context.makeClient();
    const options = { signal: context.signal };
    const { id } = await findTask(context, client, wanted);
    const task = await client.tasks.get(id, options);
    const session = await client.sessions.get(task.sessionId, options);
    const place = placeHere(runs, task.id, task.attempt);
    return {
      task: await withScript(client, task, context.signal),
      session,
      event: await eventOf(client, task, context),
      place,
    };
  } catch (error) {
    if (!(error instanceof KerutaError) || error instanceof NotFoundError || here === null) throw error;
    await context.stderr.write(`keruta: ${error.message}; what this machine knows of the task is used\n`);
    return {
      task: here.task,
      session: here.session,
      event: null,
      place: here.started === null ? null : placeOfRun(here.started),
    };
  }
}

async function withScript(client: ApiClient, task: TaskWire, signal: AbortSignal): Promise<TaskWire> {
  if (task.kind !== 'script' || task.script !== '') return task;
  return { ...task, script: (await client.tasks.script(task.id, { signal })).content };
}

async function eventOf(
  client: ApiClient,
  task: TaskWire,
  { signal }: CommandContext,
): Promise<KnownTask['event']> {
  try {
    return await client.tasks.event(task.id, { signal });
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

/** Of the attempt that is told of, else of one before it. */
function placeHere(runs: string, taskId: string, attempt: number): RunPlace | null {
  for (let number = Math.max(1, attempt); number > 0; number--) {
    const directory = runDirectory(runs, taskId, number);
    const started = readRecord(directory)?.started ?? null;
    const place = readReceipt(directory)?.place ?? (started === null ? null : placeOfRun(started));
    if (place !== null) return place;
  }
  return null;
}

function recordHere(runs: string, wanted: string): RunRecord | null {
  const found = namesIn(runs)
    .filter((name) => name.startsWith(wanted))
    .flatMap((name) => readRecord(join(runs, name)) ?? []);
  const [one] = found;
  return one !== undefined && found.every(({ task }) => task.id === one.task.id)
    ? (found.at(-1) ?? null)
    : null;
}
