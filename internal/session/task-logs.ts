import { createHash } from 'node:crypto';
import { readInstant } from '../api/instant.ts';
import { InputError } from '../domain/errors.ts';
import { type LogLevel, logLevels, parseLogLevel } from '../domain/log-level.ts';
import type { TaskLog } from '../domain/records.ts';
import type { LogFilter, Page } from '../store/store.ts';
import { visibleTask, writableTask } from './authorize.ts';
import { tellLogs } from './events.ts';
import type { Caller, SessionParts } from './parts.ts';

/** Most lines of one batch. */
export const maxLogBatch = 5_000;

/** One structured line as it comes in. */
export interface NewLog {
  /** in any case and under the names other loggers use */
  readonly level: string;
  readonly message: string;
  /** default `task` */
  readonly source?: string | null | undefined;
  readonly metadata?: Readonly<Record<string, unknown>> | null | undefined;
  /** any form of `readInstant`; absent = now */
  readonly timestamp?: unknown;
}

/**
 * Adds structured lines to a task, in their order, all or none; also after its end.
 * @param options.key  chosen by the client: the same lines with the same key again are not added a second time
 * @throws {InputError} KERUTA_ERR_BAD_LEVEL, KERUTA_ERR_BAD_VALUE
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND
 * @throws {ConflictError} KERUTA_ERR_ATTEMPT_SUPERSEDED for the token of a replaced run
 */
export async function addLogs(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
  lines: readonly NewLog[],
  options: { readonly key?: string | undefined } = {},
): Promise<TaskLog[]> {
  const levels = lines.map((line) => readLevel(line.level));
  const now = await parts.store.now();
  return parts.store.transact(async (tx) => {
    const task = await writableTask(tx, ref.caller, ref.taskId);
    // lines of one instant are told apart by their ids, which therefore must stand in the order of the lines
    const { key } = options;
    const idOf = (index: number) =>
      key === undefined ? parts.random.uuid7(now) : idOfKey(`${task.id} ${index} ${key}`);
    const ids = lines.map((_line, index) => idOf(index)).sort();
    const logs = lines.map((line, index): TaskLog => {
      return {
        id: ids[index] ?? '',
        taskId: task.id,
        sessionId: task.sessionId,
        attempt: ref.caller.attempt ?? task.attempt,
        level: levels[index] ?? 'INFO',
        source: line.source || 'task',
        message: line.message,
        metadata: line.metadata ?? {},
        timestamp: readTime(line.timestamp, now),
      };
    });
    if ((await tx.insertLogs(logs)) > 0) await tellLogs(tx, logs);
    return logs;
  });
}

/** The same id for the same words. @see RFC 9562, section 5.8 */
function idOfKey(words: string): string {
  const hex = createHash('sha256').update(words).digest('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-8${hex.slice(13, 16)}-8${hex.slice(17, 20)}-${hex.slice(20, 32)}`;
}

/** Structured lines of a task, newest first. @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND */
export async function listLogs(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
  { filter, page }: { readonly filter: LogFilter; readonly page?: Page | undefined },
): Promise<{ readonly logs: TaskLog[]; readonly total: () => Promise<number> }> {
  const task = await visibleTask(parts.store, ref.caller, ref.taskId);
  const logs = await parts.store.logs(task.id, filter, page);
  return { logs, total: () => parts.store.countLogs(task.id, filter) };
}

/** How many structured lines a task has. @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND */
export async function countLogs(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
  filter: LogFilter,
): Promise<number> {
  const task = await visibleTask(parts.store, ref.caller, ref.taskId);
  return parts.store.countLogs(task.id, filter);
}

/** Removes the structured lines of a task; its output stays. @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND */
export async function deleteLogs(
  parts: SessionParts,
  ref: { readonly caller: Caller; readonly taskId: string },
): Promise<void> {
  await parts.store.transact(async (tx) => {
    const task = await visibleTask(tx, ref.caller, ref.taskId);
    await tx.deleteLogs(task.id);
  });
}

/** Reads a level. @throws {InputError} KERUTA_ERR_BAD_LEVEL */
export function readLevel(text: string): LogLevel {
  const level = parseLogLevel(text);
  if (level !== null) return level;
  throw new InputError(
    'KERUTA_ERR_BAD_LEVEL',
    `Expected a level, one of ${logLevels.join(', ')}; got ${JSON.stringify(text.slice(0, 60))}.`,
  );
}

/**
 * Reads a time that a client gave.
 * @returns epoch ms; `absent` when there is none
 * @throws {InputError} KERUTA_ERR_BAD_VALUE
 */
export function readTime<A>(value: unknown, absent: A): number | A {
  if (value === undefined || value === null || value === '') return absent;
  const instant = readInstant(value);
  if (instant !== null) return Date.parse(instant);
  throw new InputError(
    'KERUTA_ERR_BAD_VALUE',
    `Expected a time such as 2026-01-31T12:00:00.000Z; got ${(JSON.stringify(value) ?? '').slice(0, 60)}.`,
  );
}
