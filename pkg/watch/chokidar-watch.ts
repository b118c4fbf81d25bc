/** The door of the package that watches. */
import { watch } from 'chokidar';
import type { DirectoryWatch, DirectoryWatchOptions } from './directory-watch.ts';

/** Watches a directory and all below it, on systems where a watch of a directory does not tell of changes in its files. */
export function chokidarWatch({ root, ignored, onHint, onError }: DirectoryWatchOptions): DirectoryWatch {
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
  return { ready, check: async () => {}, close: () => watcher.close() };
}
