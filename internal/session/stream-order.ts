/**
 * In which order the two streams of an attempt arrived, at the grain of appends. The blob `<task>/<n>/order` holds one
 * line for each time the sender went over from one stream to the other: `o 4096` means "now stderr; stdout had 4096
 * bytes by then". A line that is missing after a crash costs order, never bytes: ends are absolute.
 */
import type { BlobStore } from '../blob/blob.ts';
import type { Attempt } from '../domain/attempt.ts';
import type { StreamName } from '../domain/task.ts';
import { oneAtATime } from './one-at-a-time.ts';

/** A piece of one stream. */
export interface Segment {
  readonly stream: StreamName;
  /** inclusive; bytes */
  readonly from: number;
  /** exclusive; bytes */
  readonly to: number;
}

/** Which stream an attempt is on; remembered so that the common append costs nothing. */
const current = new WeakMap<BlobStore, Map<string, StreamName>>();
/** Attempts remembered; one that is forgotten is looked up again. */
const maxRemembered = 1_000;

const letters = { stdout: 'o', stderr: 'e' } as const;

function orderKey(taskId: string, number: number): string {
  return `${taskId}/${number}/order`;
}

/**
 * Notes that bytes of a stream arrived.
 * @param arrival.before both streams as they were before these bytes
 */
export async function recordOrder(
  blob: BlobStore,
  arrival: {
    readonly taskId: string;
    readonly number: number;
    readonly stream: StreamName;
    readonly before: Attempt['streams'];
  },
): Promise<void> {
  const { stream, before } = arrival;
  const key = orderKey(arrival.taskId, arrival.number);
  const remembered = memoryOf(blob);
  if (remembered.get(key) === stream) return;
  await oneAtATime(blob, key, async () => {
    const last = remembered.get(key) ?? (await lookUp(blob, key, before)) ?? stream;
    if (last !== stream) {
      const line = new TextEncoder().encode(`${letters[last]} ${before[last].size}\n`);
      await blob.append(key, await blob.size(key), line);
    }
    if (remembered.size >= maxRemembered) remembered.clear();
    remembered.set(key, stream);
  });
}

/** The order of everything that is here of an attempt. */
export async function* readOrder(
  blob: BlobStore,
  attempt: Pick<Attempt, 'taskId' | 'number' | 'streams'>,
): AsyncGenerator<Segment, void, void> {
  const { streams } = attempt;
  const at = { stdout: 0, stderr: 0 };
  const upTo = function* (stream: StreamName, end: number): Generator<Segment, void, void> {
    const to = Math.min(end, streams[stream].size);
    if (to > at[stream]) yield { stream, from: at[stream], to };
    at[stream] = Math.max(at[stream], to);
  };
  let next: StreamName = 'stdout';
  for await (const line of readLines(blob, orderKey(attempt.taskId, attempt.number))) {
    const [letter, end] = line.split(' ');
    const stream = letter === letters.stdout ? 'stdout' : 'stderr';
    yield* upTo(stream, Number(end));
    next = other(stream);
  }
  yield* upTo(next, streams[next].size);
  yield* upTo(other(next), streams[other(next)].size);
}

async function lookUp(blob: BlobStore, key: string, before: Attempt['streams']): Promise<StreamName | null> {
  const size = await blob.size(key);
  if (size > 0) {
    let tail = '';
    for await (const chunk of blob.read(key, Math.max(0, size - 64), size))
      tail += Buffer.from(chunk).toString();
    const last = tail.trimEnd().split('\n').at(-1) ?? '';
    return last.startsWith(letters.stdout) ? 'stderr' : 'stdout';
  }
  if (before.stdout.size > 0) return 'stdout';
  return before.stderr.size > 0 ? 'stderr' : null;
}

async function* readLines(blob: BlobStore, key: string): AsyncGenerator<string, void, void> {
  let rest = '';
  for await (const chunk of blob.read(key, 0)) {
    const lines = (rest + Buffer.from(chunk).toString()).split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
}

function other(stream: StreamName): StreamName {
  return stream === 'stdout' ? 'stderr' : 'stdout';
}

function memoryOf(blob: BlobStore): Map<string, StreamName> {
  let memory = current.get(blob);
  if (!memory) {
    memory = new Map();
    current.set(blob, memory);
  }
  return memory;
}
