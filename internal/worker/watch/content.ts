/** What is in files, told by a checksum. */
import { createHash } from 'node:crypto';
import { createReadStream, lstatSync, readFileSync } from 'node:fs';
import type { FileChange } from '../../api/watch-shapes.ts';
import { type FileStat, type FileTable, isSameStat } from './diff.ts';

/** Larger files are known by size, time and inode only; bytes. */
const maxHashedBytes = 10 * 1024 * 1024;
/** Smaller ones are read at once: one by one that is ten times as fast; bytes. */
const smallBytes = 64 * 1024;
/** So many small files are read between two turns of the event loop. */
const smallAtOnce = 50;

/** Changes that were read. */
export interface ReadChanges {
  readonly changed: readonly FileChange[];
  /** files that were touched, or saved as they were */
  readonly same: readonly FileChange[];
}

/**
 * Reads files that changed, and tells apart what only looks changed. One that changed again meanwhile is in neither: it has
 * not come to rest.
 */
export async function readChanges(
  changes: readonly FileChange[],
  known: FileTable,
  signal: AbortSignal,
): Promise<ReadChanges> {
  const changed: FileChange[] = [];
  const same: FileChange[] = [];
  let count = 0;
  for (const change of changes) {
    if (change.kind === 'delete' || (change.kind === 'rename' && change.sha256 !== null)) {
      changed.push(change);
      continue;
    }
    if (++count % smallAtOnce === 0) await breath(signal);
    const sha256 = await hashOf(change.path, change.size);
    if (!isStill(change.path, change)) continue;
    const before = change.kind === 'modify' ? known.get(change.path) : undefined;
    const isSame = before !== undefined && sha256 !== null && before.sha256 === sha256;
    (isSame ? same : changed).push({ ...change, sha256 });
  }
  return { changed, same };
}

/** @returns null for a large file, and one that cannot be read */
async function hashOf(path: string, size: number): Promise<string | null> {
  if (size > maxHashedBytes) return null;
  const hash = createHash('sha256');
  try {
    if (size <= smallBytes) return hash.update(readFileSync(path)).digest('hex');
    for await (const chunk of createReadStream(path, { end: maxHashedBytes })) hash.update(chunk as Buffer);
    return hash.digest('hex');
  } catch {
    return null;
  }
}

function isStill(path: string, as: FileStat): boolean {
  try {
    const { size, mtimeNs, ino } = lstatSync(path, { bigint: true });
    return isSameStat(as, { size: Number(size), mtimeNs: String(mtimeNs), inode: String(ino) });
  } catch {
    return false;
  }
}

function breath(signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  return new Promise((resolve) => {
    setImmediate(resolve);
  });
}
