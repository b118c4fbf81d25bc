import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMissing } from './file-errors.ts';

/** `full`: what is acknowledged survives power loss; `process`: the death of any process. */
export type Durability = 'full' | 'process';

/** An open file and where its acknowledged bytes end. */
export interface OpenFile {
  readonly handle: FileHandle;
  /** bytes that are acknowledged; what lies behind them is an append under way */
  size: number;
}

/** Opens a file that is there; null when there is none. */
export async function openExisting(path: string): Promise<OpenFile | null> {
  try {
    const handle = await open(path, constants.O_RDWR);
    return { handle, size: (await handle.stat()).size };
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
}

/** Opens a file, made when it is not there; with full durability its name is on the disk before this resolves. */
export async function openOrMake(path: string, durability: Durability): Promise<OpenFile> {
  const there = await openExisting(path);
  if (there) return there;
  const directory = dirname(path);
  const firstMade = await mkdir(directory, { recursive: true, mode: 0o700 });
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  if (durability === 'full') {
    await syncDirectory(directory);
    if (firstMade !== undefined) {
      for (let made = directory; ; made = dirname(made)) {
        await syncDirectory(dirname(made));
        if (made === firstMade) break;
      }
    }
  }
  return { handle, size: (await handle.stat()).size };
}

/**
 * Writes pieces one after another from `position` on; memory is bounded by `batchBytes` and the largest piece.
 * @returns the position after the last byte
 */
export async function writeAll(
  handle: FileHandle,
  position: number,
  pieces: AsyncIterable<Uint8Array> | Uint8Array,
): Promise<number> {
  if (pieces instanceof Uint8Array) return writeBatch(handle, position, [pieces]);
  let at = position;
  let batch: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of pieces) {
    if (piece.length === 0) continue;
    batch.push(piece);
    bytes += piece.length;
    if (bytes < batchBytes) continue;
    at = await writeBatch(handle, at, batch);
    batch = [];
    bytes = 0;
  }
  return batch.length > 0 ? writeBatch(handle, at, batch) : at;
}

/** How much is gathered before it is written: large enough that the calls do not count. */
const batchBytes = 256 * 1024;

async function writeBatch(
  handle: FileHandle,
  position: number,
  batch: readonly Uint8Array[],
): Promise<number> {
  let at = position;
  let rest = batch.filter((piece) => piece.length > 0);
  while (rest.length > 0) {
    const { bytesWritten } = await handle.writev(rest, at);
    at += bytesWritten;
    rest = behind(rest, bytesWritten);
  }
  return at;
}

function behind(pieces: readonly Uint8Array[], written: number): Uint8Array[] {
  let skip = written;
  return pieces.flatMap((piece) => {
    const skipped = Math.min(skip, piece.length);
    skip -= skipped;
    return skipped === piece.length ? [] : [piece.subarray(skipped)];
  });
}

async function syncDirectory(path: string): Promise<void> {
  const handle = await open(path, constants.O_RDONLY);
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
