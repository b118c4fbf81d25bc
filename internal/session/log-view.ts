import type { StreamName } from '../domain/task.ts';
import type { SessionParts } from './parts.ts';

/** Most bytes of one stream that a view shows when nothing else is set. */
export const defaultLogViewBytes = 64 * 1024 * 1024;

/** A range of a stream; bytes, `to` exclusive. */
export interface ByteRange {
  readonly from: number;
  readonly to: number;
}

/** Most bytes of one stream that a view shows. */
export function maxLogViewBytes(parts: Pick<SessionParts, 'maxLogViewBytes'>): number {
  return parts.maxLogViewBytes ?? defaultLogViewBytes;
}

/**
 * Which part of a range a view leaves out: its middle, so that exactly `maxBytes` are left, half of them at each end.
 * @returns null when all of it is shown
 */
export function elidedPart({ from, to }: ByteRange, maxBytes: number): ByteRange | null {
  if (to - from <= maxBytes) return null;
  const headBytes = Math.floor(maxBytes / 2);
  return { from: from + headBytes, to: to - (maxBytes - headBytes) };
}

/** The line that stands in a view where bytes are left out. A script can print the same; the answer's header cannot be forged. */
export function elisionMark(stream: StreamName, elidedBytes: number): Uint8Array {
  return Buffer.from(`\n[keruta: ${elidedBytes} bytes of ${stream} are left out here]\n`);
}
