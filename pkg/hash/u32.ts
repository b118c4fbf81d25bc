import { createHash } from 'node:crypto';

/** A number of a text, 0 to 2³² − 1: the first four bytes of its SHA-256, the most significant first. */
export function u32(text: string): number {
  return createHash('sha256').update(text).digest().readUInt32BE(0);
}
