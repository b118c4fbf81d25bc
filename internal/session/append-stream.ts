import { crc32 } from 'node:zlib';
import { failpoint } from '../../pkg/failpoint/failpoint.ts';
import type { Attempt, StreamState } from '../domain/attempt.ts';
import { ConflictError } from '../domain/errors.ts';
import type { StreamName } from '../domain/task.ts';
import type { Transaction } from '../store/store.ts';
import { visibleTask } from './authorize.ts';
import { type AttemptRef, attemptFor, fencedAttempt, type HeldAttempt, onAttempt } from './fence.ts';
import { measure } from './measure.ts';
import { oneAtATime } from './one-at-a-time.ts';
import type { SessionParts } from './parts.ts';
import { recordOrder } from './stream-order.ts';

/** One stream of one attempt. */
export interface StreamRef extends AttemptRef {
  readonly stream: StreamName;
}

/** Where the bytes of a stream rest. */
export function streamKey(taskId: string, number: number, stream: StreamName): string {
  return `${taskId}/${number}/${stream}`;
}

/**
 * Tells what is here of a stream: the offset at which its next bytes go. Also for attempts that have finished.
 * @throws {NotFoundError} KERUTA_ERR_ATTEMPT_NOT_FOUND
 */
export async function streamState(parts: SessionParts, ref: StreamRef): Promise<StreamState> {
  const task = await visibleTask(parts.store, ref.caller, ref.taskId);
  return (await attemptFor(parts.store, ref, task)).streams[ref.stream];
}

/**
 * Appends bytes to a stream. What arrived of a body that was cut is kept: the next append goes on behind it. Memory
 * does not grow with the length of the body.
 *
 * @param append.offset where the caller believes the end to be; bytes
 * @returns the new end; bytes
 * @throws {ConflictError} KERUTA_ERR_OFFSET_MISMATCH with `details.offset`, the true end; KERUTA_ERR_ATTEMPT_SUPERSEDED
 */
export function appendStream(
  parts: SessionParts,
  append: StreamRef & { readonly offset: number; readonly bytes: AsyncIterable<Uint8Array> },
): Promise<number> {
  const { taskId, number, stream, offset } = append;
  const key = streamKey(taskId, number, stream);
  return oneAtATime(parts.blob, key, async () => {
    const { task, attempt } = await fencedAttempt(parts, append);
    const here = await settle(parts, append, attempt.streams[stream]);
    if (offset !== here.size) throw mismatch(append, here.size);
    const measured = measure(append.bytes, here.crc32);
    const appended = await parts.blob.append(key, offset, measured.bytes);
    if (!appended.ok) throw mismatch(append, appended.size);
    failpoint('mid_append');
    if (measured.size > 0) {
      const before = await onAttempt(parts, append, (tx, held) => {
        const state = { ...here, size: offset + measured.size, crc32: measured.crc32 };
        return putStreamIf(tx, { held, append, state });
      });
      await recordOrder(parts.blob, { taskId, number, stream, before });
      parts.store.notify(`session:${task.sessionId}`);
    }
    if (measured.failure) throw measured.failure.cause;
    return offset + measured.size;
  });
}

/**
 * Records that bytes at the end of a stream were lost before they could be sent. They take no room in the stream: its
 * size counts what is here. Said again at the same offset, the newer number replaces the older.
 *
 * @param loss.lostBytes how many bytes; > 0
 * @returns the end of the stream, unchanged
 */
export function declareLost(
  parts: SessionParts,
  loss: StreamRef & { readonly offset: number; readonly lostBytes: number },
): Promise<number> {
  const { taskId, number, stream, offset, lostBytes } = loss;
  const name = `lost:${taskId}:${number}:${stream}`;
  return oneAtATime(parts.blob, streamKey(taskId, number, stream), () =>
    onAttempt(parts, loss, async (tx, held) => {
      const state = held.attempt.streams[stream];
      if (offset !== state.size) throw mismatch(loss, state.size);
      const [lastOffset, lastLost] = ((await tx.meta(name)) ?? '').split(':');
      const counted = lastOffset === String(offset) ? Number(lastLost) : 0;
      await tx.putMeta(name, `${offset}:${lostBytes}`, { taskId });
      await tx.putStream(taskId, number, stream, {
        ...state,
        lostBytes: Math.min(Number.MAX_SAFE_INTEGER, state.lostBytes - counted + lostBytes),
      });
      return state.size;
    }),
  );
}

/** Writes the row of a stream when nobody else has moved it; @returns the streams as they were before. */
async function putStreamIf(
  tx: Transaction,
  {
    held,
    append,
    state,
  }: {
    readonly held: HeldAttempt;
    readonly append: StreamRef & { readonly offset: number };
    readonly state: StreamState;
  },
): Promise<Attempt['streams']> {
  const { streams } = held.attempt;
  const now = streams[append.stream];
  if (now.size !== append.offset) throw mismatch(append, now.size);
  await tx.putStream(append.taskId, append.number, append.stream, { ...state, lostBytes: now.lostBytes });
  return streams;
}

/**
 * Brings bytes and row together after a crash between the two. Bytes ahead of the row were never acknowledged and are
 * cut off; a row ahead of the bytes (they did not survive a power loss) is taken back, so that the agent sends them again.
 */
async function settle(parts: SessionParts, ref: StreamRef, row: StreamState): Promise<StreamState> {
  const key = streamKey(ref.taskId, ref.number, ref.stream);
  const size = await parts.blob.size(key);
  if (size === row.size) return row;
  if (size > row.size) {
    await parts.blob.truncate(key, row.size);
    return row;
  }
  let crc = 0;
  for await (const chunk of parts.blob.read(key, 0, size)) crc = crc32(chunk, crc);
  const state = { ...row, size, crc32: crc };
  parts.log.warn('bytes of a stream are missing here; its agent is asked for them again', {
    key,
    missingBytes: row.size - size,
  });
  await onAttempt(parts, ref, (tx) => tx.putStream(ref.taskId, ref.number, ref.stream, state));
  return state;
}

function mismatch(ref: StreamRef & { readonly offset: number }, end: number): ConflictError {
  return new ConflictError(
    'KERUTA_ERR_OFFSET_MISMATCH',
    `${ref.stream} of attempt ${ref.number} of task ${ref.taskId} ends at ${end}, the bytes begin at ${ref.offset}; ` +
      `go on at ${end}`,
    { details: { offset: end } },
  );
}
