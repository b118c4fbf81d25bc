/** What has become of files between two looks at a directory. Pure; times are epoch ms. */
import type { Found } from './scan-directory.ts';
import type { FileEvent } from './watch.ts';

/** What is known of a directory. Changed by {@link settledChanges}. */
export interface KnownFiles {
  /** what was taken: path and how the file was */
  readonly taken: Map<string, Found>;
  /** what has changed and must stand still first, and since when it does */
  readonly changing: Map<string, { readonly found: Found; readonly since: number }>;
}

/** One file that changed. */
export interface FileChange {
  readonly kind: FileEvent;
  /** relative to the directory */
  readonly path: string;
}

/**
 * Compares a look with what is known, and takes what has stood still for long enough. A file that has gone and one that
 * came are a rename when size, time and inode are the same.
 */
export function settledChanges(
  { taken, changing }: KnownFiles,
  {
    files,
    now,
    settleMs,
  }: { readonly files: ReadonlyMap<string, Found>; readonly now: number; readonly settleMs: number },
): FileChange[] {
  const gone = new Map(
    [...taken].filter(([path]) => !files.has(path)).map(([path, { mark }]) => [mark, path]),
  );
  const changes: FileChange[] = [];
  for (const [path, found] of files) {
    const before = taken.get(path);
    if (before?.mark === found.mark) {
      changing.delete(path);
      continue;
    }
    const standing = changing.get(path);
    const since = standing?.found.mark === found.mark ? standing.since : now;
    const from = before === undefined ? gone.get(found.mark) : undefined;
    // one that was only given another name stood still before
    if (from === undefined && now - since < settleMs) {
      changing.set(path, { found, since });
      continue;
    }
    changing.delete(path);
    taken.set(path, found);
    if (from !== undefined) taken.delete(from);
    const kind = from !== undefined ? 'rename' : before === undefined ? 'create' : 'modify';
    changes.push({ kind, path });
  }
  for (const path of changing.keys()) if (!files.has(path)) changing.delete(path);
  for (const path of taken.keys()) {
    if (files.has(path)) continue;
    taken.delete(path);
    changes.push({ kind: 'delete', path });
  }
  return changes;
}
