/**
 * What becomes of a stream whose bytes here are not those of its agent, although there are enough of them. Asking for
 * "the rest" would be asked for ever, so the stream is emptied and its agent sends all of it again.
 */
import type { StreamState } from '../domain/attempt.ts';
import { type StreamName, streamNames } from '../domain/task.ts';
import type { Reads } from '../store/store.ts';
import { streamKey } from './append-stream.ts';
import { type AttemptRef, type HeldAttempt, onAttempt } from './fence.ts';
import { oneAtATime } from './one-at-a-time.ts';
import type { SessionParts } from './parts.ts';
import { auditTask } from './put-task.ts';

/** What an agent says about its streams. */
export type SaidStreams = Readonly<Record<StreamName, Pick<StreamState, 'size' | 'crc32'>>>;

/** Whether the bytes here are others than those that were sent; too few of them are not: more may come. */
export function isOther(here: StreamState, said: Pick<StreamState, 'size' | 'crc32'>): boolean {
  return here.size > said.size || (here.size === said.size && here.crc32 !== said.crc32);
}

/**
 * Empties the streams of an attempt that are others than its agent says, once each, with an entry in the audit. What is
 * lost here is at the agent still: it keeps its output until its last report is taken.
 * @returns the streams that were emptied by this call
 */
export async function emptyOtherStreams(
  parts: SessionParts,
  ref: AttemptRef & { readonly said: SaidStreams },
): Promise<readonly StreamName[]> {
  const emptied: StreamName[] = [];
  for (const stream of streamNames) if (await emptyIfOther(parts, ref, stream)) emptied.push(stream);
  return emptied;
}

/** Whether a stream was emptied before. */
export async function wasEmptied(
  reads: Reads,
  { task, attempt }: Pick<HeldAttempt, 'task' | 'attempt'>,
  stream: StreamName,
): Promise<boolean> {
  return (await reads.meta(markOf(streamKey(task.id, attempt.number, stream)))) !== null;
}

function emptyIfOther(
  parts: SessionParts,
  ref: AttemptRef & { readonly said: SaidStreams },
  stream: StreamName,
): Promise<boolean> {
  const key = streamKey(ref.taskId, ref.number, stream);
  return oneAtATime(parts.blob, key, async () => {
    const isEmptied = await onAttempt(parts, ref, async (tx, held) => {
      const here = held.attempt.streams[stream];
      if (!isOther(here, ref.said[stream]) || (await wasEmptied(tx, held, stream))) return false;
      await tx.putMeta(markOf(key), String(held.now), { taskId: ref.taskId });
      await tx.putStream(ref.taskId, ref.number, stream, { ...here, size: 0, crc32: 0 });
      const { size, crc32 } = ref.said[stream];
      const details = { stream, size: here.size, crc32: here.crc32, saidSize: size, saidCrc32: crc32 };
      const { task, now } = held;
      await auditTask(tx, { parts, caller: ref.caller, action: 'stream.resend', task, now, details });
      return true;
    });
    // bytes ahead of their row are cut off by the next append too, should this be the last that happens here
    if (isEmptied) await parts.blob.truncate(key, 0);
    return isEmptied;
  });
}

function markOf(key: string): string {
  return `resend:${key}`;
}
