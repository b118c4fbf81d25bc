import { crc32 } from 'node:zlib';

/** Bytes on their way through, and what is known of them so far. */
export interface Measured {
  /** the same bytes; ends quietly where the source failed */
  readonly bytes: AsyncIterable<Uint8Array>;
  /** how many have passed; bytes */
  readonly size: number;
  /** CRC-32 of what was there before and what has passed */
  readonly crc32: number;
  /** set when the source failed, e.g. because its connection was cut */
  readonly failure: { readonly cause: unknown } | null;
}

/** Counts bytes and takes their CRC-32 while they pass. @param crc the CRC-32 of what is there already; 0 = nothing */
export function measure(source: AsyncIterable<Uint8Array>, crc: number): Measured {
  const state = { size: 0, crc32: crc, failure: null as Measured['failure'] };
  async function* pass(): AsyncGenerator<Uint8Array, void, void> {
    try {
      for await (const chunk of source) {
        state.crc32 = crc32(chunk, state.crc32);
        state.size += chunk.length;
        yield chunk;
      }
    } catch (cause) {
      state.failure = { cause };
    }
  }
  return Object.assign(state, { bytes: pass() });
}
