import type { Clock } from '../../pkg/clock/clock.ts';
import type { Log } from '../../pkg/log/log.ts';
import type { Random } from '../../pkg/random/random.ts';
import { InputError, type KerutaError, NotFoundError } from '../domain/errors.ts';
import { endedOr } from './claiming-source.ts';
import type { ApiClient } from './client/client.ts';
import { isUnsupported, makeLogWriter, makeStatusWriter } from './dialect.ts';
import { plainReporter } from './plain-reporter.ts';
import { isRetryable } from './retryable.ts';
import type { SessionWire, TaskWire } from './shapes.ts';
import type { ClaimedTask, TaskSource } from './task-source.ts';
import { tolerantSession } from './tolerant.ts';

/** What a plain source works with. */
export interface PlainSourceParts {
  readonly client: ApiClient;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
  /** null: tasks are asked for by workspace */
  readonly sessionId: string | null;
  /** used without a session id only */
  readonly workspaceId: string | null;
  /** how often the server is asked; ms, default 5000; a tenth either way is jitter */
  readonly pollMs?: number;
}

/**
 * The source for servers of the plain protocol. They have no claims: the source asks for waiting tasks at an interval
 * and sets the first one to running. Two agents on one session would both run it; there is no help against that here.
 *
 * @throws {InputError} KERUTA_ERR_CONFIG_MISSING when neither session nor workspace is given
 */
export function plainSource(parts: PlainSourceParts): TaskSource {
  const { client, clock, log, sessionId, workspaceId, pollMs = 5000 } = parts;
  if (sessionId === null && workspaceId === null)
    throw new InputError(
      'KERUTA_ERR_CONFIG_MISSING',
      'Neither a session nor a workspace is known. Set KERUTA_SESSION_ID or KERUTA_WORKSPACE_ID.',
    );
  const abilities: TaskSource['abilities'] = new Set();
  const setStatus = makeStatusWriter(client);
  const writeLogs = makeLogWriter(client, log);
  let nextPollAt = 0;
  // set to running, or perhaps so if the answer was lost: it is waiting no more, so it must not be forgotten
  let taken: TaskWire | null = null;

  const take = async (task: TaskWire, session: SessionWire, signal: AbortSignal) => {
    taken = task;
    try {
      await setStatus(task.id, { status: 'PROCESSING', message: '', progress: 0, errorCode: '' }, signal);
      const claim = await withScript(task, session, signal);
      taken = null;
      return claim;
    } catch (error) {
      signal.throwIfAborted();
      if (isRetryable(error) && !isUnsupported(error)) throw error;
      taken = null;
      log.warn('a task was passed over', { taskId: task.id, error });
      return null;
    }
  };

  const withScript = async (
    task: TaskWire,
    session: SessionWire,
    signal: AbortSignal,
  ): Promise<ClaimedTask> => {
    const claim = { attempt: 1, reason: 'first', leaseMs: null, token: null, session } as const;
    if (task.script !== '') return { ...claim, task, environment: {} };
    try {
      const { content, environment } = await client.tasks.script(task.id, { signal });
      return { ...claim, task: { ...task, script: content }, environment };
    } catch (error) {
      if (isRetryable(error) && !isUnsupported(error)) throw error;
      const message = `the script could not be fetched: ${(error as KerutaError).message}`;
      await setStatus(
        task.id,
        { status: 'FAILED', message, progress: 0, errorCode: 'SCRIPT_FETCH_ERROR' },
        signal,
      );
      throw error;
    }
  };

  const poll: TaskSource['claimNext'] = async (_request, signal) => {
    if (taken !== null) {
      const claim = await take(taken, await sessionOf(taken, signal), signal);
      if (claim !== null) return claim;
    }
    if (sessionId === null) {
      for (const task of inOrder(await pendingOfWorkspace(signal))) {
        const claim = await take(task, await sessionOf(task, signal), signal);
        if (claim !== null) return claim;
      }
      return null;
    }
    const session = await client.sessions.get(sessionId, { signal });
    const ended = endedOr(session);
    if (ended !== null) return ended;
    for (const task of inOrder(await client.sessions.tasks(session.id, 'PENDING', { signal }))) {
      const claim = await take(task, session, signal);
      if (claim !== null) return claim;
    }
    return null;
  };

  const pendingOfWorkspace = (signal: AbortSignal) =>
    client.sessions.pendingTasksOfWorkspace(workspaceId ?? '', { signal });

  /** The session of a task; a stand-in where an older server does not know it, so that the task can run. */
  const sessionOf = async (task: TaskWire, signal: AbortSignal): Promise<SessionWire> => {
    const id = sessionId ?? task.sessionId;
    const standIn = tolerantSession.parse({ id: id || task.id, name: workspaceId ?? '' });
    if (id === '') return standIn;
    return client.sessions.get(id, { signal }).catch((error: unknown) => {
      if (error instanceof NotFoundError) return standIn;
      throw error;
    });
  };

  return {
    abilities,
    claimNext: async (request, signal) => {
      const deadline = clock.monotonicMs() + request.waitMs;
      for (;;) {
        const now = clock.monotonicMs();
        const waitMs = request.waitMs === 0 ? 0 : Math.max(0, nextPollAt - now);
        if (waitMs > 0 && now + waitMs > deadline) {
          if (deadline > now) await clock.sleep(deadline - now, signal);
          return null;
        }
        if (waitMs > 0) await clock.sleep(waitMs, signal);
        nextPollAt = clock.monotonicMs() + pollMs * (0.9 + parts.random.fraction() / 5);
        const result = await poll(request, signal);
        // no wait after a task that ran
        if (result !== null) nextPollAt = 0;
        if (result !== null || request.waitMs === 0) return result;
      }
    },
    reporter: (attempt) => plainReporter({ ...parts, pollMs, setStatus, writeLogs, abilities }, attempt),
  };
}

/** Waiting tasks as they are to run: highest priority first, then oldest; older servers give them newest first. */
function inOrder(tasks: readonly TaskWire[]): TaskWire[] {
  return tasks
    .filter((task) => task.status === 'PENDING')
    .sort((a, b) => b.priority - a.priority || Date.parse(a.createdAt) - Date.parse(b.createdAt));
}
