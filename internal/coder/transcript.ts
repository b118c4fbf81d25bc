import { closeSync, openSync, writeFileSync, writeSync } from 'node:fs';
import { UnavailableError } from '../domain/errors.ts';

/** Writes down what happened; pieces are masked before they come here. */
export interface Transcript {
  readonly file: string;
  /**
   * Adds a piece, whole or not at all; whoever reads the file sees it at once.
   * @throws {UnavailableError} KERUTA_ERR_DISK_FULL
   */
  add(piece: string | Uint8Array): void;
  /** Writes the end, when the middle was left out. Harmless when it is closed already. */
  close(): void;
}

/** How much is kept. */
export interface TranscriptLimits {
  /** of the beginning; bytes, default 16 MiB */
  readonly headBytes?: number;
  /** of the end, once the beginning is full; bytes, default 1 MiB. It is held in memory */
  readonly tailBytes?: number;
  /** says how many bytes are left out between both; default a line of text */
  readonly gap?: (bytes: number) => string;
}

/**
 * Opens a transcript; the file is made, or emptied. What came first and what came last is kept.
 * @throws {UnavailableError} KERUTA_ERR_DISK_FULL
 */
export function openTranscript(file: string, limits: TranscriptLimits = {}): Transcript {
  const { headBytes = 16 * 1024 ** 2, tailBytes = 1024 ** 2 } = limits;
  const gap = limits.gap ?? ((bytes: number) => `\n[… ${bytes} bytes are left out here …]\n`);
  let handle: number | null = kept(() => openSync(file, 'w', 0o600));
  let written = 0;
  let dropped = 0;
  let tail: Uint8Array[] = [];
  let tailSize = 0;

  const write = (bytes: Uint8Array) => {
    const to = handle;
    if (to === null) return;
    // all of it: on a disk that is nearly full a single write may take a part only, without an error
    for (let at = 0; at < bytes.length; ) at += kept(() => writeSync(to, bytes, at));
  };

  return {
    file,
    add: (piece) => {
      if (handle === null) return;
      const bytes = typeof piece === 'string' ? Buffer.from(piece) : piece;
      if (tail.length === 0 && dropped === 0 && written + bytes.length <= headBytes) {
        written += bytes.length;
        write(bytes);
        return;
      }
      tail.push(bytes);
      tailSize += bytes.length;
      let first = 0;
      while (tailSize > tailBytes && first < tail.length) {
        const size = tail[first]?.length ?? 0;
        tailSize -= size;
        dropped += size;
        first += 1;
      }
      if (first > 0) tail = tail.slice(first);
    },
    close: () => {
      if (handle === null) return;
      try {
        if (dropped > 0) write(Buffer.from(gap(dropped)));
        for (const bytes of tail) write(bytes);
      } finally {
        closeSync(handle);
        handle = null;
        tail = [];
      }
    },
  };
}

/** Writes a note beside the transcript, for its owner alone. @throws {UnavailableError} KERUTA_ERR_DISK_FULL */
export function writeNote(file: string, text: string): void {
  kept(() => writeFileSync(file, text, { mode: 0o600 }));
}

function kept<T>(act: () => T): T {
  try {
    return act();
  } catch (cause) {
    const { code = '' } = cause as NodeJS.ErrnoException;
    throw new UnavailableError(
      'KERUTA_ERR_DISK_FULL',
      `the transcript of the coding agent cannot be written (${code}); free some space, the task can be tried again`,
      { cause },
    );
  }
}
