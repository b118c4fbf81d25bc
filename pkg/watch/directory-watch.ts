/** Hints that something changed below a directory. */
import { chokidarWatch } from './chokidar-watch.ts';
import { InotifyWatch } from './inotify-watch.ts';

/** What a watch is made with. */
export interface DirectoryWatchOptions {
  /** a directory, never a file: watches of single files die with an atomic save */
  readonly root: string;
  /** whether a path is left out, with all below it */
  readonly ignored: (path: string) => boolean;
  /** Something changed at this absolute path, or below it, or may have. The same change may be told more than once. */
  readonly onHint: (path: string) => void;
  /** The system took no more watches, or lost track: what follows may be missed. */
  readonly onError: (error: Error) => void;
}

/** A watch. */
export interface DirectoryWatch {
  /** Resolves when all is watched: what changed before then gives no hint. Never resolves when that fails, or is closed. */
  readonly ready: Promise<void>;
  /** Makes sure of the directories that are there now: one may have come without that the system told of it. Never rejects. */
  check(): Promise<void>;
  /** May be called at any time, also before it is ready. */
  close(): Promise<void>;
}

/** Watches a directory and all below it; links are not followed. Files that are there already give no hint. */
export function watchDirectory(options: DirectoryWatchOptions): DirectoryWatch {
  return process.platform === 'linux' ? new InotifyWatch(options) : chokidarWatch(options);
}
