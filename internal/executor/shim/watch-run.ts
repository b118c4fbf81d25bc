import { type FSWatcher, watch } from 'node:fs';
import type { Clock } from '../../../pkg/clock/clock.ts';
import { runFile } from './run-files.ts';

/** Files whose change somebody wants to hear of. */
const watched: ReadonlySet<string> = new Set([runFile.stdout, runFile.stderr, runFile.mailbox]);
/** Files that change once or twice in a run, and that somebody waits for. */
const urgent: ReadonlySet<string> = new Set([runFile.exit, runFile.drained]);
/** At most one call in this time. */
const quietMs = 10;
/** At least one call in this time, for what no watcher tells (a dead shim, a file system without events). */
const tickMs = 1000;

/**
 * Calls a listener after the files of a run changed: at once, then at most every 10 ms (the end is never held back), and
 * every second anyway.
 * @returns stops it
 */
export function watchRun(clock: Clock, directory: string, listener: () => void): () => void {
  let stopped = false;
  let cancelQuiet: (() => void) | null = null;
  let again = false;
  const call = () => {
    if (stopped) return;
    if (cancelQuiet !== null) {
      again = true;
      return;
    }
    cancelQuiet = clock.after(quietMs, () => {
      cancelQuiet = null;
      if (!again) return;
      again = false;
      call();
    });
    listener();
  };
  const tick = () => {
    cancelTick = clock.after(tickMs, tick);
    call();
  };
  let cancelTick = clock.after(tickMs, tick);
  const watcher = openWatcher(directory, (name) => {
    if (stopped) return;
    if (name !== null && urgent.has(name)) listener();
    else if (name === null || watched.has(name)) call();
  });
  return () => {
    stopped = true;
    watcher?.close();
    cancelTick();
    cancelQuiet?.();
  };
}

/** null where the machine has no watches left; the tick goes on. */
function openWatcher(directory: string, changed: (name: string | null) => void): FSWatcher | null {
  try {
    const watcher = watch(directory, { persistent: false }, (_event, name) => changed(name));
    watcher.on('error', () => watcher.close());
    return watcher;
  } catch {
    return null;
  }
}
