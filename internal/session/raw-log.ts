import type { Attempt } from '../domain/attempt.ts';
import { NotFoundError } from '../domain/errors.ts';
import type { StreamName } from '../domain/task.ts';
import { streamKey } from './append-stream.ts';
import { visibleTask } from './authorize.ts';
import type { Caller, SessionParts } from './parts.ts';
import { readOrder } from './stream-order.ts';

/** Which part of a task's output is wanted. */
export interface RawLogRange {
  /** exactly the bytes of this stream; absent = both, in order of arrival */
  readonly stream?: StreamName | undefined;
  /** absent: with `stream` the newest attempt, else all, oldest first */
  readonly attempt?: number | undefined;
  /** how many bytes of the answer to leave out at its beginning; default 0 */
  readonly from?: number | undefined;
}

/**
 * Gives the raw output of a task as it is now, byte by byte. Within a stream the order is exact, between the streams as
 * the server saw it arrive.
 *
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND, KERUTA_ERR_ATTEMPT_NOT_FOUND; before the first byte
 */
export async function rawLog(
  parts: SessionParts,
  caller: Caller,
  wish: RawLogRange & { readonly taskId: string },
): Promise<AsyncIterable<Uint8Array>> {
  const task = await visibleTask(parts.store, caller, wish.taskId);
  const all = await parts.store.attempts(task.id);
  const only = wish.attempt ?? (wish.stream === undefined ? undefined : task.attempt);
  const attempts = only === undefined ? all : all.filter((attempt) => attempt.number === only);
  if (wish.attempt !== undefined && attempts.length === 0) {
    throw new NotFoundError(
      'KERUTA_ERR_ATTEMPT_NOT_FOUND',
      `task ${task.id} has no attempt ${wish.attempt}; its newest is ${task.attempt}`,
    );
  }
  return read(parts, attempts, wish);
}

/** The attempts of a task, oldest first. @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND */
export async function listAttempts(parts: SessionParts, caller: Caller, taskId: string): Promise<Attempt[]> {
  const task = await visibleTask(parts.store, caller, taskId);
  return parts.store.attempts(task.id);
}

async function* read(
  parts: SessionParts,
  attempts: readonly Attempt[],
  { stream: only, from = 0 }: RawLogRange,
): AsyncGenerator<Uint8Array, void, void> {
  let skip = from;
  for (const attempt of attempts) {
    const whole = only && [{ stream: only, from: 0, to: attempt.streams[only].size }];
    for await (const { stream, from: start, to } of whole ?? readOrder(parts.blob, attempt)) {
      const skipped = Math.min(skip, to - start);
      skip -= skipped;
      if (start + skipped < to) {
        yield* parts.blob.read(streamKey(attempt.taskId, attempt.number, stream), start + skipped, to);
      }
    }
  }
}
