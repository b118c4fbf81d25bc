/** What files there are below a directory, and how they are. */
import { type Dirent, promises } from 'node:fs';
import { join } from 'node:path';

/** A file as it was found. */
export interface Found {
  /** changes when the file does, and not when it is renamed: its size, time and inode */
  readonly mark: string;
}

/** Which files count; paths are relative to the directory, with slashes. */
export interface ScanWish {
  readonly counts: (path: string) => boolean;
  /** files and directories that are left out */
  readonly ignored: (path: string) => boolean;
}

/** Most files that are looked at. */
const maxFiles = 50_000;

/**
 * Plain files below a directory, by their paths relative to it. Links are not followed.
 * @throws {Error} when the directory cannot be read, or there are more than 50,000 files
 */
export async function scanDirectory(
  root: string,
  { counts, ignored }: ScanWish,
): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  const waiting = [''];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    for (const entry of await entriesOf(root, directory)) {
      const path = directory === '' ? entry.name : `${directory}/${entry.name}`;
      if (ignored(path)) continue;
      if (entry.isDirectory()) waiting.push(path);
      if (!entry.isFile() || !counts(path)) continue;
      const one = await lookAt(join(root, path));
      if (one) found.set(path, one);
      if (found.size > maxFiles)
        throw new Error(`expected at most ${maxFiles} files; watch a smaller directory`);
    }
  }
  return found;
}

/** How a file is. @returns null when it is gone */
export async function lookAt(path: string): Promise<Found | null> {
  const stat = await promises.stat(path, { bigint: true }).catch(() => null);
  return stat && { mark: `${stat.size} ${stat.mtimeNs} ${stat.ino}` };
}

async function entriesOf(root: string, directory: string): Promise<Dirent[]> {
  try {
    return await promises.readdir(join(root, directory), { withFileTypes: true });
  } catch (error) {
    if (directory === '') throw error;
    return [];
  }
}
