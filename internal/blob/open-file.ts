import { constants } from 'node:fs';
import { type FileHandle, mkdir, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isMissing } from './file-errors.ts';
import { type MadeDirectories, syncDirectory } from './made-directories.ts';

/** `full`: what is acknowledged survives power loss; `process`: the death of any process. */
export type Durability = 'full' | 'process';

/** An open file and where its acknowledged bytes end. */
export interface OpenFile {
  readonly handle: FileHandle;
  /** bytes that are acknowledged; what lies behind them is an append under way */
  size: number;
  /** whether what lies behind them is what is left of one that failed, and could not be cut off yet; default false */
  hasRest?: boolean;
}

/**
 * Opens a file that is there and has bytes; null when there is none. An empty one is as good as none: who made it may have
 * died before its name was on the disk.
 */
export async function openExisting(path: string): Promise<OpenFile | null> {
  let handle: FileHandle;
  try {
    handle = await open(path, constants.O_RDWR);
  } catch (error) {
    if (isMissing(error)) return null;
    throw error;
  }
  const { size } = await handle.stat();
  if (size > 0) return { handle, size };
  await handle.close();
  return null;
}

/**
 * Opens a file, made when it is not there.
 * @param directories  those that are on the disk: the file's name will be, too, before this resolves; null = no matter
 */
export async function openOrMake(path: string, directories: MadeDirectories | null): Promise<OpenFile> {
  const there = await openExisting(path);
  if (there) return there;
  const directory = dirname(path);
  if (directories === null) await mkdir(directory, { recursive: true, mode: 0o700 });
  else await directories.make(directory);
  const handle = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600);
  if (directories !== null) await syncDirectory(directory);
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
