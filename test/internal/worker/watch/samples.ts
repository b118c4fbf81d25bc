/** Files for tests of watches. */
import fc from 'fast-check';
import type { FileChange } from '../../../../internal/api/watch-shapes.ts';
import type { FileState } from '../../../../internal/worker/watch/diff.ts';

/** A file of a byte. */
export const state = (inode: string, sha256: string | null = 'a'.repeat(64), mtimeNs = '1'): FileState => ({
  ...{ size: 1, mtimeNs, inode, sha256 },
});

/** A change of a file of a byte. */
export const change = (path: string, more: Partial<FileChange> = {}): FileChange => ({
  ...{ kind: 'create', path, ...state('1') },
  ...more,
});

/** Tables in which no two files have the same inode. */
export const table: fc.Arbitrary<Map<string, FileState>> = fc
  .dictionary(
    fc.constantFrom('a', 'b', 'c', 'd', 'd/e', 'x y', 'n\nl'),
    fc.record({ size: fc.nat(2), mtime: fc.nat(2), inode: fc.nat(6) }),
  )
  .map((files) => {
    const taken = new Set<number>();
    const rows = Object.entries(files).flatMap(([path, { size, mtime, inode }]) => {
      if (taken.has(inode)) return [];
      taken.add(inode);
      return [[path, { size, mtimeNs: String(mtime), inode: String(inode), sha256: null }] as const];
    });
    return new Map(rows);
  });

/** What the server does with one event. */
export const ran = { decision: 'run', reason: 'event', taskId: 't' } as const;
