/** What changed between what is known of files and what is there. Pure. */
import type { FileChange } from '../../api/watch-shapes.ts';

/** A file as the system tells of it. */
export interface FileStat {
  readonly size: number;
  /** ns, in digits */
  readonly mtimeNs: string;
  readonly inode: string;
}

/** A file as it is known. */
export interface FileState extends FileStat {
  /** lower-case hex; null for large files, and such as could not be read */
  readonly sha256: string | null;
}

/** What is known of files, by absolute path. */
export type FileTable = ReadonlyMap<string, FileState>;

/**
 * Compares what is known with what is there. A rename is told when inode, size and time are the same: an inode alone may
 * be that of a file that is gone. What was only touched is a `modify` here: who reads the file finds out.
 * @returns the changes by path; `sha256` is null for what has to be read yet
 */
export function diffFiles(known: FileTable, there: ReadonlyMap<string, FileStat>): FileChange[] {
  const gone = new Map<string, string>();
  for (const [path, state] of known) if (!there.has(path)) gone.set(idOf(state), path);
  const changes: FileChange[] = [];
  for (const [path, stat] of there) {
    const old = known.get(path);
    if (old !== undefined) {
      if (!isSameStat(old, stat)) changes.push({ kind: 'modify', path, ...plain(stat), sha256: null });
      continue;
    }
    const from = gone.get(idOf(stat));
    if (from === undefined) changes.push({ kind: 'create', path, ...plain(stat), sha256: null });
    else {
      gone.delete(idOf(stat));
      const sha256 = known.get(from)?.sha256 ?? null;
      changes.push({ kind: 'rename', path, renamedFrom: from, ...plain(stat), sha256 });
    }
  }
  const renamed = new Set(changes.map(({ renamedFrom }) => renamedFrom));
  for (const [path, state] of known) {
    if (!there.has(path) && !renamed.has(path)) changes.push({ kind: 'delete', path, ...state });
  }
  return changes.sort(byPath);
}

/** Writes changes into a table. */
export function applyChanges(table: Map<string, FileState>, changes: readonly FileChange[]): void {
  for (const { kind, path, renamedFrom, size, mtimeNs, inode, sha256 } of changes) {
    if (renamedFrom !== undefined) table.delete(renamedFrom);
    if (kind === 'delete') table.delete(path);
    else table.set(path, { size, mtimeNs, inode, sha256 });
  }
}

/** Whether the system tells the same of both. */
export function isSameStat(a: FileStat, b: FileStat): boolean {
  return a.size === b.size && a.mtimeNs === b.mtimeNs && a.inode === b.inode;
}

const idOf = ({ inode, size, mtimeNs }: FileStat) => `${inode}:${size}:${mtimeNs}`;
const plain = ({ size, mtimeNs, inode }: FileStat): FileStat => ({ size, mtimeNs, inode });
const byPath = (a: FileChange, b: FileChange) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0);
