/** What changed between what is known of files and what is there. Pure. */
import type { FileChange, FileEventKind } from '../../api/watch-shapes.ts';

/** The state of one file. */
export interface FileState {
  readonly size: number;
  /** ns, in digits */
  readonly mtimeNs: string;
  readonly inode: string;
  /** lower-case hex; null for large files */
  readonly sha256: string | null;
}

/** Files by absolute path. */
export type FileTable = ReadonlyMap<string, FileState>;

/**
 * Compares two tables. A file that was only touched did not change; a rename is told when inode and size are the same.
 * @returns the changes by path; of kinds that are not in `events` none
 */
export function diffTables(
  { before, after }: { readonly before: FileTable; readonly after: FileTable },
  events: readonly FileEventKind[],
): FileChange[] {
  const gone = new Map(
    [...before].filter(([path]) => !after.has(path)).map(([path, state]) => [idOf(state), path]),
  );
  const changes: FileChange[] = [];
  for (const [path, state] of after) {
    const old = before.get(path);
    if (old !== undefined) {
      if (!isSame(old, state)) changes.push({ kind: 'modify', path, ...state });
      continue;
    }
    const from = gone.get(idOf(state));
    if (from === undefined) changes.push({ kind: 'create', path, ...state });
    else {
      gone.delete(idOf(state));
      changes.push({ kind: 'rename', path, renamedFrom: from, ...state });
    }
  }
  const renamed = new Set(changes.map(({ renamedFrom }) => renamedFrom));
  for (const [path, state] of before) {
    if (!after.has(path) && !renamed.has(path)) changes.push({ kind: 'delete', path, ...state });
  }
  return changes
    .filter(({ kind }) => events.includes(kind))
    .toSorted((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0));
}

/** Whether both hold the same bytes, as far as it was looked at. */
export function isSame(a: FileState, b: FileState): boolean {
  if (a.size !== b.size) return false;
  if (a.sha256 !== null && b.sha256 !== null) return a.sha256 === b.sha256;
  return a.mtimeNs === b.mtimeNs && a.inode === b.inode;
}

const idOf = ({ inode, size }: FileState) => `${inode}:${size}`;
