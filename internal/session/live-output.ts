import type { Attempt } from '../domain/attempt.ts';
import { type StreamName, streamNames } from '../domain/task.ts';
import { streamKey } from './append-stream.ts';
import type { Follow } from './live-position.ts';
import { elidedPart } from './log-view.ts';
import type { SessionParts } from './parts.ts';

/** What pieces of output have in common: where they stand. */
interface OutputPlace {
  readonly taskId: string;
  readonly attempt: number;
  readonly stream: StreamName;
  /** of its first byte in the stream */
  readonly offset: number;
}

/** Output that a reader is spared, since it is too far behind. */
export interface ElidedPiece extends OutputPlace {
  readonly elidedBytes: number;
}

/** A piece of output as text. */
export interface OutputPiece extends OutputPlace {
  /** bytes that are no UTF-8 are replaced by U+FFFD; characters are never cut */
  readonly text: string;
}

/** Largest piece; bytes. Small enough that a slow reader is never owed much. */
const pieceBytes = 32 * 1024;
/** How much is read in one go: as much is held for a reader that does not take it; bytes. */
const readBytes = 256 * 1024;

/**
 * Gives the output that is here and that the reader does not have, moving its offsets along. Of a stream in which the
 * reader is behind by more than `maxBytes` it gets as much, half from where it is and half from the end, and is told
 * what is between them; null = everything. A character whose rest has
 * not arrived yet waits, unless the attempt takes no more bytes.
 */
export async function* pumpOutput(
  parts: SessionParts,
  follow: Follow,
  attempt: Attempt,
  maxBytes: number | null,
): AsyncGenerator<OutputPiece | ElidedPiece, void, void> {
  const complete = attempt.state === 'finished' || attempt.state === 'superseded';
  for (const stream of streamNames) {
    const { size } = attempt.streams[stream];
    const key = streamKey(attempt.taskId, attempt.number, stream);
    const missing = { from: follow.offsets[stream], to: size };
    let cut = maxBytes === null ? null : elidedPart(missing, maxBytes);
    while (follow.offsets[stream] < size) {
      const from = follow.offsets[stream];
      const to = Math.min(cut?.from ?? size, from + readBytes);
      const bytes = from < to ? await collect(parts.blob.read(key, from, to)) : new Uint8Array();
      for (const piece of piecesOf(bytes, complete && from + bytes.length >= size)) {
        const offset = follow.offsets[stream];
        follow.offsets[stream] = offset + piece.length;
        const text = Buffer.from(piece.buffer, piece.byteOffset, piece.length).toString('utf8');
        yield { taskId: attempt.taskId, attempt: attempt.number, stream, offset, text };
      }
      if (follow.offsets[stream] > from) continue;
      // before a cut this is its place, or a character that it divides
      if (!cut) break;
      follow.offsets[stream] = cut.to;
      const place = { taskId: attempt.taskId, attempt: attempt.number, stream, offset: from };
      yield { ...place, elidedBytes: cut.to - from };
      cut = null;
    }
  }
}

/** Whether the reader has everything that is here of an attempt. */
export function isDrained(follow: Follow, attempt: Attempt): boolean {
  return streamNames.every((stream) => follow.offsets[stream] >= attempt.streams[stream].size);
}

function* piecesOf(bytes: Uint8Array, last: boolean): Generator<Uint8Array, void, void> {
  let at = 0;
  while (at < bytes.length) {
    const slice = bytes.subarray(at, at + pieceBytes);
    const isLast = last && at + slice.length === bytes.length;
    const length = isLast ? slice.length : wholeCharacters(slice);
    if (length === 0) return;
    yield slice.subarray(0, length);
    at += length;
  }
}

/** How many of these bytes there are without a character at the end that is not all here. */
export function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= Math.min(3, bytes.length); back++) {
    const byte = bytes[bytes.length - back] ?? 0;
    if (byte < 0x80) break;
    if (byte < 0xc0) continue;
    const needed = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : 2;
    return needed > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

async function collect(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const all: Uint8Array[] = [];
  for await (const chunk of chunks) all.push(chunk);
  return all.length === 1 && all[0] ? all[0] : Buffer.concat(all);
}
