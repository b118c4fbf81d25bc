/** Hints that something changed below a directory. The door of the package that watches. */
import { watch } from 'chokidar';

/** What a watch is made with. */
export interface DirectoryWatchOptions {
  /** a directory, never a file: watches of single files die with an atomic save */
  readonly root: string;
  /** whether a path is left out, with all below it */
  readonly ignored: (path: string) => boolean;
  /** Something changed at this absolute path, or may have. */
  readonly onHint: (path: string) => void;
  /** The system took no more watches, or lost track: what follows may be missed. */
  readonly onError: (error: Error) => void;
}

/** A watch. */
export interface DirectoryWatch {
  /** Resolves when all is watched: what changed before then gives no hint. Never resolves when that fails, or is closed. */
  readonly ready: Promise<void>;
  /** May be called at any time, also before it is ready. */
  close(): Promise<void>;
}

/** Watches a directory and all below it; links are not followed. Files that are there already give no hint. */
export function watchDirectory({ root, ignored, onHint, onError }: DirectoryWatchOptions): DirectoryWatch {
  const watcher = watch(root, {
    ignored,
    ignoreInitial: true,
    followSymlinks: false,
    atomic: false,
    ignorePermissionErrors: true,
  });
  watcher.on('all', (_event, path) => onHint(path));
  watcher.on('error', (error) => onError(error instanceof Error ? error : new Error(String(error))));
  const ready = new Promise<void>((resolve) => {
    watcher.once('ready', resolve);
  });
  return { ready, close: () => watcher.close() };
}
