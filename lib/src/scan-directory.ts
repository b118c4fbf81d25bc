/** What files there are below a directory, and how they are. */
import { type Dirent, promises } from 'node:fs';
import { join, relative } from 'node:path';

/** A file as it was found. */
export interface Found {
  /** changes when the file does: its size, time and inode */
  readonly mark: string;
}

/** Most files that are looked at. */
const maxFiles = 50_000;
/** Directories that never count. */
const ignored = ['.git', 'node_modules', '.keruta', 'dist'];

/**
 * Plain files below a directory, by their paths relative to it. Links are not followed; hidden files and those of programs
 * (`.git`, `node_modules`, `dist`) are left out.
 * @throws {Error} when the directory cannot be read, or there are more than 50,000 files
 */
export async function scanDirectory(
  root: string,
  counts: (path: string) => boolean,
): Promise<Map<string, Found>> {
  const found = new Map<string, Found>();
  const waiting = [root];
  for (let directory = waiting.pop(); directory !== undefined; directory = waiting.pop()) {
    for (const entry of await entriesOf(directory, directory === root)) {
      if (entry.name.startsWith('.') || ignored.includes(entry.name)) continue;
      const path = join(directory, entry.name);
      if (entry.isDirectory()) waiting.push(path);
      if (!entry.isFile() || !counts(relative(root, path))) continue;
      // one that is gone by now is not there
      const stat = await promises.stat(path, { bigint: true }).catch(() => null);
      if (stat) found.set(relative(root, path), { mark: `${stat.size} ${stat.mtimeNs} ${stat.ino}` });
      if (found.size > maxFiles)
        throw new Error(`expected at most ${maxFiles} files; watch a smaller directory`);
    }
  }
  return found;
}

async function entriesOf(directory: string, isRoot: boolean): Promise<Dirent[]> {
  try {
    return await promises.readdir(directory, { withFileTypes: true });
  } catch (error) {
    if (isRoot) throw error;
    return [];
  }
}
