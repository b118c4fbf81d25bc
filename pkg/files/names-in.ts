import { readdirSync, realpathSync } from 'node:fs';

/** The names in a directory, sorted; none when it is not there or cannot be read. */
export function namesIn(directory: string): readonly string[] {
  try {
    return readdirSync(directory).sort();
  } catch {
    return [];
  }
}

/** A path without links in it; as it is, when it leads nowhere. */
export function realOf(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
