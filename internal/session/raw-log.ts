import type { Attempt } from '../domain/attempt.ts';
import { NotFoundError } from '../domain/errors.ts';
import { type StreamName, streamNames } from '../domain/task.ts';
import { streamKey } from './append-stream.ts';
import { visibleTask } from './authorize.ts';
import { type ByteRange, elidedPart, elisionMark, maxLogViewBytes } from './log-view.ts';
import type { Caller, SessionParts } from './parts.ts';
import { readOrder, type Segment } from './stream-order.ts';

/** Which part of a task's output is wanted. */
export interface RawLogWish {
  readonly taskId: string;
  /** exactly the bytes of this stream; absent = both, in order of arrival */
  readonly stream?: StreamName | undefined;
  /** absent: with `stream` the newest attempt, else all, oldest first */
  readonly attempt?: number | undefined;
}

/** Raw output as it was when it was opened; what comes later is not seen. */
export interface RawLog {
  /** of everything; bytes */
  readonly size: number;
  /** how many bytes `view` leaves out; 0 = none */
  readonly elidedBytes: number;
  /** Gives the bytes from `from` up to, not including, `to`; both default to all. */
  read(range?: Partial<ByteRange>): AsyncIterable<Uint8Array>;
  /** Gives head, mark and tail of each stream of each attempt that is longer than a view shows; else the whole. */
  view(): AsyncIterable<Uint8Array>;
}

/**
 * Opens the raw output of a task, byte by byte. Within a stream the order is exact, between the streams as the server
 * saw it arrive. Memory does not grow with its length.
 *
 * @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND, KERUTA_ERR_ATTEMPT_NOT_FOUND
 */
export async function openRawLog(parts: SessionParts, caller: Caller, wish: RawLogWish): Promise<RawLog> {
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
  const sizes = attempts.flatMap(({ streams }) =>
    streamNames.filter((name) => name === (wish.stream ?? name)).map((name) => streams[name].size),
  );
  const output: Output = { parts, attempts, only: wish.stream };
  const maxBytes = maxLogViewBytes(parts);
  const elided = sizes.map((size) => lengthOf(elidedPart({ from: 0, to: size }, maxBytes)));
  return {
    size: sum(sizes),
    elidedBytes: sum(elided),
    read: (range) => read(output, range),
    view: () => view(output, maxBytes),
  };
}

/**
 * Gives the raw output of a task as it is now, from its byte `from` on (default 0).
 * @see openRawLog, whose errors it throws before the first byte
 */
export async function rawLog(
  parts: SessionParts,
  caller: Caller,
  { from, ...wish }: RawLogWish & { readonly from?: number | undefined },
): Promise<AsyncIterable<Uint8Array>> {
  return (await openRawLog(parts, caller, wish)).read({ from: from ?? 0 });
}

/** The attempts of a task, oldest first. @throws {NotFoundError} KERUTA_ERR_TASK_NOT_FOUND */
export async function listAttempts(parts: SessionParts, caller: Caller, taskId: string): Promise<Attempt[]> {
  const task = await visibleTask(parts.store, caller, taskId);
  return parts.store.attempts(task.id);
}

interface Output {
  readonly parts: SessionParts;
  readonly attempts: readonly Attempt[];
  readonly only: StreamName | undefined;
}

async function* read(
  output: Output,
  { from = 0, to = Number.POSITIVE_INFINITY }: Partial<ByteRange> = {},
): AsyncGenerator<Uint8Array, void, void> {
  let at = 0;
  for (const attempt of output.attempts) {
    for await (const segment of segmentsOf(output, attempt)) {
      if (at >= to) return;
      // where the stream would begin, had everything before this segment been of it
      const shift = segment.from - at;
      yield* bytesOf(output, attempt, {
        ...segment,
        ...within(segment, { from: from + shift, to: to + shift }),
      });
      at += lengthOf(segment);
    }
  }
}

async function* view(output: Output, maxBytes: number): AsyncGenerator<Uint8Array, void, void> {
  for (const attempt of output.attempts) {
    for await (const segment of segmentsOf(output, attempt)) {
      const { stream, from, to } = segment;
      const cut = elidedPart({ from: 0, to: attempt.streams[stream].size }, maxBytes);
      yield* bytesOf(output, attempt, { stream, from, to: Math.min(to, cut?.from ?? to) });
      if (!cut) continue;
      if (from <= cut.from && cut.from < to) yield elisionMark(stream, lengthOf(cut));
      yield* bytesOf(output, attempt, { stream, from: Math.max(from, cut.to), to });
    }
  }
}

function segmentsOf({ parts, only }: Output, attempt: Attempt): AsyncIterable<Segment> | readonly Segment[] {
  return only ? [{ stream: only, from: 0, to: attempt.streams[only].size }] : readOrder(parts.blob, attempt);
}

async function* bytesOf(
  { parts }: Output,
  attempt: Attempt,
  segment: Segment,
): AsyncGenerator<Uint8Array, void, void> {
  if (segment.from >= segment.to) return;
  const key = streamKey(attempt.taskId, attempt.number, segment.stream);
  yield* parts.blob.read(key, segment.from, segment.to);
}

function within(inner: ByteRange, outer: ByteRange): ByteRange {
  return { from: Math.max(inner.from, outer.from), to: Math.min(inner.to, outer.to) };
}

function lengthOf(range: ByteRange | null): number {
  return range ? range.to - range.from : 0;
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, each) => total + each, 0);
}
