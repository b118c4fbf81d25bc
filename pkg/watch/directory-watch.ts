/** Hints that something changed below a directory. The door of the package that watches. */
import { watch } from 'chokidar';

/** What a watch is made with. */
export interface DirectoryWatchOptions {
  /** a directory, never a file: watches of single files die with an atomic save */
  readonly root: string;
  /** whether a path is left out, with all below it */
  readonly ignored: (path: string) => boolean;
  /** look every so often instead of being told by the system; ms; null = be told */
  readonly pollMs: number | null;
  /** Something changed, or may have. */
  readonly onHint: (path: string) => void;
  /** The system took no more watches, or lost track: what follows may be missed. */
  readonly onError: (error: Error) => void;
}

/**
 * Watches a directory and all below it; links are not followed. Files that are there already give no hint.
 * @returns when all is watched: what changed before then gives no hint
 */
export async function watchDirectory(options: DirectoryWatchOptions): Promise<{ close(): Promise<void> }> {
  const { root, ignored, pollMs, onHint, onError } = options;
  const watcher = watch(root, {
    ignored,
    ignoreInitial: true,
    followSymlinks: false,
    atomic: false,
    ignorePermissionErrors: true,
    usePolling: pollMs !== null,
    ...(pollMs === null ? {} : { interval: pollMs, binaryInterval: pollMs }),
  });
  watcher.on('all', (_event, path) => onHint(path));
  watcher.on('error', (error) => onError(error instanceof Error ? error : new Error(String(error))));
  await new Promise<void>((resolve) => watcher.once('ready', resolve));
  return { close: () => watcher.close() };
}
