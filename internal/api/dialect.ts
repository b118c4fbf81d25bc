/** What servers of different ages understand, found out by asking and kept for the process. */
import type { Log } from '../../pkg/log/log.ts';
import { isErrorCode, KerutaError } from '../domain/errors.ts';
import type { ApiClient } from './client/client.ts';
import { abilities } from './protocol.ts';
import type { LogBody, StatusBody } from './requests.ts';
import type { TaskWire } from './shapes.ts';
import type { Ability } from './task-source.ts';

/** The HTTP status that an error came with; null when there was no answer. */
export function statusOf(error: unknown): number | null {
  const status = error instanceof KerutaError ? error.details.status : undefined;
  return typeof status === 'number' ? status : null;
}

/**
 * Whether an error says that the server does not have the route. Older servers say 500 with a code of their own for an
 * unknown path.
 */
export function isUnsupported(error: unknown): boolean {
  const status = statusOf(error);
  if (status === 404 || status === 405 || status === 501) return true;
  return status === 500 && !isErrorCode((error as KerutaError).details.serverCode);
}

/**
 * Asks what the server can do.
 * @param known what it could do before: then only an answer with abilities changes that, and a server that is away or
 *              broken is never taken for an older one
 * @returns empty for a server of the plain protocol: no such route, or no abilities named
 * @throws {UnavailableError} when it cannot be told, and nothing is known from before
 */
export async function detectAbilities(
  client: ApiClient,
  options: { readonly known?: ReadonlySet<Ability>; readonly signal?: AbortSignal } = {},
): Promise<ReadonlySet<Ability>> {
  const known = options.known ?? new Set<Ability>();
  try {
    const health = await client.health.check(options.signal ? { signal: options.signal } : {});
    const named = abilities.filter((ability) => health.abilities.includes(ability));
    return named.length === 0 ? known : new Set(named);
  } catch (error) {
    options.signal?.throwIfAborted();
    if (known.size > 0) return known;
    const status = statusOf(error);
    if (status === 401 || status === 403 || isUnsupported(error)) return known;
    throw error;
  }
}

/** Sets the status of a task in words that the server understands. */
export type StatusWriter = (
  taskId: string,
  body: StatusBody,
  signal?: AbortSignal,
) => Promise<TaskWire | null>;

/**
 * Makes a writer of task statuses. PROCESSING is said first; a server that refuses the word (400, 422, 500) hears
 * IN_PROGRESS, and from then on only that.
 */
export function makeStatusWriter(client: ApiClient): StatusWriter {
  let running: 'PROCESSING' | 'IN_PROGRESS' = 'PROCESSING';
  return async (taskId, body, signal) => {
    const options = signal ? { signal } : {};
    const say = (status: string) => client.tasks.setStatus(taskId, { ...body, status }, options);
    if (body.status !== 'PROCESSING') return say(body.status);
    try {
      return await say(running);
    } catch (error) {
      if (running === 'IN_PROGRESS' || ![400, 422, 500].includes(statusOf(error) ?? 0)) throw error;
      const task = await say('IN_PROGRESS').catch(() => {
        throw error;
      });
      running = 'IN_PROGRESS';
      return task;
    }
  };
}

/** Sends log lines in order; `onSent` is told how many more have arrived, also when the call then fails. */
export type LogWriter = (
  taskId: string,
  lines: readonly LogBody[],
  options: { readonly signal?: AbortSignal; readonly onSent?: (count: number) => void },
) => Promise<void>;

/** Lines in one batch. */
const batchLines = 100;

/** Makes a writer of log lines: in batches, or one by one for the rest of the process where the server has no batches. */
export function makeLogWriter(client: ApiClient, log: Log): LogWriter {
  let batches = true;
  return async (taskId, lines, { signal, onSent }) => {
    const options = signal ? { signal } : {};
    const sendSingly = async (some: readonly LogBody[]) => {
      for (const line of some) {
        await client.logs.post(taskId, line, options);
        onSent?.(1);
      }
    };
    for (let at = 0; at < lines.length; at += batchLines) {
      const some = lines.slice(at, at + batchLines);
      if (!batches || some.length === 1) {
        await sendSingly(some);
        continue;
      }
      try {
        await client.logs.postBatch(taskId, some, options);
        onSent?.(some.length);
      } catch (error) {
        if (![404, 405, 500].includes(statusOf(error) ?? 0)) throw error;
        await sendSingly(some);
        batches = false;
        log.debug('the server takes no batches of log lines; they go one by one');
      }
    }
  };
}
